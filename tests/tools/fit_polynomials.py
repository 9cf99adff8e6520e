"""Compute the polynomials of `symgraph/backends/elementary/coefficients.py`.

    python -m tests.tools.fit_polynomials            all of them, as that file holds them
    python -m tests.tools.fit_polynomials SINE LOG   some of them

Each polynomial is near the minimax one for a weighted error: weighted least squares in multiple
precision on Chebyshev nodes, whose weights grow where the error is large (C. L. Lawson, 1961; see
Rice and Usow, The Lawson algorithm and extensions, Math. Comp. 22, 1968). Its coefficients are
rounded to the dtype one at a time, lowest power first, and the rest is fitted anew each time:
the lowest weighs most, and the others can make good part of what its rounding spoils.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np
from mpmath import mpf

Real = Callable[[mpf], mpf]
mpmath.mp.dps = 60
NODES = 6  # for each coefficient
ROUNDS = 12
DTYPES = "float32", "float64"


@dataclass(frozen=True)
class Fit:
    """`terms` coefficients of a polynomial near `target` on [low, high].

    Errors are multiplied by `weight`.
    """

    target: Real
    weight: Real
    low: mpf
    high: mpf
    terms: int


def _nodes(fit: Fit, count: int) -> list[mpf]:
    angles = (mpmath.pi * (2 * i + 1) / (2 * count) for i in range(count))
    return [(fit.low + fit.high - (fit.high - fit.low) * mpmath.cos(a)) / 2 for a in angles]


def _least_squares(rows: np.ndarray, right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Solve by normal equations; 60 digits bear the squared condition number."""
    scaled = rows * weights[:, None]
    normal = mpmath.matrix((scaled.T @ rows).tolist())
    return np.array(list(mpmath.lu_solve(normal, mpmath.matrix((scaled.T @ right).tolist()))))


def _lawson(rows: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Coefficients whose greatest residual is nearly least."""
    weights = np.array([mpf(1)] * len(right))
    best, least = None, mpmath.inf
    for _ in range(ROUNDS):
        found = _least_squares(rows, right, weights)
        errors = abs(rows @ found - right)
        if max(errors) < least:
            best, least = found, max(errors)
        weights = weights * (errors / max(errors) + mpf("0.001"))
    assert best is not None
    return best


def rounded(value: mpf, dtype: str) -> float:
    """The float of a dtype nearest to `value`."""
    digits = np.finfo(dtype).nmant + 1
    with mpmath.workprec(digits):
        return float(+value)


def coefficients(fit: Fit, dtype: str) -> tuple[list[float], float]:
    """Rounded coefficients, and the greatest weighted error they leave in exact arithmetic."""
    count = fit.terms
    nodes = _nodes(fit, NODES * count)
    weight = np.array([fit.weight(x) for x in nodes])
    right = np.array([fit.target(x) for x in nodes]) * weight
    columns = [np.array([x**k for x in nodes]) * weight for k in range(count)]
    fixed: list[float] = []
    for power in range(count):
        free = _lawson(np.array(columns[power:]).T, right)
        fixed.append(rounded(free[0], dtype))
        right = right - columns[power] * mpf(fixed[-1])
    return fixed, float(max(abs(right)))


def one(x: mpf) -> mpf:
    """No weight."""
    return mpf(1)


def _log_tail(z: mpf) -> mpf:
    """(log((1 + s) / (1 - s)) - 2*s) / (s * z) for z = s*s."""
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) - 2 * s) / (s * z)


def both(
    target: Real, weight: Real, low: mpf, high: mpf, terms32: int, terms64: int
) -> tuple[Fit, Fit]:
    """The same fit for both dtypes, but for the number of coefficients."""
    return Fit(target, weight, low, high, terms32), Fit(target, weight, low, high, terms64)


def odd(function: Real, low: mpf, high: mpf, terms32: int, terms64: int) -> tuple[Fit, Fit]:
    """function(x) = x + x*z*p(z), z = x*x; relative errors."""

    def target(z: mpf) -> mpf:
        return (function(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z

    def weight(z: mpf) -> mpf:
        return z * mpmath.sqrt(z) / function(mpmath.sqrt(z))

    return both(target, weight, low, high, terms32, terms64)


def erf_tail(high: float, terms: int) -> Fit:
    """erfc(x) = exp(p(x)) for x in [1, high]; errors of erfc."""
    return Fit(lambda x: mpmath.log(mpmath.erfc(x)), mpmath.erfc, mpf(1), mpf(high), terms)


def erfc_scaled(k: float, farthest: float, terms: int) -> Fit:
    """exp(x*x)*erfc(x)*(x + k) = p(q), q = 1 - 2*k/(x + k); relative errors."""

    def target(q: mpf) -> mpf:
        x = 2 * k / (1 - q) - k
        return mpmath.exp(x * x) * mpmath.erfc(x) * (x + k)

    high = 1 - 2 * mpf(k) / (mpf(farthest) + k)
    return Fit(target, lambda q: 1 / target(q), mpf(-1), high, terms)


def erfinv_share(w: mpf) -> mpf:
    """erfinv(x)/x for w = -log(1 - x*x)."""
    if w == 0:
        return mpmath.sqrt(mpmath.pi) / 2
    x = mpmath.sqrt(-mpmath.expm1(-w))
    y = mpmath.sqrt(w)  # near the root of log(erfc(y)) = log(1 - x), which Newton finds
    less = mpmath.exp(-w) / (1 + x)
    for _ in range(200):
        step = mpmath.log(mpmath.erfc(y) / less) * mpmath.erfc(y) * mpmath.exp(y * y)
        y += step * mpmath.sqrt(mpmath.pi) / 2
        if abs(step) < mpf(10) ** -45:
            break
    return y / x


def erfinv_near(terms: int) -> Fit:
    """erfinv(x)/x = p(w - 2.5) for w = -log(1 - x*x) <= 5.0625; relative errors."""
    target = lambda t: erfinv_share(t + mpf(2.5))
    return Fit(target, lambda t: 1 / target(t), mpf(-2.5), mpf(2.5625), terms)


def erfinv_far(low: float, high: float, terms32: int, terms64: int) -> tuple[Fit, Fit]:
    """erfinv(x)/x = p(s - (low + high)/2) for s = sqrt(w) in [low, high]; relative errors."""
    half = mpf(high - low) / 2
    target = lambda t: erfinv_share((t + low + half) ** 2)
    return both(target, lambda t: 1 / target(t), -half, half, terms32, terms64)


def log_tail(z: mpf) -> mpf:
    """(log((1 + s) / (1 - s)) - 2*s) / (s*z) for z = s*s."""
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) - 2 * s) / (s * z)


LN2 = mpmath.log(2)
SMALL = mpf("1e-18")  # stands for 0 where a formula is 0/0
WIDER = mpf("1.001")  # arguments are reduced with rounding errors
EXP_EDGE = LN2 / 2 * WIDER
LOG_EDGE = (3 - mpmath.sqrt(8)) ** 2 * WIDER  # s = (sqrt(2) - 1) / (sqrt(2) + 1) = 3 - sqrt(8)
QUARTER_TURN = (mpmath.pi / 4) ** 2 * WIDER

FITS: dict[str, tuple[Fit, Fit]] = {
    # exp(r) = 1 + r + r*r*p(r)
    "EXP": both(
        lambda r: (mpmath.expm1(r) - r) / (r * r),
        lambda r: r * r / mpmath.exp(r),
        -EXP_EDGE, EXP_EDGE * WIDER, 5, 10,
    ),
    # exp2(r) = 1 + r*p(r)
    "EXP2": both(
        lambda r: mpmath.expm1(r * LN2) / r,
        lambda r: r / mpf(2) ** r,
        mpf(-0.5), WIDER / 2, 6, 11,
    ),
    # log((1 + s) / (1 - s)) = 2*s + s*z*p(z), z = s*s
    "LOG": both(log_tail, lambda z: z / 2, SMALL, LOG_EDGE, 3, 7),
    # the same = 2*s + s*z*(2/3 + z*p(z))
    "POWER": both(
        lambda z: (log_tail(z) - mpf(2) / 3) / z, lambda z: z * z / 2, SMALL, LOG_EDGE, 3, 7,
    ),
    "SINE": odd(mpmath.sin, SMALL, QUARTER_TURN, 3, 6),
    # cos(r) = 1 - z/2 + z*z*p(z), z = r*r
    "COSINE": both(
        lambda z: (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2,
        lambda z: z**2 / mpmath.cos(mpmath.sqrt(z)),
        SMALL, QUARTER_TURN, 3, 6,
    ),
    "TANGENT": odd(mpmath.tan, SMALL, QUARTER_TURN, 7, 14),
    "ARCSINE": odd(mpmath.asin, SMALL, mpf(0.25), 5, 13),
    "ARCTANGENT": odd(mpmath.atan, SMALL, mpf(1), 9, 20),
    # erf(x) = x + x*p(x*x) for x <= 1
    "ERF": both(
        lambda z: mpmath.erf(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1,
        lambda z: mpmath.sqrt(z) / mpmath.erf(mpmath.sqrt(z)),
        SMALL, mpf(1), 7, 13,
    ),
    "ERF_TAIL": (erf_tail(4, 7), erf_tail(6, 18)),
    "ERFC": (erfc_scaled(2, 10.2, 11), erfc_scaled(4, 27.5, 24)),
    "ERFINV_NEAR": (erfinv_near(9), erfinv_near(23)),
    "ERFINV_MIDDLE": erfinv_far(2.25, 4.0, 9, 23),
    "ERFINV_FAR": erfinv_far(4.0, 6.25, 7, 20),
}  # fmt: skip


def literal(value: float, dtype: str) -> str:
    """The shortest decimal that is `value` in its dtype."""
    return str(np.dtype(dtype).type(value))


def table(name: str) -> str:
    """A polynomial as its lines in coefficients.py."""
    lines = [f"{name} = Table("]
    for fit, dtype in zip(FITS[name], DTYPES, strict=True):
        found, error = coefficients(fit, dtype)
        words = [f"        {literal(c, dtype)}," for c in found]
        lines += [f"    {dtype}=(  # 2**{np.log2(error):.1f}", *words, "    ),"]
    return "\n".join([*lines, ")"])


def main(names: list[str]) -> None:
    """Print the polynomials asked for."""
    for name in names or FITS:
        print(table(name), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
