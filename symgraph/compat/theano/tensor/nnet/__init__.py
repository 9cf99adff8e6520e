"""`theano.tensor.nnet`."""

from symgraph.compat.theano.tensor.nnet import (
    abstract_conv,
    blocksparse,
    bn,
    conv,
    conv3d2d,
    ctc,
    neighbours,
    sigm,
)
from symgraph.compat.theano.tensor.nnet import nnet as nnet
from symgraph.compat.theano.tensor.nnet.nnet import *
