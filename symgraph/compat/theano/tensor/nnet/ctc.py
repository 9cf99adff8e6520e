"""`theano.tensor.nnet.ctc`."""

from symgraph.nnet import *
