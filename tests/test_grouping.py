"""Which kernel computes what, and what is kept in memory between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends import pool, threads
from symgraph.backends.llvm.kernels import runs
from symgraph.interpret import interpret
from symgraph.kernel import Loop, statements
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
    assert launches(f) == [["Min", "Max"], ["Sub"], ["Sub", "TrueDiv"]]
    assert agrees(f, [x], outputs)


def test_reductions_read_their_operand_together() -> None:
    """Also those that come after something else was begun that reads it."""
    x = T.dmatrix("x")
    for axis in 0, 1:
        outputs = [x.min(axis), x.max(axis), x.sum(axis), T.sqr(x).sum(axis)]
        f = sg.function([x], outputs)
        assert launches(f) == [["Min", "Max", "Sum", "Sqr", "Sum"]]
        assert agrees(f, [x], outputs)
    f = sg.function([x], [x - x.min(), x.max()])
    assert launches(f) == [["Min", "Max"], ["Sub"]]
    assert agrees(f, [x], [x - x.min(), x.max()])


def test_mean_and_variance_take_one_look() -> None:
    x = T.fmatrix("x")
    for axis in 0, 1, (0, 1):
        f = sg.function([x], [x.mean(axis), x.var(axis)])
        looks = [ops for ops in launches(f) if "Sum" in ops]
        assert [ops.count("Sum") for ops in looks] == [2]
    normal = sg.function([x], T.nnet.layer_norm(x))
    (kernel,) = normal.kernels
    assert sum(isinstance(s, Loop) for s in statements(kernel.body)) == 3  # rows, sums, results
    by_batch = sg.function([x], (x - x.mean(0)) / T.sqrt(x.var(0) + 1e-5))
    assert sum("Sum" in ops for ops in launches(by_batch)) == 1
    d = T.dmatrix("d")
    two = sg.function([d], d.var(1)).kernels[0]
    assert sum(isinstance(s, Loop) for s in statements(two.body)) == 3  # rows, mean, squares


@pytest.mark.parametrize("mean", [0, 1, -100, 1e4])
def test_variance_in_one_look_is_as_good_as_in_two(mean: float) -> None:
    """In units of the last place of float32, grown by what float32 keeps of the numbers."""
    x = T.fmatrix("x")
    f = sg.function([x], [x.var(1), x.var(0), x.var()])
    a = (np.random.default_rng(0).normal(size=(301, 1000)) + mean).astype("float32")
    wide = a.astype("float64")
    for found, axis in zip(f(a), (1, 0, None), strict=True):
        np.testing.assert_allclose(found, wide.var(axis), rtol=3e-7 + 1e-14 * mean**2)


def test_variance_in_one_look_of_what_is_not_ordinary() -> None:
    x = T.fmatrix("x")
    f = sg.function([x], [x.var(1), x.std(1), T.nnet.layer_norm(x)])
    rows = [[0.1] * 999, [1e30] * 999, [0.0] * 999, [*[1.0] * 998, np.inf], [*[1.0] * 998, np.nan]]
    var, std, standard = f(np.array(rows, "float32"))
    np.testing.assert_array_equal(var, [0, 0, 0, np.nan, np.nan])
    np.testing.assert_array_equal(std, [0, 0, 0, np.nan, np.nan])
    assert abs(standard[0]).max() < 1e-4
    assert np.isnan(standard[3:]).all()
    tiny = f(np.array([[1e-30, -1e-30] * 50], "float32"))
    assert tiny[0] == 0  # as it rounds
    step = np.full((1, 1000), 1.0, "float32")
    step[0, ::2] = 1 + 2.0**-20
    np.testing.assert_allclose(f(step)[0], 2.0**-42, rtol=0.01)


@pytest.fixture(params=(1, 2))
def any_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each number of threads, which share the smallest of launches."""
    before, least = threads._pool.size, threads.MIN_WORK
    threads.MIN_WORK = 1
    threads.set_threads(1)
    threads.set_threads(request.param)
    threads._pool.words[pool.GRAIN] = 1
    yield
    threads.MIN_WORK = least
    threads.set_threads(1)
    threads.set_threads(before)
    threads._pool.words[pool.GRAIN] = threads.GRAIN


def test_accumulators_of_columns_are_read_once_for_several_rows(any_threads: None) -> None:
    """Whatever the shape: one block or several, one chunk or several, rows that are left over."""
    x = T.fmatrix("x")
    f = sg.function([x], [x.sum(0), x.max(0), x.argmax(0), T.sqr(x).sum(), x.min(), 2 * x])
    g = sg.function([x], [x.sum(0), x.argmax()])  # the first of equals: in the order of elements
    (first, _) = f.kernels
    assert [n for s in statements(first.body) if isinstance(s, Loop) and (n := runs(s)) < 9] == [8]
    rng = np.random.default_rng(0)
    for shape in (1, 3), (3, 1), (130, 4100), (1003, 7), (2100, 40), (64, 9001):
        a = rng.integers(-9, 9, shape).astype("float32")
        found = f(a)
        wanted = (a.sum(0), a.max(0), a.argmax(0), np.sum(a * a, dtype="d"), a.min(), 2 * a)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one, other)
        assert g(a)[1] == a.argmax()
    assert not sg.function([x], x.sum(0))(np.zeros((0, 5), "f")).any()


def test_sums_of_columns_keep_their_digits() -> None:
    """Terms of alternating sign and of magnitudes 1e8 apart, ten million of them."""
    x = T.fmatrix("x")
    a = np.full((5_000_001, 2), 0.1, "float32")
    a[::2, 1], a[1::2, 1] = 2.0**25, -(2.0**25)
    a[-1, 1] = 0.125
    mean, total = sg.function([x], [x.mean(0), x.sum(0)])(a)
    np.testing.assert_allclose(mean[0], np.float32(0.1), rtol=1e-7)
    assert total[1] == 0.125
