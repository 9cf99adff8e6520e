"""Special and elementwise functions that are made of ops, against NumPy and SciPy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import NullTypeGradError
from tests.tables import Case, check_slopes, check_values, chunks, label

X = np.array([-3.2, -0.7, 0.4, 1.3, 2.6])
P, Q = np.array([0.3, 0.9, 1.7, 2.2, 4.1]), np.array([2.5, 0.4, 1.1, 3.0, 0.8])
U = np.array([0.05, 0.3, 0.5, 0.81, 0.99])
ODD = np.array([-np.inf, -1.5, -0.0, 0.0, 2.0, np.inf, np.nan])
WHOLE = np.array([-7, -1, 0, 3, 120], "int8")
COUNT = np.array([0, 1, 7, 8, 3], "int8")

CASES: dict[str, Case] = {
    "xlogx": Case((np.array([0.0, 0.5, 2.0]),), T.xlogx, lambda x: sp.xlogy(x, x), False),
    "xlogy": Case((np.array([0.0, 0.0, 2.0]), np.array([0.0, np.nan, 3.0])), T.xlogy, sp.xlogy,
                  False),
    "xlogy slopes": Case((P, Q), T.xlogy, sp.xlogy),
    "xlog1py": Case((P, Q), T.xlog1py, sp.xlog1py),
    "entr": Case((np.array([-1.0, 0.0, 0.3]),), T.entr, sp.entr, False),
    "log1mexp": Case((-P,), T.log1mexp, lambda x: np.log1p(-np.exp(x))),
    "log1mexp near 0": Case((-P * 1e-9,), T.log1mexp, lambda x: np.log(-np.expm1(x)), False),
    "logaddexp": Case((X, X[::-1] * 300), T.logaddexp, np.logaddexp),
    "logaddexp infinite": Case((ODD, ODD[::-1]), T.logaddexp, np.logaddexp, False),
    "logaddexp equal": Case((ODD, ODD), T.logaddexp, np.logaddexp, False),
    "logaddexp of three": Case((X, P, Q), T.logaddexp,
                               lambda x, y, z: np.logaddexp(np.logaddexp(x, y), z)),
    "logit": Case((U,), T.logit, sp.logit),
    "expit": Case((X,), T.expit, sp.expit),
    "log_sigmoid": Case((X * 300,), T.log_sigmoid, sp.log_expit),
    "sinc": Case((np.array([-1.5, 0.2, 0.0, 3.1]),), T.sinc, np.sinc),
    "ndtr": Case((X,), T.ndtr, sp.ndtr),
    "polygamma": Case((P + 1,), lambda x: [T.polygamma(n, x) for n in range(5)],
                      lambda x: [sp.polygamma(n, x) for n in range(5)]),
    "polygamma of orders": Case((np.arange(5), P + 1), T.polygamma, sp.polygamma),
    "trigamma below": Case((-P,), T.tri_gamma, lambda x: trigamma(x), False),
    "factorial": Case((P,), T.factorial, sp.factorial),
    "gammau": Case((Q, P), lambda k, x: T.gammau(1.5, x), lambda k, x: sp.gammaincc(1.5, x) *
                   sp.gamma(1.5)),
    "gammal": Case((Q, P), lambda k, x: T.gammal(2.5, x), lambda k, x: sp.gammainc(2.5, x) *
                   sp.gamma(2.5)),
    "chi2sf": Case((P,), lambda x: T.chi2sf(x, 3), lambda x: sp.chdtrc(3, x)),
    "gamma of ints": Case((np.arange(1, 6),), T.gamma, lambda x: sp.gamma(x)),
    "bessel k": Case((P,), lambda x: [T.k0(x), T.k1(x), T.kn(2, x)],
                     lambda x: [sp.k0(x), sp.k1(x), sp.kn(2, x)]),
    "logical": Case((X > 0, P), lambda a, b: [T.logical_and(a, b), T.logical_or(a, b - 0.3),
                                              T.logical_xor(a, b), T.logical_not(b)],
                    lambda a, b: [np.logical_and(a, b), np.logical_or(a, b - 0.3),
                                  np.logical_xor(a, b), np.logical_not(b)], False),
    "infinities": Case((ODD,), lambda x: [T.isposinf(x), T.isneginf(x), T.isfinite(x),
                                          T.signbit(x)],
                       lambda x: [np.isposinf(x), np.isneginf(x), np.isfinite(x), np.signbit(x)],
                       False),
    "nan_to_num": Case((ODD,), lambda x: [T.nan_to_num(x), T.nan_to_num(x, 1.0, 2.0, 3.0)],
                       lambda x: [np.nan_to_num(x), np.nan_to_num(x, nan=1.0, posinf=2.0,
                                                                  neginf=3.0)], False),
    "nan_to_num complex": Case((np.array([1 + 2j, complex(np.nan, np.inf)]),), T.nan_to_num,
                               np.nan_to_num, False),
    "heaviside": Case((ODD,), lambda x: T.heaviside(x, 0.5), lambda x: np.heaviside(x, 0.5), False),
    "copysign": Case((X, ODD[1:6]), T.copysign, np.copysign, False),
    "hypot": Case((np.array([1e300, np.inf, 0.0, 3.0]), np.array([1e300, np.nan, 0.0, 4.0])),
                  T.hypot, np.hypot, False),
    "ldexp": Case((X, np.array([3, -2, 0, 1100, -1060])), T.ldexp, np.ldexp, False),
    "left_shift": Case((WHOLE, COUNT), T.left_shift, np.left_shift),
    "right_shift": Case((WHOLE, COUNT), T.right_shift, np.right_shift),
    "unsigned shifts": Case((WHOLE.view("uint8"), COUNT.view("uint8")),
                            lambda x, n: [x << n, x >> n], lambda x, n: [x << n, x >> n]),
    "wide shifts": Case((WHOLE.astype("int64") << 40, np.array([63, 64, 1, 2, 70])),
                        lambda x, n: [x << n, x >> n], lambda x, n: [x << n, x >> n]),
    "ceil_intdiv": Case((np.array([7, -7, 8]), np.array([2, 2, 4])), T.ceil_intdiv,
                        lambda x, y: -(-x // y)),
    "unsigned ceil_intdiv": Case((np.array([7, 255, 8], "uint8"), np.array([2, 3, 4], "uint8")),
                                 T.ceil_intdiv, lambda x, y: np.array([4, 85, 2], "uint8")),
    "smallest ceil_intdiv": Case((np.array([-128, -128], "int8"), np.array([3, 1], "int8")),
                                 T.ceil_intdiv, lambda x, y: np.array([-42, -128], "int8")),
    "angles": Case((X,), lambda x: [T.deg2rad(x), T.degrees(x)],
                   lambda x: [np.deg2rad(x), np.degrees(x)]),
    "names": Case((X, P), lambda x, y: [T.subtract(x, y), T.divide(x, y), T.fabs(x), T.acos(U),
                                        T.greater_equal(x, y)],
                  lambda x, y: [x - y, x / y, np.abs(x), np.arccos(U), x >= y]),
}  # fmt: skip


def trigamma(x: np.ndarray) -> Any:
    """By reflection: SciPy's own polygamma is not defined there."""
    return (np.pi / np.sin(np.pi * x)) ** 2 - sp.polygamma(1, 1 - x)


@pytest.mark.parametrize("names", chunks(CASES), ids=label)
def test_values(names: list[str]) -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        check_values(CASES, names)


@pytest.mark.parametrize("names", chunks(CASES), ids=label)
def test_slopes(names: list[str]) -> None:
    check_slopes(CASES, names)


def test_a_derivative_that_is_not_known() -> None:
    k, x = T.dscalar("k"), T.dscalar("x")
    y = T.gammainc(k * 2, x)
    assert np.isfinite(T.grad(y, x).eval({k: 1.0, x: 0.5}))
    with pytest.raises(NullTypeGradError, match=r"GammaInc.* by its input 0 .*parameter"):
        T.grad(y, k)


def test_float32_is_computed_wide_and_kept_narrow() -> None:
    x = T.fvector("x")
    value = np.array([0.3, 5.0, 30.0], "float32")
    f = sg.function([x], [T.gammaln(x), T.jv(1, x), T.erfcx(x)])
    for found, want in zip(f(value), (sp.gammaln, lambda v: sp.jv(1, v), sp.erfcx), strict=True):
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, want(value.astype("float64")), rtol=1e-6)


def test_compiled_code_finds_the_functions_again() -> None:
    """The object code refers to them by name: a second function of the same text is loaded."""
    made = [sg.function([x], T.gammaln(x)) for x in (T.dvector("x"), T.dvector("x"))]
    assert made[0].source() == made[1].source()
    assert "external('gammaln')" in made[0].source()
    for f in made:
        np.testing.assert_allclose(f(P), sp.gammaln(P))
