"""Gradients of ops, axes of no elements, and random graphs on the CUDA target.

The simulator is slow, so an ordinary run takes a share of what there is, always the same one.
`NUMBA_ENABLE_CUDASIM=1 pytest tests/cuda/test_graphs.py --fuzz 4000` takes all ops and 80 graphs.
"""

from __future__ import annotations

import zlib

import numpy as np
import pytest

import symgraph as sg
from symgraph.families import TensorOp
from symgraph.interpret import interpret
from tests.catalogue import op_classes
from tests.test_derived import apply_all, check_gradients, compiled, emptied
from tests.test_fuzz import SIZES, draw_graph

CUDA = sg.Mode(backend="cuda")
STAYS = "Transfer"  # an op whose gradient is a device's array: test_spread.py has it
ALL = 4000  # graphs for the fuzzer from which all ops are taken
GRAPHS = 50  # of so many for the fuzzer one is run here


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    count = metafunc.config.getoption("--fuzz")
    if "kind" in metafunc.fixturenames:
        share = max(1, ALL // count)
        kinds = [k for k in op_classes() if zlib.crc32(k.__name__.encode()) % share == 0]
        kinds = [k for k in kinds if k.__name__ != STAYS]
        metafunc.parametrize("kind", kinds, ids=lambda kind: kind.__name__)
    if "seed" in metafunc.fixturenames:
        one = metafunc.config.getoption("--fuzz-seed")
        metafunc.parametrize("seed", range(count // GRAPHS) if one is None else [one])


def test_gradients_are_the_interpreters(kind: type[TensorOp]) -> None:
    check_gradients(kind, mode=CUDA)


def test_axes_may_have_no_elements(kind: type[TensorOp]) -> None:
    _, variables, outputs = apply_all(kind)
    emptied(compiled(variables, outputs, mode=CUDA), kind)


def test_random_graphs(seed: int) -> None:
    arrays, inputs, cost = draw_graph(seed)
    outputs = [cost, *sg.grad(cost, inputs, disconnected_inputs="ignore")]
    expected = interpret(outputs, dict(zip(inputs, arrays, strict=True)))
    found = compiled(inputs, outputs, mode=CUDA)(*arrays)
    tolerance = SIZES["float32" if seed % 4 == 0 else "float64"]
    for f, e in zip(found, expected, strict=True):
        scale = max(1.0, float(np.abs(e).max(initial=0)))
        np.testing.assert_allclose(f, e, rtol=tolerance, atol=tolerance * scale)
