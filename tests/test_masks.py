"""Boolean masks as indices: reading, writing, gradients, sizes that only a run tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import GraphTypeError, ShapeError

x, v, b = T.dmatrix("x"), T.dvector("v"), T.tensor("bool", shape=(None,), name="b")
X, V = np.arange(12.0).reshape(3, 4), np.array([0.0, -1.0, 0.0, 2.0])
MODES = ["fast_run", "interpret", "verify"]

READS: dict[str, Callable[[Any, Any], Any]] = {
    "all axes": lambda a, c: a[a > 4],
    "rows": lambda a, c: a[a[:, 0] > 1],
    "columns": lambda a, c: a[:, c],
    "beside a slice": lambda a, c: a[1:, c],
    "beside an index": lambda a, c: a[1, c],
    "known": lambda a, c: a[np.array([True, False, True])],
    "a list": lambda a, c: a[[False, True, True]],
    "nothing": lambda a, c: a[a > 100],
    "reduced": lambda a, c: a[a > 4].sum() / a[a > 4].shape[0],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", READS)
def test_reading(name: str, mode: str) -> None:
    mask = V != 0
    f = sg.function([x, b], READS[name](x, b), mode=mode, on_unused_input="ignore")
    np.testing.assert_array_equal(f(X, mask), READS[name](X, mask))


@pytest.mark.parametrize("mode", MODES)
def test_writing(mode: str) -> None:
    chosen = x[x > 4]
    f = sg.function([x], [chosen.set(0.0), chosen.inc(chosen), x[:, V != 0].set(7.0)], mode=mode)
    zeroed, doubled, columns = f(X)
    np.testing.assert_array_equal(zeroed, np.where(X > 4, 0, X))
    np.testing.assert_array_equal(doubled, np.where(X > 4, 2 * X, X))
    np.testing.assert_array_equal(columns, np.where(V != 0, 7, X))


@pytest.mark.parametrize("mode", MODES)
def test_gradient(mode: str) -> None:
    cost = (x[x > 4] ** 2).sum() + T.exp(x[:, v > 0]).sum()
    found = sg.function([x, v], T.grad(cost, x), mode=mode)(X / 4, V)
    want = np.where(X / 4 > 4, X / 2, 0) + np.where(V > 0, np.exp(X / 4), 0)
    np.testing.assert_allclose(found, want)
    T.verify_grad(lambda a: a[a > 1] * 3, [X + 0.3])


@pytest.mark.parametrize("mode", ["fast_run", "interpret"])
def test_sizes_have_to_agree(mode: str) -> None:
    f = sg.function([x, b], x[b], mode=mode)
    with pytest.raises(ShapeError, match="mask"):
        f(X, V != 0)
    with pytest.raises(ShapeError, match="mask"):
        T.matrix(shape=(3, 4))[np.array([True, False])]


@pytest.mark.parametrize("mode", MODES)
def test_positions(mode: str) -> None:
    f = sg.function([x, v], [*T.nonzero(x % 3), T.flatnonzero(x), T.nonzero(v)[0]], mode=mode)
    rows, columns, flat, places = f(X, V)
    np.testing.assert_array_equal([rows, columns], np.nonzero(X % 3))
    np.testing.assert_array_equal(flat, np.flatnonzero(X))
    np.testing.assert_array_equal(places, [1, 3])
    assert f(np.zeros((0, 4)), V)[2].shape == (0,)


def test_many_calls_of_changing_size() -> None:
    f = sg.function([v], [v[v > 0] * 2, T.nonzero(v)[0]])
    rng = np.random.default_rng(0)
    for size in (10, 100_000, 3, 0, 50_000):
        a = rng.normal(size=size)
        doubled, places = f(a)
        np.testing.assert_array_equal(doubled, a[a > 0] * 2)
        np.testing.assert_array_equal(places, np.arange(size))


def test_what_is_no_mask() -> None:
    with pytest.raises(GraphTypeError, match="scalar is no index"):
        x[True]
    with pytest.raises(GraphTypeError, match="3 indices"):
        x[x > 0, 0]
    with pytest.raises(GraphTypeError, match="not a scalar"):
        T.nonzero(T.dscalar())
