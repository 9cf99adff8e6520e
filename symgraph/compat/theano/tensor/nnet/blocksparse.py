"""`theano.tensor.nnet.blocksparse`."""

from symgraph.nnet import *
