"""Scan against plain Python loops: every option, by the interpreter and natively."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import DuplicateUpdateError, GraphTypeError, ShapeError, SymgraphError
from symgraph.graph import ancestors
from symgraph.ops.scan import Scan

MODES = ("interpret", "fast_run")
every_mode = pytest.mark.parametrize("mode", MODES)
RNG = np.random.default_rng(4)
X, W, H = RNG.normal(size=(6, 3)), RNG.normal(size=(3, 3)), RNG.normal(size=3)
x, w, h = T.dmatrix("x"), T.dmatrix("w"), T.dvector("h")


def close(found: Any, expected: Any) -> None:
    """Equal shapes, values equal up to rounding."""
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def run(mode: str, outputs: Any, *values: Any, inputs: Sequence[Any] = (x, w, h)) -> Any:
    """The outputs for values of the first inputs."""
    f = sg.function(list(inputs)[: len(values)], outputs, mode=mode, on_unused_input="ignore")
    return f(*values)


def loop(step: Any, start: Any, rows: Any) -> np.ndarray:
    """A plain Python loop over rows that keeps every state."""
    states = []
    for row in rows:
        start = step(row, start)
        states.append(start)
    return np.array(states)


@every_mode
def test_sequences_states_and_free_variables(mode: str) -> None:
    scale = sg.shared(np.array([1.0, 0.5, 2.0]), name="scale")

    def step(row: Any, state: Any, weights: Any) -> list[Any]:
        after = T.tanh(row * scale + T.dot(state, weights) + h)
        return [after, after.sum(), row * 2]

    (states, sums, rows), updates = sg.scan(step, x, [h, None, None], w)
    found = run(mode, [states, sums, rows], X, W, H)
    expected = loop(lambda r, s: np.tanh(r * scale.get_value() + s @ W + H), H, X)
    assert not updates
    close(found[0], expected)
    close(found[1], expected.sum(axis=1))
    close(found[2], X * 2)


@every_mode
def test_taps_of_sequences_and_outputs(mode: str) -> None:
    def step(before: Any, now: Any, after: Any, far: Any, near: Any) -> list[Any]:
        return [before * now + after + far - 0.5 * near, now]

    info = [{"initial": x[:3] * 0.1, "taps": [-3, -1]}, None]
    (states, middle), _ = sg.scan(step, {"input": x, "taps": [-1, 0, 1]}, info)
    found = run(mode, [states, middle], X)
    kept = list(X[:3] * 0.1)
    for t in range(1, 5):
        kept.append(X[t - 1] * X[t] + X[t + 1] + kept[-3] - 0.5 * kept[-1])
    close(found[0], np.array(kept[3:]))
    close(found[1], X[1:5])


@every_mode
def test_several_sequences_end_with_the_shortest(mode: str) -> None:
    shifted = [x, {"input": x, "taps": [2]}, T.arange(5)]
    products, _ = sg.map(lambda a, b, k: a * b + k, shifted)
    close(run(mode, products, X), X[:4] * X[2:] + np.arange(4)[:, None])


@every_mode
def test_backwards(mode: str) -> None:
    def step(row: Any, state: Any) -> Any:
        return row + 0.5 * state

    forth, _ = sg.scan(step, x, h)
    back, _ = sg.scan(step, x, h, go_backwards=True)
    short, _ = sg.scan(step, x, h, n_steps=-4)
    taps, _ = sg.scan(lambda a, b: a - b, {"input": x, "taps": [0, 1]}, go_backwards=True)
    found = run(mode, [forth, back, short, taps], X, W, H)
    plain = lambda r, s: r + 0.5 * s
    close(found[0], loop(plain, H, X))
    close(found[1], loop(plain, H, X[::-1]))
    close(found[2], loop(plain, H, X[::-1][:4]))
    close(found[3], (X[:-1] - X[1:])[::-1])


@every_mode
def test_number_of_steps_known_when_the_function_runs(mode: str) -> None:
    n = T.iscalar("n")
    powers, _ = sg.scan(lambda p: p * 2, outputs_info=T.constant(1.0), n_steps=n)
    part, _ = sg.scan(lambda row, s: row + s, x, h, n_steps=n)
    f = sg.function([n, x, h], [powers, part], mode=mode)
    for steps in (5, 1, 0):
        found = f(steps, X, H)
        close(found[0], 2.0 ** np.arange(1, steps + 1))
        close(found[1], H + np.cumsum(X, axis=0)[:steps])
    with pytest.raises(ShapeError, match=r"-2 steps.*go_backwards(?s:.)*test_scan"):
        f(-2, X, H)
    with pytest.raises(ShapeError, match=r"do not agree|steps over a sequence"):
        f(9, X, H)


@every_mode
def test_nothing_to_do(mode: str) -> None:
    states, _ = sg.scan(lambda row, s: T.tanh(row + s), x, h)
    last, _ = sg.reduce(lambda row, s: row + s, x, h)
    rows, _ = sg.map(lambda row: T.outer(row, row), x)
    f = sg.function([x, h], [states, rows, T.grad(states.sum(), h)], mode=mode)
    found = f(np.zeros((0, 3)), H)
    assert [a.shape for a in found] == [(0, 3), (0, 3, 3), (3,)]
    close(found[2], np.zeros(3))
    for a, shape in zip(f(np.zeros((4, 0)), np.zeros(0)), [(4, 0), (4, 0, 0), (0,)], strict=True):
        assert a.shape == shape
    with pytest.raises(SymgraphError, match=r"test_scan\.py"):
        run(mode, last, np.zeros((0, 3)), W, H)


@every_mode
def test_until(mode: str) -> None:
    limit = T.dscalar("limit")
    doubled, _ = sg.scan(
        lambda p, bound: (p * 2, sg.until(p * 2 > bound)), None, T.constant(1.0), limit, n_steps=50
    )
    rows, _ = sg.scan(lambda row: (row**2, sg.until(row.sum() > 3)), x)
    f = sg.function([x, limit], [doubled, doubled[-1], rows], mode=mode)
    values = np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]])
    for bound, count in ((5.0, 3), (0.0, 1), (1e300, 50)):
        found = f(values, bound)
        close(found[0], 2.0 ** np.arange(1, count + 1))
        close(found[1], 2.0**count)
        close(found[2], values[:2] ** 2)


@every_mode
def test_updates_of_shared_variables(mode: str) -> None:
    count, total = sg.shared(0, name="count"), sg.shared(np.zeros(3), name="total")

    def step(row: Any) -> Any:
        return row + total, [(count, count + 2), (total, total + row)]

    seen, updates = sg.scan(step, x)
    assert list(updates) == [count, total]
    f = sg.function([x], seen, updates=updates, mode=mode)
    close(f(X), X + np.concatenate([np.zeros((1, 3)), np.cumsum(X, axis=0)[:-1]]))
    assert count.get_value() == 12
    close(total.get_value(), X.sum(axis=0))
    f(np.zeros((0, 3)))
    assert count.get_value() == 12
    close(f(X)[0], X[0] + X.sum(axis=0))


@every_mode
def test_default_updates_are_taken_along(mode: str) -> None:
    clock = sg.shared(1.0, name="clock")
    clock.default_update = clock * 2
    ticks, updates = sg.scan(lambda: clock + 0, n_steps=4)
    f = sg.function([], ticks, updates=updates, mode=mode)
    close(f(), [1.0, 2.0, 4.0, 8.0])
    close(f(), [16.0, 32.0, 64.0, 128.0])


@every_mode
def test_draws_in_steps(mode: str) -> None:
    """Each step draws anew, the next call goes on, updates passed or not; nested loops too."""
    size = 3

    def numbers(steps: int) -> np.ndarray:
        stream = sg.RandomStream(5)
        f = sg.function([], stream.normal((size,), avg=1.0, std=0.5), mode="interpret")
        return np.array([f() for _ in range(steps)])

    def walk(stream: sg.RandomStream) -> Any:
        def step(place: Any) -> Any:
            return 0.5 * place + stream.normal((size,), avg=h.sum() * 0 + 1.0, std=0.5)

        return sg.scan(step, outputs_info=T.zeros(size), n_steps=4)

    plain = numbers(8)
    for passed in (True, False):
        places, updates = walk(sg.RandomStream(5))
        f = sg.function([h], places, updates=updates if passed else None, mode=mode)
        for call in range(2):
            close(f(H), loop(lambda row, s: 0.5 * s + row, np.zeros(3), plain[4 * call :][:4]))
    stream = sg.RandomStream(5)
    inner = lambda _: sg.scan(lambda: stream.normal((size,), avg=1.0, std=0.5), n_steps=2)[0]
    nested, _ = sg.scan(inner, T.arange(2))
    f = sg.function([], nested, mode=mode)
    for call in range(2):
        close(f(), plain[4 * call :][:4].reshape(2, 2, size))
    still = sg.function([], nested, mode=mode, no_default_updates=True)
    close(still(), still())


@every_mode
def test_a_sum_that_bounds_a_slice(mode: str) -> None:
    """A step reads rows up to a sum of states: the sum itself is not cut."""
    ends, _ = sg.scan(lambda k, j: x[: k + j].sum() + 0 * k, T.arange(3), None, T.constant(1))
    close(run(mode, ends, X), [X[: k + 1].sum() for k in range(3)])


@every_mode
def test_a_draw_that_is_passed_to_the_steps_is_one_draw(mode: str) -> None:
    """It is made once a call, as everything in non_sequences is, and is what others read too."""
    mask = sg.RandomStream(5).uniform((3,))
    rows, updates = sg.scan(lambda row, kept: row * kept, T.ones((2, 3)), None, mask)
    assert not updates
    f = sg.function([], [mask, rows], mode=mode)
    calls = [f() for _ in range(2)]
    for once, kept in calls:
        close(kept, np.array([once, once]))
    assert not np.allclose(calls[0][0], calls[1][0])


@every_mode
def test_gradients_flow_through_draws_in_steps(mode: str) -> None:
    """x = a x + s e: the slope of the sum by s is the sum of the draws, each weighed by powers."""
    a, s = T.dscalar("a"), T.dscalar("s")
    stream = sg.RandomStream(7)
    places, _ = sg.scan(
        lambda x: a * x + stream.normal(std=s, size=()), outputs_info=T.constant(0.0), n_steps=5
    )
    f = sg.function([a, s], [places, T.grad(places[-1], s), T.grad(places[-1], a)], mode=mode)
    found, by_s, by_a = f(0.5, 2.0)
    draws = (found - 0.5 * np.concatenate([[0], found[:-1]])) / 2.0
    close(by_s, np.dot(draws, 0.5 ** np.arange(4, -1, -1)))
    close(by_a, sum(0.5 ** (3 - k) * found[k] for k in range(4)))
    with pytest.raises(sg.errors.ParameterError, match="std has to be 0 or more"):
        f(0.5, -2.0)


@every_mode
def test_folds(mode: str) -> None:
    minus = lambda row, s: row - s
    outputs = [
        sg.reduce(lambda row, s: row * s, x, T.ones_like(h))[0],
        sg.foldl(minus, x, h)[0],
        sg.foldr(minus, x, h)[0],
        *sg.reduce(lambda row, a, b: [a + row, b * 2], x, [h, T.constant(1.0)])[0],
    ]
    found = run(mode, outputs, X, W, H)
    close(found[0], X.prod(axis=0))
    close(found[1], loop(lambda r, s: r - s, H, X)[-1])
    close(found[2], loop(lambda r, s: r - s, H, X[::-1])[-1])
    close(found[3], H + X.sum(axis=0))
    close(found[4], 64.0)


@every_mode
def test_nested(mode: str) -> None:
    def outer_step(row: Any, state: Any) -> Any:
        inner, _ = sg.scan(lambda e, a: T.tanh(a * e + state[0]), row, state)
        return inner[-1] + row

    states, _ = sg.scan(outer_step, x, h)

    def plain(row: Any, state: Any) -> Any:
        inner = loop(lambda e, a: np.tanh(a * e + state[0]), state, row)
        return inner[-1] + row

    close(run(mode, states, X, W, H), loop(plain, H, X))


@every_mode
def test_states_that_change_places(mode: str) -> None:
    left, right = sg.shared(1.0, name="left"), sg.shared(2.0, name="right")
    (a, b, c), _ = sg.scan(
        lambda a, b, c: [b, a + c, a], outputs_info=[h, 2 * h, T.ones_like(h)], n_steps=4
    )
    (p, q), updates = sg.scan(
        lambda p, q: ([q, p], {left: right, right: left}), outputs_info=[1.0, 2.0], n_steps=3
    )
    f = sg.function([h], [a[-1], b, c[-1], p[-1], q], updates=updates, mode=mode)
    found = f(H)
    first, second, third = H, 2 * H, np.ones(3)
    for _ in range(4):
        first, second, third = second, first + third, first
    close(found[0], first)
    close(found[1][-1], second)
    close(found[2], third)
    close(found[3], 2.0)
    close(found[4], [1.0, 2.0, 1.0])
    assert (left.get_value(), right.get_value()) == (2.0, 1.0)


@every_mode
def test_states_of_all_kinds(mode: str) -> None:
    def step(k: Any, flag: Any, z: Any, m: Any) -> list[Any]:
        return [k * 3 + 1, ~flag, z * 1j, T.dot(m, m) / 2]

    info = [T.constant(np.int32(1)), T.constant(True), T.constant(1 + 1j), w]
    outputs, _ = sg.scan(step, outputs_info=info, n_steps=4)
    found = run(mode, outputs, X, W)
    assert [str(a.dtype) for a in found] == ["int32", "bool", "complex128", "float64"]
    close(found[0], [4, 13, 40, 121])
    close(found[1], [False, True, False, True])
    close(found[2], (1 + 1j) * 1j ** np.arange(1, 5))
    close(found[3], loop(lambda _, m: m @ m / 2, W, range(4)))


@every_mode
def test_checkpoints(mode: str) -> None:
    def step(row: Any, state: Any, weights: Any) -> Any:
        return T.tanh(row + T.dot(state, weights))

    every, _ = sg.scan(step, x, h, w)
    some, _ = sg.scan_checkpoints(step, [x], [h], [w], save_every_N=3)
    exact, _ = sg.scan_checkpoints(step, [x], [h], [w], save_every_N=2, padding=False)
    padded, _ = sg.scan_checkpoints(step, [x], [h], [w], save_every_N=4)
    plain = T.grad((every[-1] ** 2).sum(), [x, w, h])
    saved = T.grad((some[-1] ** 2).sum(), [x, w, h])
    found = run(mode, [every, some, exact, padded, *plain, *saved], X, W, H)
    close(found[1], found[0][2::3])
    close(found[2], found[0][1::2])
    assert found[3].shape == (2, 3)
    close(found[3][0], found[0][3])
    close(found[3][1], found[0][-1])
    for a, b in zip(found[4:7], found[7:], strict=True):
        close(a, b)
    n = T.lscalar("n")
    power, _ = sg.scan_checkpoints(lambda p: 3.0 * p, [], 1.0, [], n_steps=n, save_every_N=2)
    both, _ = sg.scan_checkpoints(lambda r, s: (s + r, s * r), x, [h * 0, None], save_every_N=4)
    for steps in (4, 5):
        close(sg.function([n], power[-1], mode=mode)(steps), 3.0**steps)
    total, product = run(mode, [part[-1] for part in both], X, W, H)
    close(total, X.sum(0))
    close(product, X[:-1].sum(0) * X[-1])
    ragged = sg.scan_checkpoints(step, [x], [h], [w], save_every_N=4, padding=False)[0]
    with pytest.raises(ShapeError, match=r"test_scan\.py"):
        run(mode, ragged, X, W, H)


@every_mode
def test_a_body_that_only_python_can_run(mode: str) -> None:
    @sg.as_op(itypes=[T.dvector], otypes=[T.dvector])
    def turned(v: np.ndarray) -> np.ndarray:
        return v[::-1].copy()

    states, _ = sg.scan(lambda row, s: turned(s) + row, x, h)
    close(run(mode, T.exp(states * 0.1), X, W, H),
          np.exp(0.1 * loop(lambda r, s: s[::-1] + r, H, X)))  # fmt: skip


# --- forms and names -------------------------------------------------------------------------


def test_forms_of_outputs() -> None:
    one, updates = sg.scan(lambda row: row, x)
    assert one.type.ndim == 2
    assert updates == {}
    assert isinstance(sg.scan(lambda row: row, x, return_list=True)[0], list)
    assert len(sg.scan(lambda row: (row, row), x)[0]) == 2
    assert sg.scan(lambda row: ([row], {}, sg.until(row.sum() > 1)), x)[0].type.ndim == 2
    state = sg.shared(0.0)
    for returned in ({state: state + 1}, [(state, state + 1)], ([], {state: state + 1})):
        outputs, updates = sg.scan(lambda r=returned: r, n_steps=2)
        assert outputs is None
        assert list(updates) == [state]


def test_names_come_from_the_function() -> None:
    seen: list[Any] = []

    def step(row_before, row, total, weights, unused=None):  # type: ignore[no-untyped-def]
        seen.extend([row_before, row, total, weights])
        return total + row

    hs, _ = sg.scan(step, {"input": x, "taps": [-1, 0]}, h, w, name="adder")
    assert [v.name for v in seen] == ["row_before", "row", "total", "w"]
    (node,) = [v.owner for v in ancestors([hs]) if v.owner and isinstance(v.owner.op, Scan)]
    assert str(node.op) == "Scan{adder}"
    assert [v.name for v in node.op.inner_graph.inputs] == ["row_before", "row", "total"]
    assert "Scan{adder}" in sg.debugprint(hs, file="str")
    assert "Inner graphs" in sg.debugprint(hs, file="str")


def test_equal_scans_are_one() -> None:
    first, _ = sg.scan(lambda row, s: T.tanh(row + s), x, h)
    second, _ = sg.scan(lambda a, b: T.tanh(a + b), x, h)
    assert first.owner.inputs[0].owner.op == second.owner.inputs[0].owner.op
    f = sg.function([x, h], [first.sum(), second.max()])
    assert sum(isinstance(node.op, Scan) for node in f.graph.toposort()) == 1


# --- bad input -------------------------------------------------------------------------------


def test_a_state_keeps_its_type() -> None:
    with pytest.raises(
        GraphTypeError, match=r"(?s)output 0.*test_scan\.py:\d+ `.*is .*float32.*T.cast"
    ):
        sg.scan(lambda row, s: T.cast(s + row, "float32"), x, h)
    with pytest.raises(GraphTypeError, match=r"matrix.*initial value of 2 axes"):
        sg.scan(lambda row, s: T.outer(s, row), x, h)
    with pytest.raises(GraphTypeError, match=r"T\.unbroadcast"):
        sg.scan(lambda row, s: s + x, x, T.zeros((1, 3)))
    counter = sg.shared(0, name="counter")
    with pytest.raises(GraphTypeError, match=r"the update of counter.*T\.cast"):
        sg.scan(lambda row: (row, {counter: counter + 0.5}), x)


@every_mode
def test_a_step_that_changes_a_size(mode: str) -> None:
    grown, _ = sg.scan(lambda row, s: T.concatenate([s, row]), x, h)
    with pytest.raises(ShapeError, match=r"(?s)state.*test_scan\.py"):
        run(mode, grown, X, W, H)


@every_mode
def test_an_error_inside_names_its_line(mode: str) -> None:
    table = T.dvector("table")
    found, _ = sg.map(lambda k: table[k], T.arange(7))
    f = sg.function([table], found, mode=mode)
    with pytest.raises(IndexError, match=r"test_scan\.py:\d+ `found, _ = sg.map"):
        f(np.zeros(5))


def test_shared_state_updated_twice() -> None:
    state = sg.shared(0.0, name="state")
    with pytest.raises(DuplicateUpdateError, match=r"state.*twice"):
        sg.scan(lambda row: (row, [(state, state + 1), (state, state + 2)]), x)
    _, first = sg.scan(lambda row: (row, {state: state + 1}), x)
    _, second = sg.scan(lambda row: (row, {state: state + 2}), x)
    with pytest.raises(DuplicateUpdateError, match=r"state.*twice"):
        first + second


@every_mode
def test_an_empty_batch(mode: str) -> None:
    """Rows without elements: states and gradients without elements, weights' gradients of zeros."""
    start = T.zeros((x.shape[1], 3))
    states, _ = sg.scan(lambda row, s: T.tanh(T.dot(s, w) + row[:, None]), x, start)
    cost = (states**2).sum()
    f = sg.function([x, w], [states, cost, *T.grad(cost, [x, w])], mode=mode)
    found = f(np.zeros((6, 0)), W)
    assert [np.shape(v) for v in found] == [(6, 0, 3), (), (6, 0), (3, 3)]
    close(found[1], 0.0)
    close(found[3], np.zeros((3, 3)))


def test_strict() -> None:
    hidden = sg.shared(2.0, name="hidden")
    sg.scan(lambda row, s: row * s + 1.0, x, None, [hidden], strict=True)
    sg.scan(lambda row, s: row * s + 1.0, x, None, [hidden * 2], strict=True)
    for fn in (lambda row: row * hidden, lambda row: row + h, lambda row: row * (hidden + 1)):
        with pytest.raises(GraphTypeError, match=r"strict.*non_sequences"):
            sg.scan(fn, x, strict=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequences": [T.dscalar()]}, "has no rows"),
        ({}, "needs n_steps"),
        ({"n_steps": 2.5}, "n_steps is an integer"),
        ({"sequences": [x], "outputs_info": [h, h]}, "2 entries.*returns 1"),
        ({"sequences": [x], "outputs_info": [{"initial": h, "taps": [0]}]}, "steps back"),
        ({"sequences": [x], "outputs_info": [{"taps": [-1]}]}, "initial"),
        ({"sequences": [{"inputs": x}]}, "'input' and 'taps'"),
        ({"sequences": [{"input": x, "taps": [0.5]}]}, "taps are a list of integers"),
        ({"sequences": [x], "outputs_info": [{"initial": T.dscalar(), "taps": [-2]}]}, "stacked"),
    ],
)
def test_arguments_of_another_form(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(GraphTypeError, match=message):
        sg.scan(lambda *items: T.zeros(3), **arguments)


def test_too_few_initial_values() -> None:
    deep, _ = sg.scan(lambda a: a + 1, outputs_info={"initial": x, "taps": [-4]}, n_steps=2)
    for mode in MODES:
        with pytest.raises(ShapeError, match=r"(?s)initial values.*test_scan\.py"):
            sg.function([x], deep, mode=mode)(X[:3])


def sized_by_steps() -> tuple[list[Any], list[Any], list[Any]]:
    """Rows, states and choices whose sizes follow from numbers that a step computes."""
    n, x, ks = T.lscalar("n"), T.dvector("x"), T.lvector("ks")
    same = {"outputs_info": [n, None], "n_steps": 3}
    slices, _ = sg.scan(lambda i, q: (i, q[:i] ** 2), non_sequences=[x], **same)
    ranges, _ = sg.scan(lambda i: (i, T.arange(i)), **same)
    added, _ = sg.scan(lambda i, h: (i, T.arange(i) + h), outputs_info=[n, x[:n]], n_steps=2)
    of_sequence, _ = sg.scan(lambda k: T.arange(k) * 2.0, sequences=[ks])
    backwards, _ = sg.scan(lambda k: T.zeros((2, k)) + k, sequences=[ks], go_backwards=True)
    found, _ = sg.scan(lambda i: (i, T.nonzero(x > i)[0]), **same)
    lagged, _ = sg.scan(
        lambda far, near: (far + 0 * near, T.arange(far)),
        outputs_info=[{"initial": T.stack([n, n]), "taps": [-2, -1]}, None],
        n_steps=3,
    )
    flags, _ = sg.scan(
        lambda flag: T.arange(T.switch(flag, n, 1)), sequences=[T.alloc(np.True_, 2)]
    )
    chosen = sg.ifelse(T.gt(n, 1), T.nonzero(x > 1)[0] * 1.0, x)
    nested, _ = sg.scan(
        lambda i, q: (i, sg.ifelse(T.gt(i, 1), q[: i - 1], q)), non_sequences=[x], **same
    )
    rows = [slices, ranges, added, found, lagged]
    outputs = [*(r[1] for r in rows), of_sequence, backwards, flags, chosen, nested[1]]
    return [n, x, ks], outputs, [T.grad(slices[1].sum(), x)]


@pytest.mark.parametrize("backend", ["llvm", "numba"])
def test_sizes_of_rows_may_follow_from_what_steps_compute(backend: str) -> None:
    inputs, outputs, grads = sized_by_steps()
    native = sg.function(inputs, [*outputs, *grads], mode=sg.Mode(backend=backend))
    plain = sg.function(inputs, [*outputs, *grads], mode="interpret")
    for values in ((2, [1.0, 2.0, 3.0], [3, 3]), (1, [4.0], []), (3, [5.0, 0.5, 2.0], [0])):
        for a, b in zip(native(*values), plain(*values), strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b)


@pytest.mark.parametrize("mode", ["fast_run", "interpret"])
def test_rows_of_different_sizes_cannot_be_stacked(mode: str) -> None:
    n = T.lscalar("n")
    (_, rows), _ = sg.scan(lambda i: (i + 1, T.arange(i)), outputs_info=[n, None], n_steps=3)
    f = sg.function([n], rows, mode=mode)
    with pytest.raises(ShapeError, match=r"(?s)rows.*test_scan.py"):
        f(2)
    sums, _ = sg.scan(lambda i: (i + 1, T.arange(i).sum()), outputs_info=[n, None], n_steps=3)
    np.testing.assert_array_equal(sg.function([n], sums[1], mode=mode)(2), [1, 3, 6])


def test_sizes_promised_by_numbers_are_compared_axis_by_axis() -> None:
    x, n, m = T.dmatrix("x"), T.lscalar("n"), T.lscalar("m")
    f = sg.function([x, n, m], T.specify_shape(x, (n, m)) * 2)
    np.testing.assert_array_equal(f(np.ones((2, 3)), 2, 3), np.full((2, 3), 2.0))
    with pytest.raises(ShapeError, match="sizes 3 and 2 do not agree"):
        f(np.ones((2, 3)), 3, 2)
