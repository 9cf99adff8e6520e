"""Special functions: of probability and errors, the gamma and beta functions.

Those marked `_External` are SciPy's scalar functions, called from kernels and computed in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symgraph.dtype_rules import real_floating
from symgraph.families import Elemwise, NoDerivative
from symgraph.kernel import Expr, call, cast
from symgraph.later import LaterFunctions
from symgraph.ops.arith import add, mul, neg, true_div
from symgraph.ops.cast import cast as cast_to
from symgraph.ops.compare import eq
from symgraph.ops.elementary import erf, erfc, exp
from symgraph.ops.logarithms import xlog1py, xlogy
from symgraph.ops.select import switch
from symgraph.types import DISCRETE, Tensor, as_tensor_variable, check_dtype

scipy_special = LaterFunctions("scipy.special")
__all__ = [
    "beta",
    "betainc",
    "betaincinv",
    "betaln",
    "chi2sf",
    "digamma",
    "erfcinv",
    "erfcx",
    "erfinv",
    "factorial",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammainccinv",
    "gammaincinv",
    "gammal",
    "gammaln",
    "gammau",
    "hyp2f1",
    "log_ndtr",
    "ndtr",
    "ndtri",
    "ndtri_exp",
    "owens_t",
    "poch",
    "polygamma",
    "psi",
    "tri_gamma",
    "zeta",
]

ROOT_PI, ROOT_2PI = math.sqrt(math.pi), math.sqrt(2 * math.pi)


class _External(Elemwise):
    """A real function that another library computes, in float64."""

    dtypes = real_floating

    def scalar(self, *operands: Expr) -> Expr:
        """The call, between casts to float64 and back."""
        wide = (cast(x, "float64") for x in operands)
        return cast(call(self.code, *wide), operands[0].dtype)


BY_PARAMETER = NoDerivative("the derivative by this parameter has no closed form")


# --- errors and the normal distribution ----------------------------------------------------


class Erfcx(_External):
    """exp(x*x) erfc(x), elementwise: what is left of `erfc` without its decay."""

    code, reference = "erfcx", staticmethod(scipy_special.erfcx)
    partials = (lambda z, x: 2 * x * z - 2 / ROOT_PI,)


class Erfinv(Elemwise):
    """Inverse of `erf`, elementwise; infinite at -1 and 1, NaN outside.

    >>> erfinv(0.5).eval()
    array(0.47693628)
    """

    dtypes, code, reference = real_floating, "erfinv", staticmethod(scipy_special.erfinv)
    partials = (lambda z, x: ROOT_PI / 2 * exp(z * z),)
    domains = ("unit",)


class Erfcinv(_External):
    """Inverse of `erfc`, elementwise; infinite at 0 and 2, NaN outside."""

    code, reference = "erfcinv", staticmethod(scipy_special.erfcinv)
    partials = (lambda z, x: -ROOT_PI / 2 * exp(z * z),)
    domains = ("probability",)


class LogNdtr(_External):
    """Logarithm of the normal distribution function, elementwise, right far below 0."""

    code, reference = "log_ndtr", staticmethod(scipy_special.log_ndtr)
    partials = (lambda z, x: exp(-0.5 * x * x - z) / ROOT_2PI,)


class Ndtri(_External):
    """Inverse of `ndtr`, elementwise; infinite at 0 and 1, NaN outside."""

    code, reference = "ndtri", staticmethod(scipy_special.ndtri)
    partials = (lambda z, x: ROOT_2PI * exp(0.5 * z * z),)
    domains = ("probability",)


class NdtriExp(_External):
    """Inverse of `log_ndtr`, elementwise: ndtri(exp(x)) without underflow."""

    code, reference = "ndtri_exp", staticmethod(scipy_special.ndtri_exp)
    partials = (lambda z, x: ROOT_2PI * exp(x + 0.5 * z * z),)
    domains = ("negative",)


class OwensT(_External):
    """Owen's T function of h and a, elementwise (D. B. Owen, Ann. Math. Statist. 27, 1956)."""

    nin, code, reference = 2, "owens_t", staticmethod(scipy_special.owens_t)
    partials = (
        lambda z, h, a: -exp(-0.5 * h * h) * erf(a * h / math.sqrt(2)) / (2 * ROOT_2PI),
        lambda z, h, a: exp(-0.5 * h * h * (1 + a * a)) / (2 * math.pi * (1 + a * a)),
    )


# --- gamma ---------------------------------------------------------------------------------


class Gamma(_External):
    """Gamma function, elementwise; (n - 1)! for whole n.

    >>> gamma(5.0).eval()
    array(24.)
    """

    code, reference = "gamma", staticmethod(scipy_special.gamma)
    partials = (lambda z, x: z * psi(x),)
    domains = ("positive",)


class GammaLn(_External):
    """log |gamma(x)|, elementwise, without overflow.

    >>> gammaln(5.0).eval()
    array(3.17805383)
    """

    code, reference = "gammaln", staticmethod(scipy_special.gammaln)
    partials = (lambda z, x: psi(x),)
    domains = ("positive",)


class Psi(_External):
    """Digamma: the derivative of `gammaln`, elementwise."""

    code, reference = "psi", staticmethod(scipy_special.psi)
    partials = (lambda z, x: tri_gamma(x),)
    domains = ("positive",)


class TriGamma(Elemwise):
    """The derivative of `psi`, elementwise."""

    dtypes, code = real_floating, "trigamma"
    partials = (lambda z, x: polygamma(2, x),)
    domains = ("positive",)

    @staticmethod
    def reference(x: Any) -> Any:
        """SciPy's polygamma of order 1."""
        return scipy_special.polygamma(1, x)


class Zeta(Elemwise):
    """Hurwitz's zeta function: the sum of (q + k)**-s over k = 0, 1, ..., elementwise.

    For s > 1 and q > 0; infinite at s = 1 and at q = 0, NaN for other values.

    >>> zeta(2.0, 1.0).eval()
    array(1.64493407)
    """

    nin, dtypes, code = 2, real_floating, "zeta"
    partials = (BY_PARAMETER, lambda z, s, q: -s * zeta(s + 1, q))
    domains = ("above1", "positive")

    @staticmethod
    def reference(s: Any, q: Any) -> Any:
        """SciPy's zeta, where it is defined for all s."""
        return np.where(q < 0, np.nan, scipy_special.zeta(s, q))


class Poch(_External):
    """Rising factorial gamma(x + m) / gamma(x), elementwise."""

    nin, code, reference = 2, "poch", staticmethod(scipy_special.poch)
    partials = (
        lambda z, x, m: z * (psi(x + m) - psi(x)),
        lambda z, x, m: z * psi(x + m),
    )
    domains = ("positive",)


def _gamma_density(k: Tensor, x: Tensor) -> Tensor:
    """exp(-x) x**(k - 1) / gamma(k)."""
    return exp(xlogy(k - 1, x) - x - gammaln(k))


class GammaInc(_External):
    """Lower incomplete gamma function of k > 0 and x >= 0, divided by gamma(k), elementwise."""

    nin, code, reference = 2, "gammainc", staticmethod(scipy_special.gammainc)
    partials = (BY_PARAMETER, lambda z, k, x: _gamma_density(k, x))
    domains = ("positive",)


class GammaIncC(_External):
    """1 - gammainc(k, x), elementwise, without cancellation."""

    nin, code, reference = 2, "gammaincc", staticmethod(scipy_special.gammaincc)
    partials = (BY_PARAMETER, lambda z, k, x: -_gamma_density(k, x))
    domains = ("positive",)


class GammaIncInv(_External):
    """The x with gammainc(k, x) = p, elementwise."""

    nin, code, reference = 2, "gammaincinv", staticmethod(scipy_special.gammaincinv)
    partials = (BY_PARAMETER, lambda z, k, p: 1 / _gamma_density(k, z))
    domains = ("positive", "probability")


class GammaIncCInv(_External):
    """The x with gammaincc(k, x) = p, elementwise."""

    nin, code, reference = 2, "gammainccinv", staticmethod(scipy_special.gammainccinv)
    partials = (BY_PARAMETER, lambda z, k, p: -1 / _gamma_density(k, z))
    domains = ("positive", "probability")


# --- beta ----------------------------------------------------------------------------------


class Beta(_External):
    """Beta function gamma(a) gamma(b) / gamma(a + b), elementwise."""

    nin, code, reference = 2, "beta", staticmethod(scipy_special.beta)
    partials = (
        lambda z, a, b: z * (psi(a) - psi(a + b)),
        lambda z, a, b: z * (psi(b) - psi(a + b)),
    )
    domains = ("positive",)
    commutative = True


class BetaLn(_External):
    """log |beta(a, b)|, elementwise, without overflow."""

    nin, code, reference = 2, "betaln", staticmethod(scipy_special.betaln)
    partials = (
        lambda z, a, b: psi(a) - psi(a + b),
        lambda z, a, b: psi(b) - psi(a + b),
    )
    domains = ("positive",)
    commutative = True


def _beta_density(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    """x**(a - 1) (1 - x)**(b - 1) / beta(a, b)."""
    return exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))


class BetaInc(_External):
    """Incomplete beta function of a, b > 0 at x in [0, 1], divided by beta(a, b), elementwise."""

    nin, code, reference = 3, "betainc", staticmethod(scipy_special.betainc)
    partials = (BY_PARAMETER, BY_PARAMETER, lambda z, a, b, x: _beta_density(a, b, x))
    domains = ("positive", "positive", "probability")


class BetaIncInv(_External):
    """The x with betainc(a, b, x) = p, elementwise."""

    nin, code, reference = 3, "betaincinv", staticmethod(scipy_special.betaincinv)
    partials = (BY_PARAMETER, BY_PARAMETER, lambda z, a, b, p: 1 / _beta_density(a, b, z))
    domains = ("positive", "positive", "probability")


class Hyp2F1(_External):
    """Gauss's hypergeometric function 2F1(a, b; c; x), elementwise."""

    nin, code, reference = 4, "hyp2f1", staticmethod(scipy_special.hyp2f1)
    partials = (
        *(BY_PARAMETER,) * 3,
        lambda z, a, b, c, x: a * b / c * hyp2f1(a + 1, b + 1, c + 1, x),
    )
    domains = ("positive", "positive", "above1", "small")


erfcx: Elemwise = Erfcx()
erfinv: Elemwise = Erfinv()
erfcinv: Elemwise = Erfcinv()
log_ndtr: Elemwise = LogNdtr()
ndtri: Elemwise = Ndtri()
ndtri_exp: Elemwise = NdtriExp()
owens_t: Elemwise = OwensT()
gamma: Elemwise = Gamma()
gammaln: Elemwise = GammaLn()
psi: Elemwise = Psi()
digamma = psi
tri_gamma: Elemwise = TriGamma()
zeta: Elemwise = Zeta()
poch: Elemwise = Poch()
gammainc: Elemwise = GammaInc()
gammaincc: Elemwise = GammaIncC()
gammaincinv: Elemwise = GammaIncInv()
gammainccinv: Elemwise = GammaIncCInv()
beta: Elemwise = Beta()
betaln: Elemwise = BetaLn()
betainc: Elemwise = BetaInc()
betaincinv: Elemwise = BetaIncInv()
hyp2f1: Elemwise = Hyp2F1()


def ndtr(x: Any) -> Tensor:
    """Distribution function of the normal distribution, elementwise.

    >>> ndtr(0.0).eval()
    array(0.5)
    """
    return mul(0.5, erfc(mul(neg(x), math.sqrt(0.5))))


def polygamma(n: Any, x: Any) -> Tensor:
    """The derivative of order `n` of `psi` at x > 0, elementwise (Abramowitz and Stegun, 6.4.10).

    `n` holds whole numbers. NaN for x < 0 if n is above 1.

    >>> polygamma(1, 1.0).eval()
    array(1.64493407)
    """
    if isinstance(n, int) and n in (0, 1):
        return psi(x) if n == 0 else tri_gamma(x)
    x = as_tensor_variable(x)
    kind = x.type.dtype if x.type.dtype not in DISCRETE else check_dtype("floatX")
    order = as_tensor_variable(n)
    size = mul(gamma(cast_to(add(order, 1), kind)), zeta(cast_to(add(order, 1), kind), x))
    odd = eq(order % 2, 1)
    known = switch(odd, size, neg(size))
    return known if isinstance(n, int) else switch(eq(order, 0), psi(x), known)


def factorial(n: Any) -> Tensor:
    """gamma(n + 1), elementwise: n! for whole n.

    >>> factorial(4.0).eval()
    array(24.)
    """
    return gamma(add(n, 1))


def gammau(k: Any, x: Any) -> Tensor:
    """Upper incomplete gamma function, elementwise."""
    return mul(gammaincc(k, x), gamma(k))


def gammal(k: Any, x: Any) -> Tensor:
    """Lower incomplete gamma function, elementwise."""
    return mul(gammainc(k, x), gamma(k))


def chi2sf(x: Any, k: Any) -> Tensor:
    """The chance that a chi-square variable of k degrees of freedom exceeds x, elementwise."""
    return gammaincc(true_div(k, 2.0), true_div(x, 2.0))
