"""Chains of elementwise ops."""

from types import SimpleNamespace

import numpy as np

from bench.row import function_row

NUMPY = SimpleNamespace(m=np)
A, B = np.float32(1.5), np.float32(0.5)


def chain(lib, x, y, z):
    """Ten ops."""
    m = lib.m
    return m.sqrt(m.log(m.exp(-(m.tanh(x * y * np.float32(0.5)) ** 2)) + 1) + z)


def data(count):
    return lambda rng: [*rng.normal(size=(2, count)).astype("f4"), rng.random(count).astype("f4")]


def bound_by_memory(lib, x, y, z):
    return A * x + B - y * z


ROWS = [
    *(
        function_row(
            f"chain-{name}",
            f"ten elementwise ops with exp, tanh, log on {name}",
            data(int(float(name))),
            chain,
            lambda *arrays: [chain(NUMPY, *arrays)],
        )
        for name in ("1e4", "1e6", "1e7")
    ),
    function_row(
        "axpby",
        "a*x + b - y*z on 1e7",
        data(10**7),
        bound_by_memory,
        lambda *arrays: [bound_by_memory(NUMPY, *arrays)],
    ),
]
