"""`theano.tensor.nnet.conv3d2d`."""

from symgraph.nnet import *
