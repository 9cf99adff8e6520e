"""Which kernel computes what, and what is kept in memory between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import symgraph as sg
import symgraph.tensor as T
from symgraph.interpret import interpret
from symgraph.lower.program import Allocate, Launch


def launches(f: sg.Function) -> list[list[str]]:
    """The ops that each group of nodes computes, in order; a group may have two kernels."""
    steps = (s for plan in f.trace.plans for s in plan.steps if isinstance(s, Launch))
    groups = dict.fromkeys(step.nodes for step in steps)
    return [[type(node.op).__name__ for node in nodes] for nodes in groups]


def kept(f: sg.Function) -> list[str]:
    """The temporaries, by name."""
    steps = (s for plan in f.trace.plans for s in plan.steps if isinstance(s, Allocate))
    return [s.buffer.name for s in steps if s.role == "temporary"]


def agrees(f: sg.Function, inputs: Sequence[Any], outputs: Sequence[Any]) -> bool:
    """Whether a function computes what the interpreter does, on random numbers."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(7, 5)[: v.ndim]).astype(v.dtype) for v in inputs]
    known = dict(zip(inputs, arrays, strict=True)) | {s: s.get_value() for s in f.shared}
    expected = interpret(outputs, known)
    for found, wanted in zip(f(*arrays), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    return True


def test_a_derivative_is_computed_in_the_backward_pass() -> None:
    x = T.dmatrix("x")
    w, v = (sg.shared(np.eye(5) + 0.1, name=n) for n in "wv")
    h = T.tanh(T.dot(x, w))
    cost = T.sqr(T.dot(h, v)).sum()
    f = sg.function([x], T.grad(cost, [w, v]))
    assert launches(f) == [["Tanh"], ["Mul"], ["Sqr", "Sub", "Mul"]]
    assert not any("sub" in name for name in kept(f))
    assert agrees(f, [x], T.grad(cost, [w, v]))


def test_values_move_together() -> None:
    """A chain that nothing else needs is computed where its end is read."""
    x, y = T.dmatrix("x"), T.dmatrix("y")
    a = T.exp(x)
    chain = T.tanh(x * 2) + 3
    outputs = [a.sum(), chain * T.dot(a, T.dot(a.T, y))]
    f = sg.function([x, y], outputs)
    first, last = launches(f)[0], launches(f)[-1]
    assert "Tanh" not in first
    assert "Tanh" in last
    assert agrees(f, [x, y], outputs)


def test_a_value_is_kept_where_its_operands_would_have_to_be() -> None:
    x, y = T.dmatrix("x"), T.dmatrix("y")
    e, t = T.exp(x), T.tanh(y)
    first = T.exp(e * t + e)  # two operands that only this kernel has
    outputs = [(e * t).sum(), (e + t).sum(), first * T.dot(x, T.dot(x.T, y))]
    f = sg.function([x, y], outputs)
    assert sum(ops.count("Tanh") for ops in launches(f)) == 1
    assert agrees(f, [x, y], outputs)


def test_columns_are_normalised_without_a_copy_of_them() -> None:
    x = T.dmatrix("x")
    outputs = [(x - x.min(0)) / (x.max(0) - x.min(0))]
    f = sg.function([x], outputs)
    assert launches(f)[-1] == ["Sub", "TrueDiv"]
    assert agrees(f, [x], outputs)
