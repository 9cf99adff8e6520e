"""Whole programs on the CUDA target give what they give on the CPU."""

from __future__ import annotations

import numpy as np

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.cuda import target

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
    found = sg.function([x], T.sort(x, axis=1) * 2, mode=CUDA)(rows := floats(3, 4))
    np.testing.assert_array_equal(found, np.sort(rows, axis=1) * 2)


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


def test_float32_sums_keep_their_digits() -> None:
    x = T.fvector("x")
    total = sg.function([x], x.sum(), mode=CUDA)
    values = np.array([1e8, *[0.5] * 64, -1e8], "float32")
    assert total(values) == 32
    assert total(np.array([np.inf, 1], "float32")) == np.inf
