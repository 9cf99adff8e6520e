"""Chains of elementwise ops over a million elements."""

import numpy as np

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.row import Row


def chain(m, x, y, z):
    """Ten ops, in the framework whose functions `m` has."""
    return m.sqrt(m.log(m.exp(-(m.tanh(x * y * 0.5) ** 2)) + 1) + z)


CHAIN = Row(
    "chain",
    "ten elementwise ops with exp, tanh, log on 1e6",
    data=lambda rng: [*rng.normal(size=(2, 10**6)).astype("f4"), rng.random(10**6).astype("f4")],
    numpy=lambda *arrays: [chain(np, *arrays)],
)


@CHAIN.built_for(SYMGRAPH, PYTENSOR)
def theano(lib, x, y, z):
    inputs = lib.T.fvectors("x", "y", "z")
    f = lib.sg.function(inputs, chain(lib.T, *inputs))
    return lambda: f(x, y, z)


@CHAIN.built_for(JAX)
def jax(lib, x, y, z):
    f = lib.jax.jit(lambda *arrays: chain(lib.jnp, *arrays))
    return lambda: f(x, y, z)


@CHAIN.built_for(TORCH, TORCH_COMPILE)
def torch(lib, x, y, z):
    f = lib.compile(lambda *arrays: chain(lib.torch, *arrays))
    return lambda: f(x, y, z)


ROWS = [CHAIN]
