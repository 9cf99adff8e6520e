"""Running sums and products, and sorting, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import GraphTypeError

rng = np.random.default_rng(5)
M, C3 = rng.normal(size=(4, 5)), rng.normal(size=(2, 3, 4))
TIED = np.array([[2.0, 1.0, 2.0, 0.0], [1.0, 1.0, 1.0, 3.0]])
MODES = ["fast_run", "interpret"]
every_mode = pytest.mark.parametrize("mode", MODES)


@every_mode
@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
def test_running_sums_and_products(axis: int | None, mode: str) -> None:
    x = T.dtensor3("x")
    f = sg.function([x], [T.cumsum(x, axis), T.cumprod(x * 2, axis)], mode=mode)
    sums, products = f(C3)
    np.testing.assert_allclose(sums, np.cumsum(C3, axis), rtol=1e-12)
    np.testing.assert_allclose(products, np.cumprod(C3 * 2, axis), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "uint8", "complex64"])
def test_dtypes_of_running_sums(dtype: str) -> None:
    x = T.tensor(dtype, shape=(None,), name="x")
    value = np.array([1, 0, 1, 1]).astype(dtype)
    found = sg.function([x], T.cumsum(x))(value)
    want = np.cumsum(value)
    assert found.dtype == want.dtype
    np.testing.assert_array_equal(found, want)


def test_gradients_of_running_folds() -> None:
    T.verify_grad(lambda x: T.sqr(T.cumsum(x, 1)), [M])
    T.verify_grad(lambda x: T.cumprod(x, 0), [M])
    for zeros in ([2], [1, 3], [0], [4], [0, 1, 2, 3, 4]):
        row = np.array([0.5, -1.5, 2.0, 1.2, 0.7])
        row[zeros] = 0
        T.verify_grad(lambda x: T.cumprod(x) * np.arange(1.0, 6.0), [row])
    cost = T.cumprod(T.dvector("x"))
    (x,) = (v for v in sg.graph.inputs([cost]) if v.name == "x")
    second = T.grad(T.grad(T.sqr(cost).sum(), x).sum(), x)
    assert np.isfinite(sg.function([x], second)(np.array([0.5, 2.0, -1.0]))).all()


@every_mode
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_sorting(axis: int | None, mode: str) -> None:
    x = T.dmatrix("x")
    f = sg.function([x], [T.sort(x, axis), T.argsort(x, axis)], mode=mode)
    for value in (M, TIED, np.array([[np.nan, 1.0], [0.0, np.nan]]), np.zeros((0, 3))):
        found, order = f(value)
        np.testing.assert_array_equal(found, np.sort(value, axis))
        np.testing.assert_array_equal(order, np.argsort(value, axis, kind="stable"))


@every_mode
def test_largest_elements(mode: str) -> None:
    x = T.dmatrix("x")
    outputs = [*T.topk_and_argtopk(x, 2, 1), T.topk(x, -2, 0), T.argtopk(x, 3, None)]
    values, places, smallest, anywhere = sg.function([x], outputs, mode=mode)(M)
    np.testing.assert_array_equal(values, -np.sort(-M, 1)[:, :2])
    np.testing.assert_array_equal(places, np.argsort(-M, 1)[:, :2])
    np.testing.assert_array_equal(smallest, np.sort(M, 0)[:2])
    np.testing.assert_array_equal(anywhere, np.argsort(-M.ravel())[:3])


def test_gradients_of_sorting() -> None:
    T.verify_grad(lambda x: T.sort(x, 0) * np.arange(1.0, 5.0)[:, None], [M])
    T.verify_grad(lambda x: T.sqr(T.topk(x, 2)), [M])
    x = T.dvector("x")
    g = T.grad((T.sort(x) * T.arange(3)).sum(), x)
    assert sg.function([x], g)([5.0, -1.0, 2.0]).tolist() == [2.0, 0.0, 1.0]


def test_mistakes() -> None:
    with pytest.raises(GraphTypeError, match="no order"):
        T.topk(T.zvector(), 1)
    with pytest.raises(GraphTypeError, match="other than 0"):
        T.topk(T.dvector(), 0)
    with pytest.raises(GraphTypeError, match="axis 3"):
        T.cumsum(T.dmatrix(), 3)
    with pytest.raises(GraphTypeError, match="axis 3"):
        T.sort(T.dmatrix(), 3)


def test_complex_numbers_are_sorted_by_their_parts():
    z = np.array([1 + 2j, 1 - 5j, complex(np.nan, 1), 2j, complex(1, np.nan), np.nan, 1 + 2j])
    x = T.zvector("x")
    found = sg.function([x], [T.sort(x), T.argsort(x), T.sort(T.stack([x, x]), axis=0)])(z)
    np.testing.assert_array_equal(found[0], np.sort(z))
    np.testing.assert_array_equal(found[1], np.argsort(z, kind="stable"))
    np.testing.assert_array_equal(found[2], np.stack([z, z]))


@pytest.mark.parametrize("dtype", ["float64", "int8", "complex128"])
def test_distinct_parts_along_an_axis(dtype):
    values = np.array([[1, 0, 1, 2, 0], [3, 1, 3, 0, 1], [1, 1, 1, 0, 1]]).astype(dtype)
    x = T.matrix("x", dtype=dtype)
    flags = {"return_index": True, "return_inverse": True, "return_counts": True}
    f = sg.function([x], [*T.unique(x, axis=1, **flags), *T.unique(x, axis=-2, **flags)])
    for array in values, values[:, :1], values[:, :0]:
        expected = [*np.unique(array, axis=1, **flags), *np.unique(array, axis=-2, **flags)]
        for result, want in zip(f(array), expected, strict=True):
            np.testing.assert_array_equal(result, want)
