"""The largest elements of rows, by partial selection."""

import numpy as np

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.row import Row

COUNT = 32

TOPK = Row(
    "topk",
    "top 32 of (256, 10,000)",
    data=lambda rng: [rng.normal(size=(256, 10_000)).astype("f4")],
    numpy=lambda x: [-np.sort(-x, axis=1)[:, :COUNT]],
)


@TOPK.built_for(SYMGRAPH)
def theano(lib, x):
    a = lib.T.fmatrix("a")
    f = lib.sg.function([a], lib.T.topk_and_argtopk(a, COUNT, axis=1))
    return lambda: f(x)[0]


@TOPK.built_for(PYTENSOR)
def sorted_whole(lib, x):
    """It has no selection: the rows are sorted."""
    a = lib.T.fmatrix("a")
    order = lib.T.argsort(-a, axis=1)[:, :COUNT]
    f = lib.sg.function([a], [lib.T.take_along_axis(a, order, 1), order])
    return lambda: f(x)[0]


@TOPK.built_for(JAX)
def jax(lib, x):
    f = lib.jax.jit(lambda a: lib.jax.lax.top_k(a, COUNT))
    return lambda: f(x)[0]


@TOPK.built_for(TORCH, TORCH_COMPILE)
def torch(lib, x):
    f = lib.compile(lambda a: lib.torch.topk(a, COUNT, dim=1))
    return lambda: f(x)[0]


ROWS = [TOPK]
