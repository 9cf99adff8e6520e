"""The rows of the GPU table: those of the CPU's that issue a GPU's questions, and an optimiser.

In the simulator, which runs each thread as one of Python's, the same rows are small.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.floors import arrays
from bench.gpu.measure import speed
from bench.gpu.peers import CUPY, SIMULATED, SYMGRAPH
from bench.reference import cross_entropy, logsumexp, normals, softmax, standard
from bench.row import Row, function_row
from bench.rows import call, convolution, elementwise, loops, training, transformer

NUMPY = SimpleNamespace(m=np)
DECAYS, RATE, EPSILON = (0.9, 0.999), 1e-3, 1e-8


def adam(m: Any, w: Any, g: Any, mean: Any, square: Any) -> list[Any]:
    """A step of D. Kingma and J. Ba's optimiser, 2015, without its correction of the start."""
    first, second = (np.float32(d) for d in DECAYS)
    mean = first * mean + (1 - first) * g
    square = second * square + (1 - second) * g * g
    return [w - np.float32(RATE) * mean / (m.sqrt(square) + np.float32(EPSILON)), mean, square]


def adam_data(count: int) -> Any:
    def draw(rng: np.random.Generator) -> list[np.ndarray]:
        w, g, mean, square = rng.normal(size=(4, count)).astype("f4")
        return [w, g, mean, square**2]

    return draw


def labelled(rows: int, classes: int) -> Any:
    def draw(rng: np.random.Generator) -> list[np.ndarray]:
        scores = rng.normal(size=(rows, classes)).astype("f4")
        return [scores, rng.integers(0, classes, rows).astype("i4")]

    return draw


def over_arrays(count: int, side: int, wide: tuple[int, int]) -> list[Row]:
    """What memory bounds: chains, reductions, rows, an optimiser."""
    square, rows = normals((side, side)), normals(wide, scale=3)
    return [
        function_row(
            "chain", f"ten elementwise ops with exp, tanh, log on {count:,}",
            elementwise.data(count), elementwise.chain, lambda *a: [elementwise.chain(NUMPY, *a)],
        ),
        function_row(
            "axpby", f"a*x + b - y*z on {count:,}", elementwise.data(count),
            elementwise.bound_by_memory, lambda *a: [elementwise.bound_by_memory(NUMPY, *a)],
        ),
        function_row(
            "sum", f"sum of {(side, side)}", square, lambda lib, x: x.sum(), lambda x: [x.sum()],
            tolerance=1e-3,
        ),
        *(
            function_row(
                f"sum-{axis}", f"sums of {(side, side)} along axis {axis}", square,
                lambda lib, x, axis=axis: x.sum(axis=axis), lambda x, axis=axis: [x.sum(axis=axis)],
            )
            for axis in (0, 1)
        ),
        function_row(
            "softmax", f"softmax on {wide}", rows, lambda lib, x: lib.softmax(x),
            lambda x: [softmax(x)],
        ),
        function_row(
            "logsumexp", f"logsumexp of {wide}", rows, lambda lib, x: lib.logsumexp(x),
            lambda x: [logsumexp(x)],
        ),
        function_row(
            "layer-norm", f"layer norm on {wide}", normals(wide, wide[1:], wide[1:]),
            lambda lib, x, gain, bias: lib.layer_norm(x, gain, bias),
            lambda x, gain, bias: [standard(x)[0] * gain + bias],
        ),
        function_row(
            "cross-entropy", f"cross-entropy of {wide}", labelled(*wide),
            lambda lib, scores, labels: lib.cross_entropy(scores, labels),
            lambda scores, labels: [cross_entropy(scores, labels)[0]],
        ),
        function_row(
            "adam", f"Adam's update of {count:,} parameters", adam_data(count),
            lambda lib, *a: adam(lib.m, *a), lambda *a: adam(np, *a),
        ),
    ]  # fmt: skip


def products(m: int, k: int, n: int) -> list[Row]:
    """A product, and one with what follows it in a layer."""
    return [
        function_row(
            "matmul", f"product of {m} x {k} by {n}", normals((m, k), (k, n)),
            lambda lib, x, W: x @ W, lambda x, W: [x @ W], tolerance=1e-4,
        ),
        function_row(
            "dense", f"layer of {m} x {k} to {n} with bias and relu", normals((m, k), (k, n), (n,)),
            lambda lib, x, W, b: lib.relu(x @ W + b),
            lambda x, W, b: [np.maximum(x @ W + b, 0)], tolerance=1e-4,
        ),
    ]  # fmt: skip


def everything() -> list[Row]:
    """All rows, in the order of the table."""
    if SIMULATED:
        network = training.network("mlp-20", 2, 5, 4, 3)
        return [call.CALL, *over_arrays(7, 3, (2, 5)), *products(3, 4, 2), network]
    return [
        call.CALL,
        call.COUNTER,
        *over_arrays(10**7, 4096, (4096, 1024)),
        *products(2048, 2048, 2048),
        training.STEP,
        training.network("mlp-1024", 128, 784, 1024, 1024, 10),
        convolution.LENET,
        convolution.LAYER,
        loops.STEP,
        transformer.ENCODER,
    ]


def on_gpu(row: Row) -> Row:
    """The row as it is measured here; CuPy runs what needs no gradient."""
    plain = not row.chained and SYMGRAPH.name in row.builders
    more = {CUPY.name: row.builders[SYMGRAPH.name]} if plain else {}
    return replace(row, measure=speed, builders={**row.builders, **more})


GPU_ROWS = {row.name: on_gpu(row) for row in everything()}
SIDE, MATRIX, COUNT = 4096 * 4096, 4096 * 1024, 10**7
# What each row has to read and write at least.
GPU_FLOORS = {
    "chain": arrays(4, COUNT),
    "axpby": arrays(4, COUNT),
    "sum": arrays(1, SIDE),
    "sum-0": arrays(1, SIDE),
    "sum-1": arrays(1, SIDE),
    "softmax": arrays(2, MATRIX),
    "logsumexp": arrays(1, MATRIX),
    "layer-norm": arrays(2, MATRIX),
    "cross-entropy": arrays(1, MATRIX),
    "adam": arrays(7, COUNT),
}
