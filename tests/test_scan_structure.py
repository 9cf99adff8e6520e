"""What loops are compiled to: counted steps, inside and outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.graph import Variable
from symgraph.lower.program import Copy, Gemm, Launch, Repeat, every
from symgraph.ops.scan import Scan

H = 4


def layer() -> tuple[Variable, Variable, list[Any]]:
    """A layer of LSTM: its inputs, its last output, its parameters."""
    x = T.dtensor3("x")
    shapes = {"W": (3, 4 * H), "U": (H, 4 * H), "b": (4 * H,)}
    W, U, b = (sg.shared(np.full(s, 0.1), name=name) for name, s in shapes.items())

    def step(row: Any, h: Any, c: Any) -> list[Any]:
        z = T.dot(row, W) + T.dot(h, U) + b
        i, f, o = (T.nnet.sigmoid(z[:, k * H : (k + 1) * H]) for k in range(3))
        c = f * c + i * T.tanh(z[:, 3 * H :])
        return [o * T.tanh(c), c]

    start = T.zeros((x.shape[1], H))
    (states, _), _ = sg.scan(step, x, [start, start])
    return x, states[-1], [W, U, b]


def steps_of(f: sg.Function) -> list[Any]:
    return [step for plan in f.trace.plans for step in plan.program.steps]


def counts(steps: Any, *kinds: type) -> list[int]:
    found = list(every(steps))
    return [sum(isinstance(step, kind) for step in found) for kind in kinds]


def test_a_step_of_an_lstm_is_one_product_and_one_kernel() -> None:
    x, last, _ = layer()
    f = sg.function([x], last)
    (loop,) = [step for step in steps_of(f) if isinstance(step, Repeat)]
    assert counts(loop.body, Gemm, Launch, Copy) == [1, 1, 0]
    assert sum(isinstance(step, Gemm) for step in steps_of(f)) == 1
    (node,) = [n for n in f.graph.toposort() if isinstance(n.op, Scan)]
    assert not any(state.traced for state in node.op.states)


def test_gradients_of_weights_are_products_after_the_loop() -> None:
    x, last, parameters = layer()
    f = sg.function([x], T.grad((last**2).sum(), parameters))
    forth, back = [step for step in steps_of(f) if isinstance(step, Repeat)]
    assert counts(forth.body, Gemm, Launch) == [1, 1]
    assert counts(back.body, Gemm) == [1]
    outside = [step for step in steps_of(f) if isinstance(step, Gemm)]
    assert len(outside) == 3


def test_a_loop_of_numbers_is_one_kernel() -> None:
    """Fibonacci's numbers by states that change places, a filter with taps, a sign that flips."""
    x, n = T.dvector("x"), T.lscalar("n")

    def step(row: Any, a: Any, b: Any, far: Any, near: Any, flag: Any) -> list[Any]:
        return [b, a + b, T.switch(flag, row, -row) + 0.5 * far - 0.25 * near, T.invert(flag)]

    starts = [T.constant(0), T.constant(1), {"initial": x[:2], "taps": [-2, -1]}]
    outputs, _ = sg.scan(step, x, [*starts, T.constant(True)], n_steps=n)
    back, _ = sg.scan(lambda row, s: 1j * s + row, x, T.constant(0j), go_backwards=True)
    f = sg.function([x, n], [outputs[0], outputs[1][-1], *outputs[2:], back])
    values = np.arange(1.0, 8.0)
    a, b, filtered, flag, flags, turned = 0, 1, [1.0, 2.0], True, [], [0j]
    firsts = []
    for row in values[:6]:
        filtered.append((row if flag else -row) + 0.5 * filtered[-2] - 0.25 * filtered[-1])
        a, b, flag = b, a + b, not flag
        firsts.append(a)
        flags.append(flag)
    for row in values[::-1]:
        turned.append(1j * turned[-1] + row)
    for mode in (None, "interpret", sg.Mode(backend="numba")):
        found = (f if mode is None else sg.function([x, n], list(f.outputs), mode=mode))(values, 6)
        for have, want in zip(found, [firsts, b, filtered[2:], flags, turned[1:]], strict=True):
            np.testing.assert_allclose(have, want)
    assert not any(isinstance(step, Repeat) for step in every(steps_of(f)))


def numbers_only() -> tuple[list[Variable], list[Variable]]:
    """Loops of numbers that end by a condition, look elements up, read rows of several steps."""
    n, x = T.lscalar("n"), T.dvector("x")

    def collatz(k: Any) -> Any:
        k = T.switch(T.eq(k % 2, 0), k // 2, 3 * k + 1)
        return k, sg.until(T.eq(k, 1))

    def newton(root: Any, square: Any) -> Any:
        better = 0.5 * (root + square / root)
        return [better, better - root], sg.until(T.abs_(better - root) < 1e-12)

    numbers, _ = sg.scan(collatz, outputs_info=[n], n_steps=1000)
    roots, _ = sg.scan(
        newton, outputs_info=[x.sum() + 1.0, None], non_sequences=[x[0] + 2], n_steps=50
    )
    looked, _ = sg.scan(
        lambda k, total: ((3 * k + 1) % n, total + x[k]),
        outputs_info=[T.constant(0), T.constant(0.0)],
        n_steps=7,
    )
    back, _ = sg.scan(
        lambda row, far, near: far - 0.5 * near + row,
        x,
        {"initial": x[:3], "taps": [-3, -1]},
        go_backwards=True,
    )
    # A gradient runs the other way, over the rows of the loop that it belongs to.
    slope = T.grad(T.sqr(back).sum(), x)
    outputs = [numbers, numbers.shape[0], roots[0], roots[1], roots[0][-1], *looked, back, slope]
    return [n, x], outputs


def test_loops_of_numbers_that_end_or_may_fail_are_kernels() -> None:
    inputs, outputs = numbers_only()
    f = sg.function(inputs, outputs)
    assert counts(steps_of(f), Repeat) == [0]
    assert " break" in f.source()
    plain = sg.function(inputs, outputs, mode="interpret")
    other = sg.function(inputs, outputs, mode=sg.Mode(backend="numba"))
    x = np.arange(1.0, 8.0)
    for n in (1, 2, 6, 7):
        expected = plain(n, x)
        for made in (f(n, x), other(n, x)):
            for a, b in zip(made, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12)
    total = sg.shared(1.0, name="total")
    looked = outputs[6][-1]
    step = sg.function(inputs, looked, updates=[(total, total + looked)])
    for function in (step, other, plain):
        with pytest.raises(sg.errors.IndexRangeError, match=r"(?s)13 .*\b7\b.*test_scan_structure"):
            function(20, x)
    assert total.get_value() == 1.0


def test_a_step_that_fails_leaves_the_shared_variable_it_makes_rows_of() -> None:
    x, ks = T.dvector("x"), T.lvector("ks")
    rows = sg.shared(np.zeros(3), name="rows")
    made, _ = sg.scan(lambda k: x[k] * 2, ks)
    wide = sg.shared(np.zeros((3, 2)), name="wide")
    blocks, _ = sg.scan(lambda k: T.stack([x[k], x[k]]), ks)
    f = sg.function([x, ks], [], updates=[(rows, made), (wide, blocks)])
    f([1.0, 2.0], [0, 1, 1])
    with pytest.raises(sg.errors.IndexRangeError):
        f([5.0, 6.0], [0, 1, 2])
    np.testing.assert_array_equal(rows.get_value(), [2, 4, 4])
    np.testing.assert_array_equal(wide.get_value(), [[1, 1], [2, 2], [2, 2]])
