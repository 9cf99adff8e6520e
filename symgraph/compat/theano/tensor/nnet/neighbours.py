"""`theano.tensor.nnet.neighbours`."""

from symgraph.nnet import *
