"""Whole programs on the CUDA target give what they give on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.cuda import running_folds, target
from symgraph.interpret import interpret
from symgraph.ops.checks import Assert

CUDA = sg.Mode(backend="cuda")
RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def test_elementwise_and_reductions() -> None:
    x, y = T.fmatrix("x"), T.fvector("y")
    outputs = [
        T.exp(x) * y + 1,
        T.tanh(x).sum(axis=1),
        (x * y).sum(),
        x.sum(axis=0),
        T.nnet.softmax(x),
        T.argmax(x, axis=1),
        x.T,
    ]
    arrays = floats(5, 3), floats(3)
    expected = sg.function([x, y], outputs)(*arrays)
    for found, want in zip(sg.function([x, y], outputs, mode=CUDA)(*arrays), expected, strict=True):
        assert (found.dtype, found.shape) == (want.dtype, want.shape)
        np.testing.assert_allclose(found, want, rtol=2e-6)


def test_a_training_step_updates_its_weights() -> None:
    x = T.fmatrix("x")
    start, rows = floats(3, 2), floats(5, 3)
    weights = [sg.shared(start.copy(), "W") for _ in range(2)]
    losses = []
    for mode, W in zip((None, CUDA), weights, strict=True):
        loss = T.sqr(T.tanh(T.dot(x, W))).sum()
        step = sg.function([x], loss, updates=[(W, W - 0.1 * T.grad(loss, W))], mode=mode)
        losses.append([step(rows) for _ in range(3)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    np.testing.assert_allclose(weights[1].get_value(), weights[0].get_value(), rtol=1e-5)


def test_routines_without_a_kernel_run_on_the_cpu() -> None:
    x = T.fmatrix("x")
    rows = floats(3, 4)[[0, 2, 1, 0, 2]]
    found = sg.function([x], T.unique(x, axis=0) * 2, mode=CUDA)(rows)
    np.testing.assert_array_equal(found, np.unique(rows, axis=0) * 2)


def scatters() -> tuple[list[Any], list[Any], list[np.ndarray]]:
    table, n, rows = T.fmatrix("table"), T.lvector("n"), T.fmatrix("rows")
    v, w, count = T.fvector("v"), T.fvector("w"), T.tensor("int8", shape=(None,), name="count")
    outputs = [
        T.inc_subtensor(table[n], rows),
        T.set_subtensor(table[n], rows),
        T.inc_subtensor(table[n, 1], w),
        T.inc_subtensor(v[n], w),
        T.set_subtensor(v[n], w),
        T.inc_subtensor(count[n], 1),
    ]
    places = np.array([1, -1, 1, 0, 2, 1, 1])
    arrays = [floats(3, 4), places, floats(7, 4), floats(3), floats(7), np.zeros(3, "int8")]
    return [table, n, rows, v, w, count], outputs, arrays


@pytest.mark.parametrize("deterministic", [False, True])
def test_writes_that_meet_are_added_up_and_the_last_one_stays(deterministic: bool) -> None:
    inputs, outputs, arrays = scatters()
    with sg.config(deterministic=deterministic):
        f = sg.function(inputs, outputs, mode=CUDA)
    text = target.write(f.trace.plans[0], "").kernels
    assert ("atomic_add" in text) != deterministic
    for length in (7, 1, 0):
        given = [a[:length] if len(a) == 7 else a for a in arrays]
        expected = interpret(outputs, dict(zip(inputs, given, strict=True)))
        for found, want in zip(f(*given), expected, strict=True):
            np.testing.assert_allclose(found, want, rtol=1e-5)


def test_many_writes_to_few_places() -> None:
    """Stretches of equal places that are longer than a team, and more than one merge of places."""
    v, n, w = T.fvector("v"), T.lvector("n"), T.fvector("w")
    outputs = [T.inc_subtensor(v[n], w), T.set_subtensor(v[n], w)]
    with sg.config(deterministic=True):
        f = sg.function([v, n, w], outputs, mode=CUDA)
    arrays = floats(3), RNG.integers(0, 3, 150), floats(150)
    expected = interpret(outputs, dict(zip([v, n, w], arrays, strict=True)))
    for found, want in zip(f(*arrays), expected, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-4)


def test_running_folds_of_rows_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    x = T.fmatrix("x")
    z = T.zmatrix("z")
    outputs = [T.cumsum(x, 1), T.cumprod(x, 1), T.cummax(x, 1), T.logcumsumexp(x, 1)]
    outputs += [T.cummin(x > 0, 1), T.cumsum(z, 1), T.cumprod(z, 1), T.nonzero(x > 0)[1]]
    f = sg.function([x, z], outputs, mode=CUDA)
    for tile, shape in ((8, (3, 29)), (8, (2, 16)), (2048, (2, 9)), (8, (1, 1)), (8, (2, 0))):
        monkeypatch.setattr(running_folds, "TILE", tile)
        rows, numbers = floats(*shape), floats(*shape) + 1j * floats(*shape)
        if rows.size > 20:
            rows[0, 5], rows[1, 9] = np.nan, -np.inf
        expected = interpret(outputs, {x: rows, z: numbers})
        for found, want in zip(f(rows, numbers), expected, strict=True):
            np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)


def test_sorting_is_stable_in_rows_of_any_length() -> None:
    x, k = T.fmatrix("x"), T.tensor("int8", shape=(None, None), name="k")
    outputs = [T.sort(x, 1), T.argsort(x, 1), T.argsort(k, 1), T.argsort(x > 0, 0)]
    outputs += [*T.topk_and_argtopk(x, 5, 1), *T.topk_and_argtopk(k, -5, 1)]
    f = sg.function([x, k], outputs, mode=CUDA)
    for length in (5, 33, 101):
        rows = np.round(floats(2, length), 1)
        rows[0, 1], rows[1, ::7] = np.nan, 0.0
        rows[1, 3] = -0.0
        numbers = RNG.integers(-4, 4, (2, length)).astype("int8")
        expected = interpret(outputs, {x: rows, k: numbers})
        for found, want in zip(f(rows, numbers), expected, strict=True):
            np.testing.assert_array_equal(found, want)
    with pytest.raises(sg.errors.ShapeError, match="than the 3 there are"):
        f(rows[:, :3], numbers)
    with pytest.raises(sg.errors.ShapeError, match="than the 4 there are"):
        f(rows, numbers[:, :4])


def test_numbers_on_the_device_are_not_read_by_the_driver() -> None:
    x, rate = T.fmatrix("x"), T.fscalar("rate")
    W, t = sg.shared(floats(3, 2), "W"), sg.shared(np.float32(0), "t")
    start = W.get_value()
    loss = T.sqr(T.dot(x, W)).mean()
    updates = [(W, W - rate * T.grad(loss, W) / (t + 1)), (t, t + 1)]
    step = sg.function([x, rate], loss, updates=updates, mode=CUDA)
    rows = floats(4, 3)
    losses = [step(rows, np.float32(r)) for r in (0.1, 0.2)]
    assert "run.read" not in target.write(step.trace.plans[0], "").driver
    W.set_value(start)
    t.set_value(np.float32(0))
    on_cpu = sg.function([x, rate], loss, updates=updates)
    np.testing.assert_allclose([on_cpu(rows, np.float32(r)) for r in (0.1, 0.2)], losses, rtol=1e-5)


def test_a_scalar_is_read_before_it_is_overwritten() -> None:
    """Where a kernel would see the new number, the host reads the old one."""
    t = sg.shared(np.float64(2), "t")
    x = T.dvector("x")
    f = sg.function([x], [x * t, t * 3], updates=[(t, x.sum())], mode=CUDA)
    for value in (2.0, 3.0):
        first, second = f([1.0, 2.0])
        np.testing.assert_array_equal(first, [value, 2 * value])
        assert second == 3 * value


def test_indices_out_of_range_are_an_error_that_changes_nothing() -> None:
    table, n = sg.shared(floats(4, 2), "table"), T.lvector("n")
    f = sg.function([n], T.tanh(table[n]).sum(), updates=[(table, table * 2)], mode=CUDA)
    before = table.get_value()
    with np.testing.assert_raises_regex(sg.errors.IndexRangeError, "7 for an axis of 4"):
        f([1, 7])
    np.testing.assert_array_equal(table.get_value(), before)


def test_a_failing_call_changes_nothing_whatever_writes() -> None:
    """Products, copies, numbers, scatters and kernels that come behind an index out of range."""
    table, n, x = sg.shared(floats(4, 2), "table"), T.lvector("n"), T.fmatrix("x")
    W, t = sg.shared(floats(2, 2), "W"), sg.shared(np.float32(1), "t")
    moved, counts = sg.shared(floats(2), "moved"), sg.shared(np.zeros(4, "f4"), "counts")
    rows = table[n]
    updates = [
        (W, W + T.dot(x.T, rows)),
        (table, T.inc_subtensor(table[n], 1)),
        (t, t + rows.sum()),
        (moved, rows[0]),
        (counts, T.inc_subtensor(counts[n], 1)),
    ]
    found = []
    for mode in (CUDA, None):
        f = sg.function([n, x], T.tanh(rows), updates=updates, mode=mode)
        if mode is CUDA:
            assert "run.read" not in target.write(f.trace.plans[0], "").driver
        before = [v.get_value() for v, _ in updates]
        with pytest.raises(sg.errors.IndexRangeError, match="-5 for an axis of 4"):
            f([1, -5, 0], floats(3, 2))
        for (v, _), old in zip(updates, before, strict=True):
            np.testing.assert_array_equal(v.get_value(), old)
        ones = np.ones((3, 2), "f4")
        found.append([f([1, 1, -1], ones), *(v.get_value() for v, _ in updates)])
        for (v, _), old in zip(updates, before, strict=True):
            v.set_value(old)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_of_several_guards_the_first_is_told() -> None:
    x, n, m = T.fvector("x"), T.lvector("n"), T.lscalar("m")
    small = Assert("not small")(x, T.all(x < 9))
    f = sg.function([x, n, m], T.tanh(small)[n].sum() + x[m], mode=CUDA)
    assert "run.read" not in target.write(f.trace.plans[0], "").driver
    values = floats(3)
    wanted = np.tanh(values[[0, 2]]).sum() + values[2]
    assert f(values, [0, -1], 2) == pytest.approx(wanted, rel=1e-5)
    for given, message in (
        ((values, [3], 0), "3 for an axis of 3"),
        ((values, [0], -4), "-4 for an axis of 3"),
        ((values * 100 + 1000, [0], 0), "not small"),
    ):
        with pytest.raises(sg.errors.SymgraphError, match=message):
            f(*given)


def test_indices_in_a_loop_are_checked_in_each_step() -> None:
    table, n = sg.shared(floats(4, 2), "table"), T.lmatrix("n")
    out, _ = sg.scan(lambda i, s: s + table[i].sum(0), n, outputs_info=T.zeros((2,), "float32"))
    f = sg.function([n], out, mode=CUDA)
    values = table.get_value()
    places = np.array([[1, -1], [0, 3]])
    np.testing.assert_allclose(f(places), values[places].sum(1).cumsum(0), rtol=1e-5)
    with pytest.raises(sg.errors.IndexRangeError, match="4 for an axis of 4"):
        f([[1, 2], [4, 0], [0, 0]])


def test_a_loop_runs_on_the_device() -> None:
    x, n = T.dvector("x"), T.lscalar("n")
    out, _ = sg.scan(lambda a: T.tanh(a) + 0.1 * a.sum(), outputs_info=x, n_steps=n)
    args = np.array([0.1, 0.2]), 3
    expected = sg.function([x, n], out)(*args)
    np.testing.assert_allclose(sg.function([x, n], out, mode=CUDA)(*args), expected, rtol=1e-12)


def test_long_rows_and_many_of_them() -> None:
    """Loops go round several times, in teams of all sizes."""
    x = T.fmatrix("x")
    outputs = [x.sum(), x.sum(0), x.max(1), x.argmax(), T.nnet.softmax(x), x.std(1), x * 2]
    f, on_cpu = (sg.function([x], outputs, mode=mode) for mode in (CUDA, None))
    for shape in ((2, 37), (23, 3), (1, 1), (9, 2)):
        rows = floats(*shape)
        for found, want in zip(f(rows), on_cpu(rows), strict=True):
            np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)


def test_columns_of_few_rows_that_are_known() -> None:
    """A single chunk of rows: its number is read inside."""
    x = T.tensor("float32", shape=(3, 4), name="x")
    rows = floats(3, 4)
    found = sg.function([x], [T.eq(x, x.min(0)).sum(0), T.exp(x)], mode=CUDA)(rows)
    np.testing.assert_array_equal(found[0], np.ones(4))


def test_float32_sums_keep_their_digits() -> None:
    x = T.fvector("x")
    total = sg.function([x], x.sum(), mode=CUDA)
    values = np.array([1e8, *[0.5] * 64, -1e8], "float32")
    assert total(values) == 32
    assert total(np.array([np.inf, 1], "float32")) == np.inf


def test_loops_of_numbers_leave_their_kernel() -> None:
    """By a condition, or at an index that is out of range, which a guard behind the loop tells."""
    n, x = T.lscalar("n"), T.dvector("x")
    numbers, _ = sg.scan(
        lambda k: (T.switch(T.eq(k % 2, 0), k // 2, 3 * k + 1), sg.until(T.lt(k, 3))),
        outputs_info=[n],
        n_steps=40,
    )
    looked, _ = sg.scan(
        lambda k, total: ((3 * k + 1) % n, total + x[k]),
        outputs_info=[T.constant(0), T.constant(0.0)],
        n_steps=5,
    )
    f = sg.function([n, x], [numbers, looked[1]], device="cuda")
    plain = sg.function([n, x], [numbers, looked[1]], mode="interpret")
    for found, wanted in zip(f(6, np.arange(7.0)), plain(6, np.arange(7.0)), strict=True):
        np.testing.assert_allclose(found, wanted)
    with pytest.raises(sg.errors.IndexRangeError, match="13 for an axis of 7"):
        f(20, np.arange(7.0))
