"""`theano.tensor.nnet.abstract_conv`."""

from symgraph.nnet import *
