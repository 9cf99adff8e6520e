"""`theano.tensor.nnet.sigm`."""

from symgraph.nnet import *
