"""Updates over their shared variables: which are in place, and that all come from old values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.lower.program import Allocate, Copy, every

RNG = np.random.default_rng(3)
Case = tuple[list[Any], list[Any], list[tuple[Any, Any]]]


def shared(*shape: int, name: str = "w") -> Any:
    return sg.shared(RNG.normal(size=shape), name=name)


def momentum() -> Case:
    x, w, v = T.dmatrix("x"), shared(4, 3), shared(4, 3, name="v")
    g = T.grad(T.sqr(T.dot(x, w)).sum(), w)
    step = 0.9 * v - 0.01 * g
    return [x], [], [(v, step), (w, w + step)]


def adam() -> Case:
    x, w, t = T.dmatrix("x"), shared(4, 3), sg.shared(0.0, name="t")
    m, v = shared(4, 3, name="m"), sg.shared(np.ones((4, 3)), name="v")
    g = T.grad(T.tanh(T.dot(x, w)).sum(), w)
    first, second, now = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * T.sqr(g), t + 1
    rate = 0.001 * T.sqrt(1 - 0.99**now) / (1 - 0.9**now)
    step = rate * first / (T.sqrt(second) + 1e-8)
    return [x], [T.sqr(step).sum()], [(t, now), (m, first), (v, second), (w, w - step)]


def read_by_two_kernels() -> Case:
    x, w = T.dmatrix("x"), shared(4, 3)
    return [x], [T.dot(x, w).sum(), w.sum(axis=0), w.T + 1], [(w, w * 0.5 + x.sum())]


def rows_added() -> Case:
    ids, w = T.lvector("ids"), shared(4, 3)
    return [ids], [w[ids].sum()], [(w, T.inc_subtensor(w[ids], 1.5))]


def swapped() -> Case:
    a, b = shared(4, 3, name="a"), shared(4, 3, name="b")
    return [], [a - b], [(a, b), (b, a)]


def turned_in_a_circle() -> Case:
    a, b, c = (shared(5, name=name) for name in "abc")
    return [], [], [(a, b), (b, c + 0), (c, a * 1)]


def one_reads_the_other() -> Case:
    a, b = shared(4, 3, name="a"), shared(4, 3, name="b")
    return [], [], [(a, a + b), (b, b * a)]


def transposed() -> Case:
    w = shared(4, 4)
    return [], [], [(w, w + w.T)]


def reversed_rows() -> Case:
    w = shared(4, 3)
    return [], [], [(w, w[::-1] * 2)]


def shifted() -> Case:
    x, w = T.dvector("x"), shared(4, 3)
    return [x], [w[0]], [(w, T.concatenate([w[1:], x.dimshuffle("x", 0)]))]


def looked_up() -> Case:
    ids, w = T.lvector("ids"), shared(3, 3)
    return [ids], [], [(w, w[ids] + w)]


def summed() -> Case:
    w = shared(4, 3)
    return [], [], [(w, w - w.mean(axis=0))]


def given_back() -> Case:
    w = shared(4, 3)
    value = T.exp(w)
    return [], [value, w], [(w, value)]


# By a kernel that writes over the old value; by a copy at the end; as a new array, where sizes are
# not known to be the old ones.
IN_PLACE: list[Callable[[], Case]] = [
    momentum, adam, read_by_two_kernels, rows_added, one_reads_the_other, summed,
]  # fmt: skip
COPIED: list[Callable[[], Case]] = [swapped, transposed, looked_up, given_back]
NEW: list[Callable[[], Case]] = [turned_in_a_circle, reversed_rows, shifted]
ARGUMENTS = {
    "x2": RNG.normal(size=(5, 4)),
    "x1": RNG.normal(size=3),
    "ids1": np.array([2, 0, 2]),
}


def arguments(inputs: list[Any]) -> list[Any]:
    return [ARGUMENTS[f"{v.name}{v.ndim}"] for v in inputs]


def copies(f: sg.Function) -> int:
    """How many steps copy whole arrays into shared variables, or to keep them."""
    steps = [s for plan in f.trace.plans for s in every(plan.program.steps)]
    outputs = {s.buffer for s in steps if isinstance(s, Allocate) and s.role == "output"}
    return sum(isinstance(s, Copy) and s.target not in outputs for s in steps)


@pytest.mark.parametrize("make", [*IN_PLACE, *COPIED, *NEW], ids=lambda f: f.__name__)
@pytest.mark.parametrize("backend", ["llvm", "numba"])
def test_new_values_come_from_old_ones(make: Callable[[], Case], backend: str) -> None:
    inputs, outputs, updates = make()
    values = arguments(inputs)
    variables = [s for s, _ in updates]
    start = [s.get_value() for s in variables]
    f = sg.function(inputs, outputs, updates=updates, mode=sg.Mode(backend=backend))
    found = [[*f(*values), *(s.get_value() for s in variables)] for _ in range(3)]
    for s, value in zip(variables, start, strict=True):
        s.set_value(value)
    plain = sg.function(inputs, outputs, updates=updates, mode="interpret")
    for results in found:
        expected = [*plain(*values), *(s.get_value() for s in variables)]
        for a, b in zip(results, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10)


@pytest.mark.parametrize("make", [*IN_PLACE, *COPIED, *NEW], ids=lambda f: f.__name__)
def test_which_updates_are_in_place(make: Callable[[], Case]) -> None:
    inputs, outputs, updates = make()
    f = sg.function(inputs, outputs, updates=updates)
    memory = [s.get_value(borrow=True) for s, _ in updates]
    f(*arguments(inputs))
    kept = [s.get_value(borrow=True) is m for (s, _), m in zip(updates, memory, strict=True)]
    assert kept == [make not in NEW] * len(updates)
    assert bool(copies(f)) == (make in COPIED)


def test_an_argument_may_be_the_array_of_a_shared_variable() -> None:
    w = sg.shared(np.arange(16.0).reshape(4, 4) / 10, name="w")
    x = T.dmatrix("x")
    value = w * 0.5 + T.dot(x, w)
    f = sg.function([x], x * 2, updates=[(w, value)])
    old = w.get_value()
    held = w.get_value(borrow=True)
    np.testing.assert_allclose(f(held), old * 2)
    np.testing.assert_allclose(w.get_value(), old * 0.5 + old @ old)
    again = w.get_value()
    np.testing.assert_allclose(f(w.get_value(borrow=True)[::-1].T), again[::-1].T * 2)
    np.testing.assert_allclose(w.get_value(), again * 0.5 + again[::-1].T @ again)
