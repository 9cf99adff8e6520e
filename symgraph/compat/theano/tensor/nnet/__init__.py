"""`theano.tensor.nnet`."""

from importlib import import_module

from symgraph.compat.theano.tensor.nnet import (
    abstract_conv,
    blocksparse,
    bn,
    conv,
    conv3d2d,
    corr,
    corr3d,
    ctc,
    neighbours,
    sigm,
)
from symgraph.compat.theano.tensor.nnet import nnet as nnet
from symgraph.compat.theano.tensor.nnet.nnet import *

SHADOWED = ("abstract_conv", "blocksparse", "bn", "conv", "conv3d2d", "neighbours")
# The names of these modules are symgraph's too, where they mean something else.
globals().update({m: import_module(f"{__name__}.{m}") for m in SHADOWED})
