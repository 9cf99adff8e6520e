"""Small graphs that the tests look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import symgraph as sg
import symgraph.tensor as T
from symgraph.graph import Apply, Graph, Op, Variable

HOSTILE = '<script>alert("&amp;\\N\n")</script>\x00\ud800\u202e]]>'


class Halves(Op):
    """An op of a user's own: two outputs."""

    __props__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at

    def make_node(self, x: Variable) -> Apply:
        return Apply(self, [x], [x.type(), x.type()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0], output_storage[1][0] = inputs[0] / 2, inputs[0] / 2


@dataclass(frozen=True)
class Repeat(Op):
    """An op that holds a graph."""

    body: Graph

    def make_node(self, x: Variable) -> Apply:
        return Apply(self, [x], [x.type()])


def network() -> tuple[list[Variable], Variable, sg.SharedVariable]:
    x, y = T.matrix("x", shape=("batch", 3)), T.matrix("y")
    W = sg.shared(np.ones((3, 2)), name="W")
    h = T.tanh(T.dot(x, W))
    h.name = "h"
    return [x, y], ((h - y) ** 2).sum(), W


def trained(**options: Any) -> sg.Function:
    inputs, cost, W = network()
    return sg.function(
        inputs, cost, updates=[(W, W - 0.1 * T.grad(cost, W))], name="step", **options
    )


def chain(length: int) -> Variable:
    x = y = T.dvector("x")
    for _ in range(length // 2):
        y = T.exp(y) + x
    return y


def hostile() -> Variable:
    x = T.dvector(HOSTILE)
    s = sg.shared(np.ones(2), name=HOSTILE)
    y = T.exp(x) * s
    y.name = HOSTILE
    return y + 1.0
