"""`theano.tensor`."""

from importlib import import_module

from symgraph.compat.theano import gradient
from symgraph.compat.theano import scalar as scal
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
from symgraph.compat.theano.tensor.basic import _shared
from symgraph.compat.theano.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from symgraph.compat.theano.tensor.opt import Assert
from symgraph.compat.theano.tensor.sort import argsort, argtopk, sort, topk, topk_and_argtopk
from symgraph.compat.theano.tensor.var import (
    AsTensorError,
    TensorConstant,
    TensorVariable,
    _tensor_py_operators,
)

# The names of these modules are symgraph's too, where they mean something else.
globals().update(
    {
        m: import_module(f"{__name__}.{m}")
        for m in ("fft", "nlinalg", "nnet", "signal", "slinalg", "xlogx")
    }
)

# So are those of these functions.
grad, jacobian, hessian = gradient.grad, gradient.jacobian, gradient.hessian
Lop, Rop = gradient.Lop, gradient.Rop
verify_grad, numeric_grad = gradient.verify_grad, gradient.numeric_grad
