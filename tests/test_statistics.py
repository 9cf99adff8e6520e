"""Sorting, sets, bins, quantiles, averages, covariances and what leaves NaN out, against NumPy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import GraphTypeError, IndexRangeError, ShapeError
from tests.tables import Case, check_slopes, check_values, chunks, label

rng = np.random.default_rng(7)
M, C3 = rng.normal(size=(3, 5)), rng.normal(size=(2, 3, 4))
GAPS = M.copy()
GAPS[0, 1] = GAPS[2, 3] = GAPS[2, 4] = np.nan
W = rng.uniform(0.5, 2, size=5)
INTS, OTHERS = np.array([3, 1, 2, 3, 1, 7, 3]), np.array([[2, 3], [9, 2]])
LONG = rng.integers(-50, 50, size=(2, 300))
NANS = np.array([2.0, np.nan, 1.0, np.nan, 2.0, -np.inf])


def both(values: Any, name: str, *args: Any, smooth: bool = True, **options: Any) -> Case:
    """A case in which both functions have one name and take the same arguments."""
    values = values if isinstance(values, tuple) else (values,)
    return Case(
        values,
        lambda *xs: getattr(T, name)(*xs, *args, **options),
        lambda *xs: getattr(np, name)(*xs, *args, **options),
        smooth,
    )


CASES: dict[str, Case] = {
    "sort": both(C3, "sort", 1),
    "sort all": both(M, "sort", None),
    "sort long": both(LONG, "sort"),
    "sort long floats": both(LONG * 0.5, "sort", smooth=False),
    "sort unsigned": both(LONG.astype("uint8"), "sort", 0),
    "sort bool": both(LONG > 0, "sort"),
    "sort with NaN": both(np.repeat(NANS, 20), "sort", smooth=False),
    "argsort long": Case((LONG.astype("float32"),), T.argsort,
                         lambda x: np.argsort(x, kind="stable")),
    "argsort zeros": Case((np.array([0.0, -0.0] * 40),), T.argsort,
                          lambda x: np.argsort(x, kind="stable"), False),
    "argsort with NaN": Case((np.repeat(NANS, 20),), T.argsort,
                             lambda x: np.argsort(x, kind="stable"), False),
    "partition": Case((M,), lambda x: T.partition(x, 2)[:, 2], lambda x: np.sort(x)[:, 2]),
    "argpartition": Case((M,), lambda x: T.argpartition(x, 2)[:, 2],
                         lambda x: np.argsort(x)[:, 2]),
    "lexsort": Case((INTS, INTS % 3, INTS % 2), lambda *ks: T.lexsort(ks),
                    lambda *ks: np.lexsort(ks)),
    "topk": Case((M,), lambda x: T.topk_and_argtopk(x, 2, 1),
                 lambda x: [-np.sort(-x, 1)[:, :2], np.argsort(-x, 1)[:, :2]]),
    "topk of many": Case((LONG,), lambda x: [T.topk(x, 20, 1), T.argtopk(x, -20, 1)],
                         lambda x: [-np.sort(-x, 1)[:, :20],
                                    np.argsort(x, 1, kind="stable")[:, :20]]),
    "topk of equal": Case((LONG // 20,), lambda x: T.argtopk(x, 7),
                          lambda x: np.argsort(-x, 1, kind="stable")[:, :7]),
    "topk with NaN": Case((NANS,), lambda x: [T.argtopk(x, 3), T.argtopk(x, -3)],
                          lambda x: [np.array([1, 3, 0]), np.array([5, 2, 0])], False),
    "topk along": Case((C3,), lambda x: T.topk(x, -1, 0), lambda x: np.sort(x, 0)[:1]),
    # running folds
    "cummax": Case((M,), lambda x: T.cummax(x, 1), lambda x: np.maximum.accumulate(x, 1)),
    "cummin": Case((C3,), lambda x: T.cummin(x, 0), lambda x: np.minimum.accumulate(x, 0)),
    "cummax with NaN": Case((NANS,), T.cummax, np.maximum.accumulate, False),
    "cummax of whole": Case((INTS.astype("int8"),), T.cummax, np.maximum.accumulate),
    "logcumsumexp": Case((M * 3,), lambda x: T.logcumsumexp(x, 1),
                         lambda x: np.logaddexp.accumulate(x, 1)),
    "logcumsumexp far": Case((np.array([-900.0, -np.inf, 0.0, 900.0, np.inf, 1.0]),),
                             T.logcumsumexp, np.logaddexp.accumulate, False),
    # places and counts
    "searchsorted": both((np.sort(W), M), "searchsorted", smooth=False),
    "searchsorted right": both((np.sort(INTS), OTHERS), "searchsorted", "right"),
    "searchsorted sorter": Case((INTS, OTHERS), lambda x, v: T.searchsorted(
        x, v, sorter=T.argsort(x)), lambda x, v: np.searchsorted(np.sort(x), v)),
    "searchsorted NaN": both((np.array([1.0, np.inf, np.nan]), NANS), "searchsorted",
                             smooth=False),
    "digitize": both((M, np.array([-1.0, 0.0, 0.5])), "digitize", smooth=False),
    "digitize right": both((OTHERS, np.array([2, 3, 9])), "digitize", True),
    "digitize falling": both((OTHERS, np.array([9, 3, 2])), "digitize", True),
    "bincount": both(INTS, "bincount"),
    "bincount weights": Case((INTS, rng.normal(size=7)), T.bincount, np.bincount),
    "bincount longer": both(INTS, "bincount", minlength=12),
    "bincount of nothing": both(np.zeros(0, "int64"), "bincount"),
    "histogram": both(M, "histogram", smooth=False),
    "histogram range": both(M, "histogram", 4, (-1.0, 0.5), smooth=False),
    "histogram bounds": both((LONG * 1.0, np.array([-50.0, -3.0, 0.0, 49.0])), "histogram",
                             smooth=False),
    "histogram density": both(M, "histogram", 3, density=True, smooth=False),
    "histogram of one": both(np.ones(3), "histogram", 2, smooth=False),
    # sets
    "unique": both(INTS, "unique"),
    "unique all": both(OTHERS, "unique", True, True, True),
    "unique floats": Case((M,), T.unique, np.unique),
    "unique with NaN": both(NANS, "unique", return_counts=True, smooth=False),
    "unique of nothing": both(np.zeros(0), "unique", True, True, True, smooth=False),
    "isin": both((OTHERS, INTS), "isin"),
    "isin not": both((OTHERS, INTS), "isin", invert=True),
    "isin nothing": both((OTHERS, np.zeros(0, "int64")), "isin"),
    "intersect1d": both((OTHERS, INTS), "intersect1d"),
    "union1d": both((OTHERS, INTS), "union1d"),
    "setdiff1d": both((OTHERS, INTS), "setdiff1d"),
    "setxor1d": both((OTHERS, INTS), "setxor1d"),
    # quantiles
    **{f"quantile {method}": both(M, "quantile", [0.0, 0.3, 0.95, 1.0], 1, method=method)
       for method in ("linear", "lower", "higher", "nearest", "midpoint")},
    "quantile all": both(M, "quantile", 0.7),
    "quantile kept": both(C3, "quantile", [0.2, 0.5], (0, 2), keepdims=True),
    "quantile of whole": both(INTS, "quantile", 0.4),
    "quantile with NaN": both(GAPS, "quantile", 0.5, 1, smooth=False),
    "quantile infinite": Case((np.array([1.0, np.inf, np.inf]),), lambda x: T.quantile(x, 0.9),
                              lambda x: np.inf, False),
    "percentile": both(M, "percentile", [25, 75], 0),
    "nanmedian": both(GAPS, "nanmedian", 1),
    "nanquantile": both(GAPS, "nanquantile", [0.1, 0.6], 0),
    "nanpercentile": both(GAPS, "nanpercentile", 30, keepdims=True),
    **{f"{name} {axis}": both(GAPS, name, axis)
       for name in ("nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd",
                    "nancumsum", "nancumprod", "nanargmax", "nanargmin")
       for axis in (None, 1)},
    "nanvar ddof": both(GAPS, "nanvar", 0, ddof=1, smooth=False),
    "nanmean of whole": both(INTS, "nanmean"),
    # averages and covariances
    "average": both(M, "average", 0),
    "average weighted": Case((M, W), lambda x, w: T.average(x, 1, w, True),
                             lambda x, w: np.average(x, 1, w, True)),
    "average all": Case((M, np.abs(M) + 1), lambda x, w: T.average(x, None, w),
                        lambda x, w: np.average(x, None, w)),
    "cov": both(M, "cov"),
    "cov columns": both(M, "cov", rowvar=False, bias=True),
    "cov with": both((M, M[::-1] * 2), "cov"),
    "cov of vectors": both((W, M[0]), "cov", ddof=0),
    "cov of one": both(W, "cov"),
    "cov weighted": Case((M, W), lambda x, w: T.cov(x, aweights=w, fweights=[1, 2, 1, 3, 1]),
                         lambda x, w: np.cov(x, aweights=w, fweights=[1, 2, 1, 3, 1])),
    "cov complex": both(M + 1j * M[::-1], "cov", smooth=False),
    "corrcoef": Case((M,), lambda x: T.corrcoef(x)[0, 1:], lambda x: np.corrcoef(x)[0, 1:]),
    "corrcoef complex": both(M + 1j * M[::-1], "corrcoef", smooth=False),
}  # fmt: skip


@pytest.mark.parametrize("names", chunks(CASES), ids=label)
def test_values(names: list[str]) -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        check_values(CASES, names)


@pytest.mark.parametrize("names", chunks(CASES), ids=label)
def test_slopes(names: list[str]) -> None:
    check_slopes(CASES, names)


@pytest.mark.parametrize("mode", ["fast_run", "interpret"])
def test_what_is_found_only_when_it_runs(mode: str) -> None:
    x, k = T.dvector("x"), T.lscalar("k")
    f = sg.function([x, k], T.topk(x, k), mode=mode)
    assert f([1.0, 3.0, 2.0], 2).tolist() == [3.0, 2.0]
    with pytest.raises(ShapeError, match="more elements are asked for than the 3"):
        f([1.0, 3.0, 2.0], 4)
    i = T.lvector("i")
    with pytest.raises(IndexRangeError):
        sg.function([i], T.bincount(i), mode=mode)([1, -1])


def test_random_rows_of_every_length() -> None:
    x, k = T.fmatrix("x"), T.lscalar("k")
    f = sg.function([x, k], [T.sort(x), T.argsort(x), T.topk(x, k)])
    for width in (1, 2, 7, 47, 48, 49, 64, 65, 1000):
        value = rng.normal(size=(3, width)).round(1).astype("float32")
        for count in {1, width // 9 + 1, width}:
            ordered, order, best = f(value, count)
            np.testing.assert_array_equal(ordered, np.sort(value))
            np.testing.assert_array_equal(order, np.argsort(value, kind="stable"))
            np.testing.assert_array_equal(best, np.sort(value)[:, ::-1][:, :count])


def test_mistakes() -> None:
    x = T.dmatrix("x")
    with pytest.raises(GraphTypeError, match="vector of integers"):
        T.bincount(T.dvector())
    with pytest.raises(GraphTypeError, match="no method 'weibull'"):
        T.quantile(x, 0.5, method="weibull")
    with pytest.raises(GraphTypeError, match="known length"):
        T.quantile(x, T.dvector())
    with pytest.raises(GraphTypeError, match="never NaN"):
        T.nanmedian(T.lvector())
    with pytest.raises(GraphTypeError, match="side is"):
        T.searchsorted([1.0], 2.0, side="middle")
    with pytest.raises(ShapeError, match="5 of 3 elements"):
        T.topk(T.dvector("v", shape=(3,)), 5)
