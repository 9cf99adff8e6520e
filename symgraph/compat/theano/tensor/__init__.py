"""`theano.tensor`."""

from importlib import import_module

from symgraph.compat.theano.configdefaults import config
from symgraph.compat.theano.tensor import (
    blas,
    elemwise,
    extra_ops,
    inplace,
    nlinalg,
    opt,
    raw_random,
    shared_randomstreams,
    sharedvar,
    slinalg,
    subtensor,
    utils,
    var,
)
from symgraph.compat.theano.tensor import basic as basic
from symgraph.compat.theano.tensor.basic import *
from symgraph.compat.theano.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from symgraph.compat.theano.tensor.opt import Assert
from symgraph.compat.theano.tensor.sort import argsort, argtopk, sort, topk, topk_and_argtopk
from symgraph.compat.theano.tensor.var import AsTensorError, TensorConstant, TensorVariable

# The names of these modules are symgraph's too, where they mean something else.
globals().update({m: import_module(f"{__name__}.{m}") for m in ("fft", "nnet", "signal", "xlogx")})
