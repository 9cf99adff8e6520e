"""Look-ups of rows: their gradients are scatters, and updates touch only the rows looked up."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.lower.program import Copy
from symgraph.ops.create import Alloc

ROWS, WIDTH = 50, 3
RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(ROWS, WIDTH))
IDS = np.array([3, 3, 17, -1, 0])
TARGET = RNG.normal(size=(5, WIDTH))


def dense(f: sg.Function) -> list[str]:
    """What a function does to whole tables: zeros made, tables copied."""
    zeros = [str(node) for node in f.graph.toposort() if isinstance(node.op, Alloc)]
    steps = [step for plan in f.trace.plans for step in plan.program.steps]
    copies = [step for step in steps if isinstance(step, Copy)]
    return zeros + list(map(str, copies))


def stepped(update: str, rate: float, mode: str = "fast_run") -> tuple[sg.Function, np.ndarray]:
    """A function with one of the updates below, and the table after one call."""
    W = sg.shared(TABLE, name="W")
    shared_rate = sg.shared(np.float64(rate), name="rate")
    ids, t, r = T.lvector("ids"), T.dmatrix("t"), T.dscalar("r")
    rows = W[ids]
    cost = ((rows - t) ** 2).sum()
    g, h = T.grad(cost, W), T.grad(cost, rows)
    both = T.grad((rows * W[ids[::-1]] - t).sum() + T.exp(W[:2]).sum(), W)
    news = {
        "number": W - 0.1 * g,
        "shared": W - shared_rate * g,
        "input": W - r * g,
        "quotient": W + -r * g / 5,
        "divided": W - g / (1 / shared_rate),
        "twice": W - shared_rate * (r * g),
        "rows": T.inc_subtensor(rows, -r * h),
        "sparse": T.inc_subtensor(sg.sparse_grad(rows), -0.1 * h),
        "several": W - 0.1 * both,
        "several scaled": W - r * both,
        "taken": W - r * T.grad((T.take(W, ids, axis=0) * t).sum(), W),
        "from the left": -(r * g - W),
    }
    f = sg.function(
        [ids, t, r], cost, updates=[(W, news[update])], on_unused_input="ignore", mode=mode
    )
    f(IDS, TARGET, rate)
    return f, W.get_value()


UPDATES = (
    *"number shared input quotient divided twice rows sparse several taken".split(),
    "several scaled",
    "from the left",
)


@pytest.mark.parametrize("update", UPDATES)
def test_updates_touch_only_the_rows_looked_up(update: str) -> None:
    f, table = stepped(update, 0.1)
    _, expected = stepped(update, 0.1, mode="interpret")
    np.testing.assert_allclose(table, expected, rtol=1e-12)
    assert np.any(table != TABLE)
    assert dense(f) == []


@pytest.mark.parametrize("update", ["shared", "divided", "twice", "several scaled"])
def test_a_rate_that_is_no_number_reaches_every_row(update: str) -> None:
    assert np.isnan(stepped(update, np.nan)[1]).all()


def test_the_gradient_itself_is_dense() -> None:
    W, ids = T.dmatrix("W"), T.lvector("ids")
    g = sg.function([W, ids], T.grad(W[ids].sum(), W))(TABLE, IDS)
    np.testing.assert_array_equal(g, np.eye(ROWS)[IDS].sum(0)[:, None] * np.ones(WIDTH))


def test_old_rows_are_read_before_they_are_overwritten() -> None:
    W, ids = sg.shared(TABLE), T.lvector("ids")
    rows = W[ids]
    g = T.grad((rows**3).sum() + (W[ids + 1] * rows).sum(), W)
    f = sg.function([ids], rows.sum(), updates=[(W, W - 0.1 * g)])
    before = f(IDS % (ROWS - 1))
    assert before == pytest.approx(TABLE[IDS % (ROWS - 1)].sum())
    expected = sg.shared(TABLE)
    slow = sg.function(
        [ids], updates=[(expected, sg.clone(W - 0.1 * g, {W: expected}))], mode="interpret"
    )
    slow(IDS % (ROWS - 1))
    np.testing.assert_allclose(W.get_value(), expected.get_value(), rtol=1e-12)
    assert dense(f) == []


def test_a_failing_look_up_leaves_the_table_as_it_was() -> None:
    W, ids = sg.shared(TABLE), T.lvector("ids")
    g = T.grad((W[ids] * W[ids + 1]).sum(), W)
    f = sg.function([ids], updates=[(W, W - 0.1 * g)])
    with pytest.raises(sg.errors.IndexRangeError):
        f([0, ROWS - 1])
    np.testing.assert_array_equal(W.get_value(), TABLE)


def test_momentum_is_right() -> None:
    W, v, ids = sg.shared(TABLE), sg.shared(np.zeros_like(TABLE)), T.lvector("ids")
    new = 0.9 * v - 0.1 * T.grad((W[ids] ** 2).sum(), W)
    f = sg.function([ids], updates=[(v, new), (W, W + new)])
    expected, speed = TABLE.copy(), np.zeros_like(TABLE)
    for _ in range(3):
        g = np.zeros_like(TABLE)
        np.add.at(g, IDS, 2 * expected[IDS])
        speed = 0.9 * speed - 0.1 * g
        expected = expected + speed
        f(IDS)
    np.testing.assert_allclose(W.get_value(), expected, rtol=1e-12)


def test_sparse_grad_takes_look_ups() -> None:
    W = T.dmatrix("W")
    rows = W[T.lvector("ids")]
    assert sg.sparse_grad(rows) is rows
    with pytest.raises(sg.errors.GraphTypeError, match="indexed by integers"):
        sg.sparse_grad(W)
