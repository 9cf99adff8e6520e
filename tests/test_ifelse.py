"""Lazy choices: values, what is not computed, gradients; by the interpreter and natively."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import GraphTypeError
from symgraph.lower.program import Branch, Gemm, every

MODES = ("interpret", "fast_run")
every_mode = pytest.mark.parametrize("mode", MODES)
c, x, y = T.bscalar("c"), T.dvector("x"), T.dvector("y")
X, Y = np.array([0.5, -1.0, 2.0]), np.array([1.5, 0.3])


@every_mode
def test_values_sizes_and_forms(mode: str) -> None:
    one = sg.ifelse(c, x * 2, y)
    many = sg.ifelse(c, [x.sum(), T.exp(x)], [T.constant(3), x], name="pick")
    inner = sg.ifelse(c, sg.ifelse(x.sum() > 1, x, x + 1), sg.ifelse(x.sum() > 9, x, x * y[0]))
    assert [v.name for v in many] == ["pick0", "pick1"]
    f = sg.function([c, x, y], [one, *many, inner], mode=mode)
    for found, expected in (
        (f(1, X, Y), [X * 2, X.sum(), np.exp(X), X]),
        (f(0, X, Y), [Y, 3.0, X, X * 1.5]),
        (f(-3, X - 1, Y), [X * 2 - 2, X.sum() - 3, np.exp(X - 1), X]),
    ):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)


@every_mode
def test_the_branch_not_taken_is_not_run(mode: str) -> None:
    ran = []

    @sg.as_op(itypes=[T.dvector], otypes=[T.dvector])
    def seen(v: np.ndarray) -> np.ndarray:
        ran.append(v.size)
        return v

    shared = T.tanh(x)
    value = sg.ifelse(c, seen(shared).sum(), shared[2] + x[5])
    rows = sg.scan(lambda v: sg.ifelse(v > 0, seen(x).sum() * v, v), x)[0]
    f = sg.function([c, x], value, mode=mode)
    np.testing.assert_allclose(f(1, X), np.tanh(X).sum())
    assert ran == [3]
    with pytest.raises(IndexError):
        f(0, X)
    wide = np.arange(6.0)
    np.testing.assert_allclose(f(0, wide), np.tanh(2) + 5)
    assert ran == [3]
    np.testing.assert_allclose(sg.function([x], rows, mode=mode)(X), np.where(X > 0, X * 1.5, X))
    assert ran == [3] * len(ran)


def test_what_only_a_branch_needs_lies_inside_it() -> None:
    m = T.dmatrix("m")
    both = T.exp(m)
    value = sg.ifelse(c, T.dot(both, m).sum(), T.dot(both + 1, T.dot(m, m)).sum() + both.sum())
    f = sg.function([c, m], value)
    steps = [step for plan in f.trace.plans for step in plan.program.steps]
    (branch,) = [step for step in steps if isinstance(step, Branch)]
    count = lambda some: sum(isinstance(step, Gemm) for step in every(some))
    assert (count(steps), count(branch.then), count(branch.otherwise)) == (3, 1, 2)
    assert sum(isinstance(step, Gemm) for step in steps) == 0


@every_mode
def test_gradients(mode: str) -> None:
    def cost(taken: Any) -> Any:
        return sg.ifelse(taken, (T.exp(x) * y[0]).sum(), (x**3).sum() * T.dot(y, y))

    for taken in (0, 1):
        point = cost(T.constant(taken)) * 1.0
        gradients = T.grad(point, [x, y])
        slope = sum((g * T.sin(g)).sum() for g in gradients)
        f = sg.function([x, y], [*gradients, *T.grad(slope, [x, y])], mode=mode)
        plain = (T.exp(x) * y[0]).sum() if taken else (x**3).sum() * T.dot(y, y)
        same = T.grad(plain, [x, y])
        other = T.grad(sum((g * T.sin(g)).sum() for g in same), [x, y])
        g = sg.function([x, y], [*same, *other], mode=mode)
        for a, b in zip(f(X, Y), g(X, Y), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@every_mode
def test_gradient_of_the_branch_not_taken_is_zero_whatever_it_computes(mode: str) -> None:
    safe = sg.ifelse(c, T.log(x).sum(), (y * 2).sum())
    pushed = T.Rop(safe, [x, y], [T.ones_like(x), T.ones_like(y)])
    f = sg.function([c, x, y], [safe, *T.grad(safe, [x, y]), pushed], mode=mode)
    value, to_x, to_y, along = f(0, np.zeros(3), Y)
    np.testing.assert_array_equal(to_x, np.zeros(3))
    np.testing.assert_array_equal(to_y, [2.0, 2.0])
    np.testing.assert_allclose([value, along], [Y.sum() * 2, 4.0])
    np.testing.assert_allclose(f(1, X + 2, Y)[1], 1 / (X + 2))


@every_mode
def test_inside_a_loop(mode: str) -> None:
    """Collatz: the loop ends by its condition, each step takes one of two branches."""

    def step(n: Any) -> Any:
        after = sg.ifelse(T.eq(n % 2, 0), n // 2, 3 * n + 1)
        return after, sg.until(T.eq(after, 1))

    n = T.lscalar("n")
    path, _ = sg.scan(step, outputs_info=n, n_steps=1000)
    f = sg.function([n], path, mode=mode)
    assert f(6).tolist() == [3, 10, 5, 16, 8, 4, 2, 1]
    assert f(27).size == 111
    w = T.dscalar("w")
    grown, _ = sg.scan(lambda v, s: sg.ifelse(v > 0, s * w, s + v), x, T.constant(1.0))
    g = sg.function([x, w], [grown[-1], T.grad(grown[-1], w)], mode=mode)
    np.testing.assert_allclose(g(X, 3.0), [((3.0) - 1) * 3.0, 2 * 3.0 - 1])


@every_mode
def test_a_random_draw_in_a_branch(mode: str) -> None:
    stream = sg.RandomStream(3)
    draw = stream.normal((4,))
    f = sg.function([c], [sg.ifelse(c, draw, T.zeros(4)), draw], mode=mode)
    first, whole = f(1)
    np.testing.assert_array_equal(first, whole)
    assert not f(0)[0].any()
    assert not np.array_equal(f(1)[0], first)


def test_bad_input() -> None:
    with pytest.raises(GraphTypeError, match=r"of 1 axes and .* of 0.*reshape"):
        sg.ifelse(c, x, x.sum())
    with pytest.raises(GraphTypeError, match=r"not a scalar.*T\.switch"):
        sg.ifelse(x > 0, x, x)
    with pytest.raises(GraphTypeError, match="2 and 1"):
        sg.ifelse(c, [x, y], [x])
