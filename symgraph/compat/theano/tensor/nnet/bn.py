"""`theano.tensor.nnet.bn`."""

from symgraph.nnet import *
