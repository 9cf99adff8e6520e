"""Bessel functions: SciPy's scalar functions, called from kernels and computed in float64.

Derivatives by the argument are differences of neighbouring orders (Abramowitz and Stegun, 9.1.27
and 9.6.26); those by the order have no closed form.
"""

from __future__ import annotations

from typing import Any

from symgraph.families import Elemwise
from symgraph.later import LaterFunctions
from symgraph.ops.arith import sgn
from symgraph.ops.special import BY_PARAMETER, _External
from symgraph.types import Tensor

scipy_special = LaterFunctions("scipy.special")
__all__ = ["i0", "i1", "iv", "ive", "j0", "j1", "jv", "k0", "k1", "kn", "kv", "kve", "yv"]


class J0(_External):
    """Bessel function of the first kind of order 0, elementwise.

    >>> j0(0.0).eval()
    array(1.)
    """

    code, reference = "j0", staticmethod(scipy_special.j0)
    partials = (lambda z, x: -j1(x),)


class J1(_External):
    """Bessel function of the first kind of order 1, elementwise."""

    code, reference = "j1", staticmethod(scipy_special.j1)
    partials = (lambda z, x: (j0(x) - jv(2, x)) / 2,)


class Jv(_External):
    """Bessel function of the first kind of real order v, elementwise: `jv(v, x)`."""

    nin, code, reference = 2, "jv", staticmethod(scipy_special.jv)
    partials = (BY_PARAMETER, lambda z, v, x: (jv(v - 1, x) - jv(v + 1, x)) / 2)
    domains = ("positive",)


class Yv(_External):
    """Bessel function of the second kind of real order v, elementwise: `yv(v, x)`."""

    nin, code, reference = 2, "yv", staticmethod(scipy_special.yv)
    partials = (BY_PARAMETER, lambda z, v, x: (yv(v - 1, x) - yv(v + 1, x)) / 2)
    domains = ("positive",)


class I0(_External):
    """Modified Bessel function of the first kind of order 0, elementwise."""

    code, reference = "i0", staticmethod(scipy_special.i0)
    partials = (lambda z, x: i1(x),)


class I1(_External):
    """Modified Bessel function of the first kind of order 1, elementwise."""

    code, reference = "i1", staticmethod(scipy_special.i1)
    partials = (lambda z, x: (i0(x) + iv(2, x)) / 2,)


class Iv(_External):
    """Modified Bessel function of the first kind of real order v, elementwise: `iv(v, x)`."""

    nin, code, reference = 2, "iv", staticmethod(scipy_special.iv)
    partials = (BY_PARAMETER, lambda z, v, x: (iv(v - 1, x) + iv(v + 1, x)) / 2)
    domains = ("positive",)


class Ive(_External):
    """exp(-|x|) iv(v, x), elementwise, without overflow."""

    nin, code, reference = 2, "ive", staticmethod(scipy_special.ive)
    partials = (
        BY_PARAMETER,
        lambda z, v, x: (ive(v - 1, x) + ive(v + 1, x)) / 2 - sgn(x) * z,
    )
    domains = ("positive",)


class Kv(_External):
    """Modified Bessel function of the second kind of real order v, elementwise: `kv(v, x)`."""

    nin, code, reference = 2, "kv", staticmethod(scipy_special.kv)
    partials = (BY_PARAMETER, lambda z, v, x: -(kv(v - 1, x) + kv(v + 1, x)) / 2)
    domains = ("positive",)


class Kve(_External):
    """exp(x) kv(v, x), elementwise, without underflow."""

    nin, code, reference = 2, "kve", staticmethod(scipy_special.kve)
    partials = (BY_PARAMETER, lambda z, v, x: z - (kve(v - 1, x) + kve(v + 1, x)) / 2)
    domains = ("positive",)


j0: Elemwise = J0()
j1: Elemwise = J1()
jv: Elemwise = Jv()
yv: Elemwise = Yv()
i0: Elemwise = I0()
i1: Elemwise = I1()
iv: Elemwise = Iv()
ive: Elemwise = Ive()
kv: Elemwise = Kv()
kve: Elemwise = Kve()
kn = kv


def k0(x: Any) -> Tensor:
    """Modified Bessel function of the second kind of order 0, elementwise."""
    return kv(0, x)


def k1(x: Any) -> Tensor:
    """Modified Bessel function of the second kind of order 1, elementwise."""
    return kv(1, x)
