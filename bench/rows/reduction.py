"""Reductions along rows, and what is made of them."""

import scipy.special

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.row import Row

SOFTMAX = Row(
    "softmax",
    "softmax on (4096, 1000)",
    data=lambda rng: [rng.normal(scale=3, size=(4096, 1000)).astype("f4")],
    numpy=lambda x: [scipy.special.softmax(x, axis=1)],
)


@SOFTMAX.built_for(SYMGRAPH, PYTENSOR)
def theano(lib, x):
    a = lib.T.fmatrix("a")
    f = lib.sg.function([a], lib.softmax(a))
    return lambda: f(x)


@SOFTMAX.built_for(JAX)
def jax(lib, x):
    f = lib.jax.jit(lib.jax.nn.softmax)
    return lambda: f(x)


@SOFTMAX.built_for(TORCH, TORCH_COMPILE)
def torch(lib, x):
    f = lib.compile(lambda a: lib.F.softmax(a, dim=1))
    return lambda: f(x)


ROWS = [SOFTMAX]
