"""Rearranging functions against NumPy's, natively and interpreted, with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import GraphTypeError

M, V = np.arange(12.0).reshape(3, 4) ** 1.1, np.array([3.0, -1.0, 2.0])
C3 = np.arange(24.0).reshape(2, 3, 4)

# name: the value it is tried on, the function of symgraph.tensor, NumPy's
CASES: dict[str, tuple[np.ndarray, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "repeat": (M, lambda x: T.repeat(x, 3, 1), lambda x: np.repeat(x, 3, 1)),
    "repeat all": (M, lambda x: T.repeat(x, 2), lambda x: np.repeat(x, 2)),
    "repeat each": (V, lambda x: T.repeat(x, [2, 0, 3]), lambda x: np.repeat(x, [2, 0, 3])),
    "repeat rows": (M, lambda x: T.repeat(x, [1, 0, 2], 0), lambda x: np.repeat(x, [1, 0, 2], 0)),
    "tile": (M, lambda x: T.tile(x, (2, 3)), lambda x: np.tile(x, (2, 3))),
    "tile vector": (V, lambda x: T.tile(x, (2, 1, 2)), lambda x: np.tile(x, (2, 1, 2))),
    "tile last": (M, lambda x: T.tile(x, 2), lambda x: np.tile(x, 2)),
    "roll": (M, lambda x: T.roll(x, 5, 1), lambda x: np.roll(x, 5, 1)),
    "roll back": (M, lambda x: T.roll(x, -1, 0), lambda x: np.roll(x, -1, 0)),
    "roll all": (M, lambda x: T.roll(x, 2), lambda x: np.roll(x, 2)),
    "flip": (C3, lambda x: T.flip(x, (0, 2)), lambda x: np.flip(x, (0, 2))),
    "flip all": (M, T.flip, np.flip),
    "flipud": (M, T.flipud, np.flipud),
    "fliplr": (M, T.fliplr, np.fliplr),
    "diff": (M, T.diff, np.diff),
    "diff twice": (M, lambda x: T.diff(x, 2, 0), lambda x: np.diff(x, 2, 0)),
    "pad": (M, lambda x: T.pad(x, ((1, 2), (0, 3)), constant_values=7.0),
            lambda x: np.pad(x, ((1, 2), (0, 3)), constant_values=7.0)),
    "pad nothing": (V, lambda x: T.pad(x, 0), lambda x: np.pad(x, 0)),
    **{f"pad {mode}": (M, lambda x, mode=mode: T.pad(x, ((2, 1), (3, 2)), mode),
                       lambda x, mode=mode: np.pad(x, ((2, 1), (3, 2)), mode))
       for mode in ("edge", "reflect", "symmetric", "wrap")},
    "pad far": (V, lambda x: T.pad(x, 7, "reflect"), lambda x: np.pad(x, 7, "reflect")),
    "diagonal": (M, lambda x: T.diag(x, 1), lambda x: np.diag(x, 1)),
    "diagonal below": (M, lambda x: T.diag(x, -1), lambda x: np.diag(x, -1)),
    "diag": (V, T.diag, np.diag),
    "diag above": (V, lambda x: T.diag(x, 2), lambda x: np.diag(x, 2)),
    "diag below": (V, lambda x: T.diag(x, -1), lambda x: np.diag(x, -1)),
    "broadcast_to": (V, lambda x: T.broadcast_to(x, (2, 3)), lambda x: np.broadcast_to(x, (2, 3))),
    "meshgrid": (V, lambda x: T.meshgrid(x, x[:2])[0] * T.meshgrid(x, x[:2])[1],
                 lambda x: np.meshgrid(x, x[:2])[0] * np.meshgrid(x, x[:2])[1]),
    "meshgrid ij": (V, lambda x: T.meshgrid(x, x[:2], indexing="ij")[1],
                    lambda x: np.meshgrid(x, x[:2], indexing="ij")[1]),
    "split": (M, lambda x: T.split(x, [1, 2], 2, 0)[1] * 2, lambda x: np.split(x, [1])[1] * 2),
    "take_along_axis": (M, lambda x: T.take_along_axis(x, [[3, 0], [1, 1], [2, 2]], 1),
                        lambda x: np.take_along_axis(x, np.array([[3, 0], [1, 1], [2, 2]]), 1)),
    "atleast_2d": (V, T.atleast_2d, np.atleast_2d),
    "atleast_3d": (V, T.atleast_3d, np.atleast_3d),
    "atleast_3d matrix": (M, T.atleast_3d, np.atleast_3d),
}  # fmt: skip
every_case = pytest.mark.parametrize("name", CASES)


def symbolic(value: np.ndarray) -> Any:
    return T.tensor("float64", shape=(None,) * value.ndim, name="x")


@every_case
@pytest.mark.parametrize("mode", ["fast_run", "interpret"])
def test_value(name: str, mode: str) -> None:
    value, ours, numpys = CASES[name]
    x = symbolic(value)
    found = sg.function([x], ours(x), mode=mode)(value)
    np.testing.assert_allclose(found, numpys(value))


@every_case
def test_gradient(name: str) -> None:
    value, ours, _ = CASES[name]
    T.verify_grad(lambda x: T.sqr(ours(x)), [value], n_tests=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("endpoint", [True, False])
def test_linspace(dtype: str, endpoint: bool) -> None:
    a, b, n = T.scalar("a", dtype=dtype), T.scalar("b", dtype=dtype), T.lscalar("n")
    f = sg.function([a, b, n], T.linspace(a, b, n, endpoint=endpoint))
    for low, high, count in ((0, 1, 5), (3, -2, 4), (1, 1, 1), (0, 1, 0)):
        want = np.linspace(low, high, count, endpoint=endpoint, dtype=dtype)
        np.testing.assert_allclose(f(low, high, count), want, rtol=1e-6, atol=1e-7)


def test_symbolic_amounts() -> None:
    x, n = T.dvector("x"), T.lscalar("n")
    f = sg.function([x, n], [T.roll(x, n), T.repeat(x, n), T.tile(x, (n,))])
    for count in (0, 1, 4):
        rolled, repeated, tiled = f(V, count)
        np.testing.assert_array_equal(rolled, np.roll(V, count))
        np.testing.assert_array_equal(repeated, np.repeat(V, count))
        np.testing.assert_array_equal(tiled, np.tile(V, count))
    assert f(np.zeros(0), 2)[0].shape == (0,)


def test_mistakes() -> None:
    x = T.dmatrix("x")
    with pytest.raises(GraphTypeError, match="axis 2 of a tensor of 2"):
        T.flip(x, 2)
    with pytest.raises(GraphTypeError, match="no mode 'mean'"):
        T.pad(x, 1, "mean")
    with pytest.raises(GraphTypeError, match="vector or a matrix"):
        T.diag(T.dtensor3())
    with pytest.raises(GraphTypeError, match="2 sizes for 3 parts"):
        T.split(x, [1, 2], 3)
