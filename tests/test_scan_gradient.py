"""Gradients of loops: finite differences, second order, Rop, truncation; by both backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.batch import vectorize
from symgraph.errors import GraphTypeError

RNG = np.random.default_rng(9)
X, W, H = RNG.normal(size=(5, 3)), RNG.normal(size=(3, 3)) * 0.7, RNG.normal(size=3)
VALUES = [X, W, H]
x, w, h = T.dmatrix("x"), T.dmatrix("w"), T.dvector("h")
MODES = ("interpret", "fast_run")


def step(row: Any, state: Any) -> Any:
    return T.tanh(row + T.dot(state, w))


def taps() -> Any:
    def body(before: Any, now: Any, after: Any, far: Any, near: Any) -> list[Any]:
        return [T.tanh(before * now + after + far - T.dot(near, w)), near * now]

    info = [{"initial": T.stack([h, h * 2, h + 1]), "taps": [-3, -1]}, None]
    (a, b), _ = sg.scan(body, {"input": x, "taps": [-1, 0, 1]}, info)
    return (a * b).sum()


def stopping() -> Any:
    a, _ = sg.scan(
        lambda row, s: (T.tanh(row + T.dot(s, w)), sg.until((s > 0.9).any())), x, h * 0.1
    )
    return (a**2).sum()


def nested() -> Any:
    def outer(row: Any, state: Any) -> Any:
        inner, _ = sg.scan(lambda e, a: T.tanh(a * e + state[0]), row, state)
        return T.tanh(inner[-1] + T.dot(inner[0], w))

    return (sg.scan(outer, x, h)[0] ** 2).sum()


def carried() -> Any:
    kept = sg.shared(np.ones(3), name="kept")
    rows, updates = sg.scan(lambda row: (T.sin(kept * row), {kept: kept * T.dot(row, w)}), x)
    return (rows**2).sum() + T.tanh(updates[kept]).sum() + (h**3).sum()


def several() -> Any:
    def body(row: Any, a: Any, b: Any) -> list[Any]:
        return [T.dot(b, w) * row, T.tanh(a + row), a.sum() * h]

    (a, b, c), _ = sg.scan(body, x, [h, h * 2, None])
    return (a[-1] ** 2).sum() + b[2].sum() + (c * x).sum()


COSTS: dict[str, Callable[[], Any]] = {
    "all states": lambda: (sg.scan(step, x, h)[0] ** 2).sum(),
    "last state": lambda: (sg.reduce(step, x, h)[0] ** 2).sum(),
    "backwards": lambda: (sg.scan(step, x, h, go_backwards=True)[0] ** 2).sum(),
    "taps": taps,
    "until": stopping,
    "nested": nested,
    "carried": carried,
    "several": several,
    "checkpoints": lambda: (sg.scan_checkpoints(step, x, h, save_every_N=2)[0] ** 2).sum(),
    "map": lambda: (sg.map(lambda row: T.dot(row, w) * h, x)[0] ** 3).sum(),
}
NATIVE_TWICE = ("all states", "taps")  # of the others first order is enough to compile
every_cost = pytest.mark.parametrize("name", COSTS)


def differences(f: Callable[..., Any], values: list[np.ndarray]) -> list[np.ndarray]:
    """Central differences of a function of arrays that returns a number."""
    found = []
    for place, value in enumerate(values):
        slope = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            ends = []
            for sign in (1, -1):
                moved = [v.copy() for v in values]
                moved[place][index] += sign * 1e-6
                ends.append(float(f(*moved)))
            slope[index] = (ends[0] - ends[1]) / 2e-6
        found.append(slope)
    return found


def near(found: list[np.ndarray], expected: list[np.ndarray], tolerance: float = 1e-6) -> None:
    for f, e in zip(found, expected, strict=True):
        scale = max(1.0, float(np.abs(e).max()))
        np.testing.assert_allclose(f, e, rtol=tolerance, atol=tolerance * scale)


@every_cost
def test_first_and_second_order(name: str) -> None:
    cost = COSTS[name]()
    gradients = T.grad(cost, [x, w, h])
    slope = sum((g * T.sin(g + 0.3)).sum() for g in gradients)
    curvature = T.grad(slope, [x, w, h])
    points = [T.constant(RNG.normal(size=v.shape)) for v in VALUES]
    pushed = T.Rop(cost, [x, w, h], points)
    every = [cost, slope, pushed, *gradients, *curvature]
    native = sg.function([x, w, h], every[:6], on_unused_input="ignore")
    reference = sg.function([x, w, h], every, mode="interpret", on_unused_input="ignore")
    found, expected = native(*VALUES), reference(*VALUES)
    near(found, expected[:6], 1e-9)
    near(found[3:], differences(lambda *v: native(*v)[0], VALUES))
    near(expected[6:], differences(lambda *v: native(*v)[1], VALUES), 1e-5)
    if name in NATIVE_TWICE:
        near(sg.function([x, w, h], curvature)(*VALUES), expected[6:], 1e-9)
    total = sum((p.data * g).sum() for p, g in zip(points, found[3:6], strict=True))
    np.testing.assert_allclose(found[2], total, rtol=1e-9)


def moved(f: Callable[..., Any], values: list[np.ndarray], place: int) -> np.ndarray:
    """Central differences of a function that returns an array, by one of its arguments."""
    shape, columns = values[place].shape, []
    for unit in np.eye(values[place].size):
        step = 1e-6 * unit.reshape(shape)
        ends = [f(*values[:place], values[place] + s * step, *values[place + 1 :]) for s in (1, -1)]
        columns.append((ends[0] - ends[1]) / 2e-6)
    return np.stack(columns, axis=-1).reshape(*columns[0].shape, *shape)


@every_cost
def test_hessians(name: str) -> None:
    """One batch of unit vectors through the loops back, against differences of gradients."""
    (slope,) = T.grad(COSTS[name](), [h])
    rows = T.jacobian(slope * h[0], h)
    f = sg.function([x, w, h], [slope * h[0], rows], mode="interpret", on_unused_input="ignore")
    found = f(*VALUES)[1]
    near([found], [moved(lambda *v: f(*v)[0], VALUES, 2)], 1e-5)
    if name in NATIVE_TWICE:
        near([sg.function([x, w, h], rows)(*VALUES)], [found], 1e-9)


def test_jacobians_of_all_states_and_of_choices() -> None:
    """Of a matrix of states by everything; of a loop inside a branch."""

    def body(row: Any, a: Any, b: Any) -> list[Any]:
        return [T.tanh(row + T.dot(a, w)), b * 0.5 + 1]

    (a, _), _ = sg.scan(body, x, [h, T.ones_like(h)])
    chosen = sg.ifelse(h.sum() > 0, sg.scan(lambda row, s: s * row, x, h)[0][-1], h**3)
    outputs = [a, chosen, *T.jacobian(a, [x, w, h]), T.jacobian(chosen, h)]
    reference, native = (sg.function([x, w, h], outputs, mode=m) for m in MODES)
    for sign in (1, -1):
        values = [X, W, np.abs(H) * sign]
        found = reference(*values)
        near(native(*values), found, 1e-9)
        for place in range(3):
            near([found[2 + place]], [moved(lambda *v: native(*v)[0], values, place)])
        near([found[5]], [moved(lambda *v: native(*v)[1], values, 2)])


def test_batches_that_do_not_agree_on_steps_are_refused() -> None:
    many = T.dvector("many")
    ends = sg.scan(lambda s: (s * 2, sg.until(s > 9)), outputs_info=many[0], n_steps=9)[0]
    with pytest.raises(GraphTypeError, match=r"ends at steps that differ(?s:.)*"):
        vectorize([ends.sum()], {many: T.dmatrix("batch")})
    powers = sg.scan(lambda s: s * 2, outputs_info=h[0], n_steps=T.cast(many[0], "int64"))[0]
    with pytest.raises(GraphTypeError, match="numbers of steps that differ"):
        vectorize([powers.sum()], {many: T.dmatrix("batch")})


def test_second_order_of_nested_loops_natively() -> None:
    """y_t = y (1 + x_t)^3 after three inner steps, so that all derivatives are known."""
    rows, start = T.dvector("rows"), T.dscalar("start")

    def grown(rate: Any, total: Any) -> Any:
        return sg.scan(lambda a: a * (1 + rate), outputs_info=total, n_steps=3)[0][-1]

    end = sg.scan(grown, rows, start)[0][-1]
    first = T.grad(end, rows)
    f = sg.function([rows, start], [end, first, T.grad(first[0] * first[1], rows)])
    r = np.array([0.1, -0.2])
    end_, first_, second_ = f(r, 2.0)
    value = 2.0 * np.prod((1 + r) ** 3)
    slope = 3 * value / (1 + r)
    near([end_, first_], [np.array(value), slope], 1e-12)
    both = slope[0] * slope[1]
    near([second_], [5 * both / (1 + r)], 1e-12)


def test_truncated_gradient() -> None:
    """As of a loop that begins where the gradient ends, from a state that is constant."""
    outputs = []
    for steps in (1, 3, 5, 9):
        whole, _ = sg.scan(step, x, h, truncate_gradient=steps)
        cost = (whole[-1] ** 2).sum()
        start = max(5 - steps, 0)
        before = T.disconnected_grad(whole[start - 1]) if start else h
        part, _ = sg.scan(step, x[start:], before)
        same = (part[-1] ** 2).sum()
        wrt = [x, w, h]
        outputs += [T.grad(c, wrt, disconnected_inputs="ignore") for c in (cost, same)]
    flat = [g for group in outputs for g in group]
    for mode in MODES:
        found = sg.function([x, w, h], flat, mode=mode)(*VALUES)
        for k in range(0, len(found), 6):
            near(found[k : k + 3], found[k + 3 : k + 6], 1e-10)


def test_integer_states_have_no_gradient_and_stop_none() -> None:
    def body(row: Any, count: Any, state: Any) -> list[Any]:
        return [count + 1, T.tanh(state * row) * count]

    (_, states), _ = sg.scan(body, x, [T.constant(1), h])
    cost = (states**2).sum()
    f = sg.function([x, h], [cost, *T.grad(cost, [x, h])])
    near(f(X, H)[1:], differences(lambda *v: f(*v)[0], [X, H]))
