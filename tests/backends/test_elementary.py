"""Our own elementary functions against mpmath, and at the corners against C99's Annex F."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import mpmath
import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.numba.scalar_math import operations

MOST_ULPS = 4.0
COUNT = 400  # random points of each kind

Exact = Callable[..., Any]


def _softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x)) if x < 50 else x + mpmath.exp(-x)


# name: the exact function, and where arguments are drawn from (lowest, highest)
CASES: dict[str, tuple[Exact, tuple[float, float]]] = {
    "exp": (mpmath.exp, (-80, 80)),
    "exp2": (lambda x: mpmath.mpf(2) ** x, (-100, 100)),
    "expm1": (mpmath.expm1, (-30, 80)),
    "log": (mpmath.log, (1e-30, 1e30)),
    "log2": (lambda x: mpmath.log(x, 2), (1e-30, 1e30)),
    "log10": (mpmath.log10, (1e-30, 1e30)),
    "log1p": (mpmath.log1p, (-0.99, 1e6)),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), (-80, 80)),
    "softplus": (_softplus, (-80, 80)),
    "sin": (mpmath.sin, (-1000, 1000)),
    "cos": (mpmath.cos, (-1000, 1000)),
    "tan": (mpmath.tan, (-1000, 1000)),
    "arcsin": (mpmath.asin, (-1, 1)),
    "arccos": (mpmath.acos, (-1, 1)),
    "arctan": (mpmath.atan, (-1e3, 1e3)),
    "sinh": (mpmath.sinh, (-80, 80)),
    "cosh": (mpmath.cosh, (-80, 80)),
    "tanh": (mpmath.tanh, (-20, 20)),
    "arcsinh": (mpmath.asinh, (-1e6, 1e6)),
    "arccosh": (mpmath.acosh, (1, 1e6)),
    "arctanh": (mpmath.atanh, (-0.999, 0.999)),
    "erf": (mpmath.erf, (-5, 5)),
    "erfc": (mpmath.erfc, (-5, 9)),
    "erfinv": (mpmath.erfinv, (-1, 1)),
    "tri_gamma": (lambda x: mpmath.psi(1, x), (0.001, 1e6)),
}
DTYPES = ("float32", "float64")


def points(name: str, dtype: str) -> np.ndarray:
    """Arguments spread over the range, close to 0, and close to 1."""
    low, high = CASES[name][1]
    rng = np.random.default_rng(len(name))
    wide = rng.uniform(low, high, COUNT)
    scales = 10.0 ** rng.uniform(-12, math.log10(max(abs(low), high)), COUNT)
    small = scales * rng.choice([-1, 1], COUNT)
    near_one = 1 + rng.normal(size=COUNT // 4) * 10.0 ** rng.uniform(-6, -1, COUNT // 4)
    values = np.concatenate([wide, small, near_one]).astype(dtype)
    return values[(values >= low) & (values <= high)]


@pytest.fixture(scope="module", params=list(product(DTYPES, ("llvm", "numba"))), ids="-".join)
def compiled(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """All functions of a dtype, in one module, each on an argument of its own."""
    dtype, backend = request.param
    inputs = {name: T.vector(name, dtype=dtype) for name in CASES}
    outputs = {name: getattr(T, name)(x) for name, x in inputs.items()}
    f = sg.function(list(inputs.values()), outputs, mode=sg.Mode(backend=backend))

    def run(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        nothing = np.zeros(0, dtype)
        with np.errstate(all="ignore"):
            return f(**{name: values.get(name, nothing) for name in CASES})

    return dtype, {"run": run}


def ulps(found: np.ndarray, exact: list[Any]) -> np.ndarray:
    """Distances from exact values in units of the last place of the result's dtype."""
    info = np.finfo(found.dtype)
    distances = []
    for f, e in zip(found.tolist(), exact, strict=True):
        unit = mpmath.mpf(2) ** max(
            int(mpmath.floor(mpmath.log(abs(e), 2))) - info.nmant
            if e
            else info.minexp - info.nmant,
            info.minexp - info.nmant,
        )
        distances.append(float(abs(mpmath.mpf(f) - e) / unit))
    return np.array(distances)


def test_every_operation_is_tried() -> None:
    named = {"tri_gamma": "trigamma"}
    assert set(operations()) == {
        *(named.get(n, n) for n in CASES),
        "pow",
        "arctan2",
        "zeta",
        "add_error",
    }


def test_errors_stay_below_four_units(compiled: Any) -> None:
    dtype, module = compiled
    arguments = {name: points(name, dtype) for name in CASES}
    found = module["run"](arguments)
    with mpmath.workdps(60):
        for name, (exact, _) in CASES.items():
            want = [exact(mpmath.mpf(float(x))) for x in arguments[name]]
            errors = ulps(found[name], want)
            worst = int(np.argmax(errors))
            at = arguments[name][worst]
            assert errors[worst] <= MOST_ULPS, f"{name}({at!r}) is {errors[worst]} ulp off"


CORNERS: dict[str, dict[float, float]] = {
    "exp": {0: 1, -math.inf: 0, math.inf: math.inf, -1000: 0, 1000: math.inf},
    "exp2": {0: 1, -math.inf: 0, math.inf: math.inf, 3: 8, -2000: 0},
    "expm1": {0: 0, -math.inf: -1, math.inf: math.inf},
    "log": {1: 0, 0: -math.inf, math.inf: math.inf, -1: math.nan},
    "log2": {1: 0, 8: 3, 0: -math.inf, math.inf: math.inf, -1: math.nan},
    "log10": {1: 0, 1000: 3, 0: -math.inf, math.inf: math.inf, -1: math.nan},
    "log1p": {0: 0, -1: -math.inf, math.inf: math.inf, -2: math.nan},
    "sigmoid": {0: 0.5, -math.inf: 0, math.inf: 1},
    "softplus": {-math.inf: 0, math.inf: math.inf},
    "sin": {0: 0, math.inf: math.nan, -math.inf: math.nan},
    "cos": {0: 1, math.inf: math.nan},
    "tan": {0: 0, math.inf: math.nan},
    "arcsin": {0: 0, 1.5: math.nan, -2: math.nan},
    "arccos": {1: 0, 1.5: math.nan},
    "arctan": {0: 0, math.inf: math.pi / 2, -math.inf: -math.pi / 2},
    "sinh": {0: 0, math.inf: math.inf, -math.inf: -math.inf},
    "cosh": {0: 1, math.inf: math.inf, -math.inf: math.inf},
    "tanh": {0: 0, math.inf: 1, -math.inf: -1, 100: 1},
    "arcsinh": {0: 0, math.inf: math.inf, -math.inf: -math.inf},
    "arccosh": {1: 0, math.inf: math.inf, 0.5: math.nan},
    "arctanh": {0: 0, 1: math.inf, -1: -math.inf, 2: math.nan},
    "erf": {0: 0, math.inf: 1, -math.inf: -1},
    "erfc": {0: 1, math.inf: 0, -math.inf: 2},
}
ODD = (
    "expm1",
    "log1p",
    "sin",
    "tan",
    "arcsin",
    "arctan",
    "sinh",
    "tanh",
    "arcsinh",
    "arctanh",
    "erf",
)


def test_corners(compiled: Any) -> None:
    dtype, module = compiled
    arguments = {name: np.array([*table, math.nan], dtype) for name, table in CORNERS.items()}
    found = module["run"](arguments)
    for name, table in CORNERS.items():
        want = np.array([*table.values(), math.nan], dtype)
        np.testing.assert_allclose(found[name], want, rtol=1e-6, err_msg=name)


def test_zero_keeps_its_sign(compiled: Any) -> None:
    dtype, module = compiled
    found = module["run"]({name: np.array([-0.0], dtype) for name in ODD})
    for name in ODD:
        assert np.signbit(found[name][0]), name


def test_subnormal_numbers(compiled: Any) -> None:
    dtype, module = compiled
    tiny = np.finfo(dtype).smallest_subnormal * np.array([1, 3, 1000], dtype)
    found = module["run"]({"log": tiny, "sin": tiny, "tanh": tiny, "expm1": tiny})
    with mpmath.workdps(60):
        assert (ulps(found["log"], [mpmath.log(mpmath.mpf(float(t))) for t in tiny]) <= 4).all()
    for name in ("sin", "tanh", "expm1"):
        np.testing.assert_allclose(found[name], tiny, rtol=0, atol=tiny[0], err_msg=name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pow(dtype: str) -> None:
    x, y = T.vector("x", dtype=dtype), T.vector("y", dtype=dtype)
    f = sg.function([x, y], x**y)
    rng = np.random.default_rng(3)
    base, power = (
        rng.uniform(1e-3, 50, COUNT).astype(dtype),
        rng.uniform(-9, 9, COUNT).astype(dtype),
    )
    with mpmath.workdps(60):
        want = [
            mpmath.mpf(float(a)) ** mpmath.mpf(float(b)) for a, b in zip(base, power, strict=True)
        ]
        assert ulps(f(base, power), want).max() <= MOST_ULPS
    values = np.array([0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, np.inf, -np.inf, np.nan], dtype)
    left, right = (a.ravel().copy() for a in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(f(left, right), np.power(left, right), rtol=1e-6)
        assert (np.signbit(f(left, right)) == np.signbit(np.power(left, right)))[
            ~np.isnan(np.power(left, right))
        ].all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_arctan2(dtype: str) -> None:
    y, x = T.vector("y", dtype=dtype), T.vector("x", dtype=dtype)
    f = sg.function([y, x], T.arctan2(y, x))
    values = np.array([0.0, -0.0, 1, -1, 0.3, -7, 1e10, np.inf, -np.inf, np.nan], dtype)
    up, across = (a.ravel().copy() for a in np.meshgrid(values, values))
    known = ~(np.isnan(up) | np.isnan(across))
    np.testing.assert_allclose(f(up, across), np.arctan2(up, across), rtol=1e-6)
    assert (np.signbit(f(up, across)) == np.signbit(np.arctan2(up, across)))[known].all()
