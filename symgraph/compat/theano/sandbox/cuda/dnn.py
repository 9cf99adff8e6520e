"""`theano.sandbox.cuda.dnn`."""

from symgraph.compat.theano.gpuarray.dnn import *
