"""Elementary functions: exponentials, logarithms, roots, trigonometry, the error function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symgraph.dtype_rules import floating, real_floating
from symgraph.families import Elemwise
from symgraph.later import LaterFunctions

scipy_special = LaterFunctions("scipy.special")
__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sigmoid",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "tan",
    "tanh",
]

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
LN2, LN10 = math.log(2), math.log(10)


class _Function(Elemwise):
    """A function of real or complex numbers; integers become floats."""

    dtypes = floating


class _RealFunction(Elemwise):
    """A function of real numbers; integers become floats."""

    dtypes = real_floating


class Exp(_Function):
    """e to the power x, elementwise.

    >>> exp(0.0).eval()
    array(1.)
    """

    code, reference = "exp", staticmethod(np.exp)
    partials = (lambda z, x: z,)


class Exp2(_Function):
    """2 to the power x, elementwise."""

    code, reference = "exp2", staticmethod(np.exp2)
    partials = (lambda z, x: z * LN2,)


class Expm1(_Function):
    """exp(x) - 1 without cancellation near 0, elementwise."""

    code, reference = "expm1", staticmethod(np.expm1)
    partials = (lambda z, x: z + 1,)


class Log(_Function):
    """Natural logarithm, elementwise; -inf at 0, NaN below.

    >>> log(1.0).eval()
    array(0.)
    """

    code, reference = "log", staticmethod(np.log)
    partials = (lambda z, x: 1 / x,)
    domains = ("positive",)


class Log2(_Function):
    """Logarithm to base 2, elementwise."""

    code, reference = "log2", staticmethod(np.log2)
    partials = (lambda z, x: 1 / (x * LN2),)
    domains = ("positive",)


class Log10(_Function):
    """Logarithm to base 10, elementwise."""

    code, reference = "log10", staticmethod(np.log10)
    partials = (lambda z, x: 1 / (x * LN10),)
    domains = ("positive",)


class Log1p(_Function):
    """log(1 + x) without cancellation near 0, elementwise."""

    code, reference = "log1p", staticmethod(np.log1p)
    partials = (lambda z, x: 1 / (1 + x),)
    domains = ("unit",)


class Sqrt(_Function):
    """Square root, elementwise; NaN below 0."""

    code, reference = "sqrt", staticmethod(np.sqrt)
    partials = (lambda z, x: 0.5 / z,)
    domains = ("positive",)


class Sin(_Function):
    """Sine of x radians, elementwise."""

    code, reference = "sin", staticmethod(np.sin)
    partials = (lambda z, x: cos(x),)


class Cos(_Function):
    """Cosine of x radians, elementwise."""

    code, reference = "cos", staticmethod(np.cos)
    partials = (lambda z, x: -sin(x),)


class Tan(_Function):
    """Tangent of x radians, elementwise."""

    code, reference = "tan", staticmethod(np.tan)
    partials = (lambda z, x: 1 + z * z,)
    domains = ("unit",)


class Arcsin(_Function):
    """Inverse sine in [-pi/2, pi/2], elementwise; NaN outside [-1, 1]."""

    code, reference = "arcsin", staticmethod(np.arcsin)
    partials = (lambda z, x: 1 / sqrt(1 - x * x),)
    domains = ("unit",)


class Arccos(_Function):
    """Inverse cosine in [0, pi], elementwise; NaN outside [-1, 1]."""

    code, reference = "arccos", staticmethod(np.arccos)
    partials = (lambda z, x: -1 / sqrt(1 - x * x),)
    domains = ("unit",)


class Arctan(_Function):
    """Inverse tangent in (-pi/2, pi/2), elementwise."""

    code, reference = "arctan", staticmethod(np.arctan)
    partials = (lambda z, x: 1 / (1 + x * x),)


class Arctan2(_RealFunction):
    """Angle of the point (y, x) in (-pi, pi], elementwise: `arctan2(y, x)`.

    >>> arctan2(0.0, 1.0).eval()
    array(0.)
    """

    nin, code, reference = 2, "arctan2", staticmethod(np.arctan2)
    partials = (lambda z, y, x: x / (x * x + y * y), lambda z, y, x: -y / (x * x + y * y))
    domains = ("nonzero",)


class Sinh(_Function):
    """Hyperbolic sine, elementwise."""

    code, reference = "sinh", staticmethod(np.sinh)
    partials = (lambda z, x: cosh(x),)


class Cosh(_Function):
    """Hyperbolic cosine, elementwise."""

    code, reference = "cosh", staticmethod(np.cosh)
    partials = (lambda z, x: sinh(x),)


class Tanh(_Function):
    """Hyperbolic tangent, elementwise.

    >>> tanh(0.0).eval()
    array(0.)
    """

    code, reference = "tanh", staticmethod(np.tanh)
    partials = (lambda z, x: 1 - z * z,)


class Arcsinh(_Function):
    """Inverse hyperbolic sine, elementwise."""

    code, reference = "arcsinh", staticmethod(np.arcsinh)
    partials = (lambda z, x: 1 / sqrt(x * x + 1),)


class Arccosh(_Function):
    """Inverse hyperbolic cosine, elementwise; NaN below 1."""

    code, reference = "arccosh", staticmethod(np.arccosh)
    partials = (lambda z, x: 1 / sqrt(x * x - 1),)
    domains = ("above1",)


class Arctanh(_Function):
    """Inverse hyperbolic tangent, elementwise; NaN outside [-1, 1]."""

    code, reference = "arctanh", staticmethod(np.arctanh)
    partials = (lambda z, x: 1 / (1 - x * x),)
    domains = ("unit",)


class Sigmoid(_RealFunction):
    """Logistic function 1 / (1 + exp(-x)), elementwise.

    >>> sigmoid(0.0).eval()
    array(0.5)
    """

    code, reference = "sigmoid", staticmethod(scipy_special.expit)
    partials = (lambda z, x: z * (1 - z),)


class Softplus(_RealFunction):
    """log(1 + exp(x)), elementwise, without overflow."""

    code = "softplus"
    partials = (lambda z, x: sigmoid(x),)

    @staticmethod
    def reference(x: Any) -> Any:
        """log(exp(0) + exp(x))."""
        return np.logaddexp(x.dtype.type(0), x)


class Erf(_RealFunction):
    """Error function 2/sqrt(pi) * integral of exp(-t*t) from 0 to x, elementwise."""

    code, reference = "erf", staticmethod(scipy_special.erf)
    partials = (lambda z, x: TWO_OVER_ROOT_PI * exp(-x * x),)


class Erfc(_RealFunction):
    """1 - erf(x), elementwise, without cancellation."""

    code, reference = "erfc", staticmethod(scipy_special.erfc)
    partials = (lambda z, x: -TWO_OVER_ROOT_PI * exp(-x * x),)


exp: Elemwise = Exp()
exp2: Elemwise = Exp2()
expm1: Elemwise = Expm1()
log: Elemwise = Log()
log2: Elemwise = Log2()
log10: Elemwise = Log10()
log1p: Elemwise = Log1p()
sqrt: Elemwise = Sqrt()
sin: Elemwise = Sin()
cos: Elemwise = Cos()
tan: Elemwise = Tan()
arcsin: Elemwise = Arcsin()
arccos: Elemwise = Arccos()
arctan: Elemwise = Arctan()
arctan2: Elemwise = Arctan2()
sinh: Elemwise = Sinh()
cosh: Elemwise = Cosh()
tanh: Elemwise = Tanh()
arcsinh: Elemwise = Arcsinh()
arccosh: Elemwise = Arccosh()
arctanh: Elemwise = Arctanh()
sigmoid: Elemwise = Sigmoid()
softplus: Elemwise = Softplus()
erf: Elemwise = Erf()
erfc: Elemwise = Erfc()
