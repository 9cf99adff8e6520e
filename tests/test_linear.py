"""Compiling takes as many steps as a graph has nodes: calls are counted, since times vary."""

from __future__ import annotations

import sys
from collections import Counter
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.graph import toposort

OFTEN = 300  # calls of a function in the largest graph from which on they are compared
SLACK, FEW = 1.4, 10  # the square of the layers makes 1.67; kernels end after some nodes


def network(layers: int) -> tuple[list[Any], Any, list[Any]]:
    """A step of gradient descent on many small layers."""
    x = T.fmatrix("x")
    h: Any = x
    parameters = []
    for _ in range(layers):
        w, b = (sg.shared(np.zeros(shape, "float32")) for shape in ((4, 4), (4,)))
        h = h + T.tanh(T.dot(h, w) + b)
        parameters += [w, b]
    cost = T.sqr(h).mean()
    gradients = sg.grad(cost, parameters)
    return [x], cost, [(p, p - 0.1 * g) for p, g in zip(parameters, gradients, strict=True)]


def chain(layers: int) -> tuple[list[Any], Any, list[Any]]:
    """Elementwise ops one after the other, with the gradient through them."""
    x = T.fvector("x")
    y: Any = x
    for _ in range(4 * layers):
        y = T.tanh(y) * 1.5 + x
    return [x], [y.sum(), sg.grad(y.sum(), x)], []


def calls(build: Any, layers: int) -> tuple[Counter[CodeType], int]:
    """How often each function of the package is called for a graph, and its number of nodes."""
    found: Counter[CodeType] = Counter()

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_globals.get("__name__", "").startswith("symgraph."):
            found[frame.f_code] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        inputs, outputs, updates = build(layers)
        with sg.config(cache=False):
            sg.function(inputs, outputs, updates=updates)
    finally:
        sys.setprofile(before)
    roots = [*(outputs if isinstance(outputs, list) else [outputs]), *(new for _, new in updates)]
    return found, len(toposort(roots))


@pytest.mark.parametrize("build", [network, chain])
def test_every_layer_more_takes_as_many_calls_as_the_last(build: Any) -> None:
    calls(build, 2)  # what is done once in a process
    (few, n), (more, m), (most, k) = (calls(build, layers) for layers in (12, 24, 36))
    assert k - m == m - n > 10 * 12
    assert most.total() - more.total() < SLACK * (more.total() - few.total())
    steep = {
        f"{code.co_filename}:{code.co_firstlineno} {code.co_qualname}": (few[code], more[code], c)
        for code, c in most.items()
        if c > OFTEN and c - more[code] > SLACK * (more[code] - few[code]) + FEW
    }
    assert not steep
