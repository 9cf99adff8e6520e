"""Arithmetic: sums, products, powers, extrema, signs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symgraph.config import config
from symgraph.dtype_rules import ordered, same
from symgraph.errors import GraphTypeError
from symgraph.families import Elemwise
from symgraph.graph import Constant
from symgraph.kernel import BOOL, Expr, Lit, call
from symgraph.ops.cast import conjugate, parts, real_of
from symgraph.ops.compare import eq, ge, gt, le, lt, neq
from symgraph.ops.elementary import exp2, log
from symgraph.ops.select import switch
from symgraph.types import CONTINUOUS, DISCRETE, Tensor, Tensors, as_tensor_variable, promote

__all__ = [
    "abs_",
    "add",
    "ceil_intdiv",
    "clip",
    "deg2rad",
    "divmod",
    "floor_div",
    "int_div",
    "inv",
    "ldexp",
    "maximum",
    "minimum",
    "mod",
    "mul",
    "neg",
    "pow",
    "power",
    "rad2deg",
    "reciprocal",
    "second",
    "sgn",
    "sign",
    "sqr",
    "square",
    "sub",
    "true_div",
]


def counting(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `same`, booleans counting as int8."""
    common = promote(*dtypes, "int8") if promote(*dtypes) == "bool" else promote(*dtypes)
    return (common,) * len(dtypes), common


def dividing_down(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `counting`, without complex numbers."""
    return counting(*ordered(*dtypes)[0])


def signed(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `same`, without bool: NumPy has no negative or difference of booleans."""
    if promote(*dtypes) == "bool":
        raise GraphTypeError(
            "bool has no difference or negative; use T.xor or T.invert, or cast it"
        )
    return same(*dtypes)


class _Folded(Elemwise):
    """Ops of two operands that take any number from one on, and apply themselves from the left."""

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Of two operands a new node; of more, as many nodes as it takes; of one, it alone."""
        if len(inputs) == 2 or not inputs:
            return super().__call__(*inputs, **options)
        result = as_tensor_variable(inputs[0])
        for operand in inputs[1:]:
            result = super().__call__(result, operand, **options)
        return result


class Add(_Folded):
    """Sum, elementwise, of any number of operands; of booleans, their `or`.

    >>> add(2.0, 3.0).eval()
    array(5.)
    """

    nin, code = 2, "add"
    reference = staticmethod(np.add)
    partials = (lambda z, x, y: 1, lambda z, x, y: 1)
    commutative, associative, unit = True, True, 0

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """x + y, or x | y of booleans."""
        return call("or" if x.dtype == BOOL else "add", x, y)


class Sub(Elemwise):
    """Difference, elementwise."""

    nin, code, dtypes = 2, "sub", signed
    reference = staticmethod(np.subtract)
    partials = (lambda z, x, y: 1, lambda z, x, y: -1)
    unit = 0


class Mul(_Folded):
    """Product, elementwise, of any number of operands; of booleans, their `and`.

    >>> mul(2.0, 3.0).eval()
    array(6.)
    """

    nin, code = 2, "mul"
    reference = staticmethod(np.multiply)
    partials = (lambda z, x, y: y, lambda z, x, y: x)
    commutative, associative, unit = True, True, 1

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """x * y, or x & y of booleans."""
        return call("and" if x.dtype == BOOL else "mul", x, y)


def dividing(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """Dtype rule of true division: integers are divided as `config.floatX`."""
    common = promote(*dtypes)
    result = common if common in CONTINUOUS else str(config.floatX)
    return (result,) * len(dtypes), result


class TrueDiv(Elemwise):
    """Quotient, elementwise; integers are divided as `config.floatX`.

    >>> true_div(1.0, 4.0).eval()
    array(0.25)
    """

    nin, code, dtypes = 2, "div", dividing
    reference = staticmethod(np.true_divide)
    partials = (lambda z, x, y: 1 / y, lambda z, x, y: -z / y)
    domains = ("real", "nonzero")
    unit = 1


class IntDiv(Elemwise):
    """Quotient rounded towards minus infinity, elementwise; of integers by 0, 0 as in NumPy.

    >>> int_div(-7, 2).eval()
    array(-4)
    """

    nin, code, dtypes = 2, "floordiv", dividing_down
    reference = staticmethod(np.floor_divide)
    partials = (lambda z, x, y: 0, lambda z, x, y: 0)
    domains = ("real", "nonzero")


class Mod(Elemwise):
    """Remainder with the sign of the divisor, elementwise; of integers by 0, 0 as in NumPy.

    >>> mod(-7, 3).eval()
    array(2)
    """

    nin, code, dtypes = 2, "mod", dividing_down
    reference = staticmethod(np.mod)
    partials = (lambda z, x, y: 1, lambda z, x, y: -int_div(x, y))
    domains = ("real", "nonzero")


def _slope_of_base(z: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """y x**(y - 1), and 0 for the power 0 even where x is 0."""
    slope = mul(y, pow(x, sub(y, 1)))
    if isinstance(y, Constant) and y.data.all():
        return slope
    return switch(eq(y, 0), 0, slope)


def _slope_of_exponent(z: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """x**y log(x), and 0 where x is 0."""
    zero = eq(x, 0)
    return switch(zero, 0, mul(z, log(switch(zero, 1, x))))


class Pow(Elemwise):
    """x to the power y, elementwise.

    Of integers an integer: a negative power is the quotient rounded towards 0. A negative
    constant as the power of integers is an error.

    >>> pow(2.0, 3.0).eval()
    array(8.)
    """

    nin, code, dtypes = 2, "pow", counting
    partials = (_slope_of_base, _slope_of_exponent)
    domains = ("positive", "real")
    unit = 1
    negative_of_integers = False  # whether they may be constants

    def prepare(self, *inputs: Any) -> Tensors:
        """The operands; integers have no constant negative powers."""
        x, y = super().prepare(*inputs)
        whole = {x.type.dtype, y.type.dtype} <= set(DISCRETE)
        refused = whole and not self.negative_of_integers
        if refused and isinstance(y, Constant) and (y.data < 0).any():
            raise GraphTypeError(
                f"{x} holds integers ({x.type.dtype}), whose power {y} is no integer; cast it to a"
                " float, or use T.reciprocal"
            )
        return [x, y]

    @staticmethod
    def reference(x: Any, y: Any) -> Any:
        """NumPy's power; it has none of integers to negative ones."""
        if x.dtype.kind not in "iu":
            return np.power(x, y)
        quotient = np.where(x * x == 1, np.where(y % 2 == 1, x, 1), 0)
        return np.where(y < 0, quotient, np.power(x, np.maximum(y, 0)))


class Neg(Elemwise):
    """-x, elementwise."""

    code, dtypes = "neg", signed
    reference = staticmethod(np.negative)
    partials = (lambda z, x: -1,)


class Abs(Elemwise):
    """Absolute value, elementwise; of complex numbers their (real) modulus.

    >>> abs_([-1.5, 2.0]).eval()
    array([1.5, 2. ])
    """

    code, dtypes = "abs", parts
    reference = staticmethod(np.abs)
    partials = (lambda z, x: _direction(z, x),)
    idempotent = True

    def scalar(self, x: Expr) -> Expr:
        """|x|, real."""
        return x if x.dtype == BOOL or x.dtype[0] == "u" else call("abs", x, dtype=real_of(x.dtype))


def _direction(z: Tensor, x: Tensor) -> Tensor:
    """The slope of |x| = z: the sign of x, of complex numbers conj(x) / |x|; 0 at 0."""
    if x.type.dtype in CONTINUOUS and z.type.dtype == x.type.dtype:
        return sgn(x)
    return true_div(conjugate(x), switch(eq(z, 0), 1, z))


def signs(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `signed`, without complex numbers."""
    return signed(*ordered(*dtypes)[0])


class Sgn(Elemwise):
    """Sign: -1, 0 or 1, elementwise; NaN of NaN. Its gradient is 0.

    >>> sgn([-2.0, 0.0, 3.0]).eval()
    array([-1.,  0.,  1.])
    """

    code, dtypes = "sign", signs
    reference = staticmethod(np.sign)
    partials = (lambda z, x: 0,)
    idempotent = True


class Sqr(Elemwise):
    """x * x, elementwise.

    >>> sqr(3.0).eval()
    array(9.)
    """

    reference = staticmethod(np.square)
    partials = (lambda z, x: 2 * x,)

    def scalar(self, x: Expr) -> Expr:
        """x * x."""
        return x if x.dtype == BOOL else call("mul", x, x)


class Reciprocal(Elemwise):
    """1 / x, elementwise; integers become `config.floatX`."""

    dtypes = dividing
    partials = (lambda z, x: -z * z,)
    domains = ("nonzero",)

    @staticmethod
    def reference(x: Any) -> Any:
        """1 / x."""
        return 1 / x

    def scalar(self, x: Expr) -> Expr:
        """1 / x."""
        return call("div", Lit(1, x.dtype), x)


class Maximum(Elemwise):
    """The larger of two, elementwise; NaN if either is. At a tie the first gets the gradient.

    >>> maximum([1.0, 5.0], 3.0).eval()
    array([3., 5.])
    """

    nin, code, dtypes = 2, "maximum", ordered
    reference = staticmethod(np.maximum)
    partials = (lambda z, x, y: ge(x, y), lambda z, x, y: lt(x, y))
    commutative, associative, idempotent = True, True, True

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """The larger, or x | y of booleans."""
        return call("or" if x.dtype == BOOL else "maximum", x, y)


class Minimum(Elemwise):
    """The smaller of two, elementwise; NaN if either is. At a tie the first gets the gradient."""

    nin, code, dtypes = 2, "minimum", ordered
    reference = staticmethod(np.minimum)
    partials = (lambda z, x, y: le(x, y), lambda z, x, y: gt(x, y))
    commutative, associative, idempotent = True, True, True

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """The smaller, or x & y of booleans."""
        return call("and" if x.dtype == BOOL else "minimum", x, y)


class Second(Elemwise):
    """The second of two, in the shape both broadcast to."""

    nin = 2
    partials = (None, lambda z, x, y: 1)

    def operand_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Operands keep their dtypes."""
        return dtypes

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The second's."""
        return (dtypes[1],)

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """y."""
        return y

    @staticmethod
    def reference(x: Any, y: Any) -> Any:
        """y, broadcast."""
        return np.broadcast_arrays(x, y)[1]


add: Elemwise = Add()
sub: Elemwise = Sub()
mul: Elemwise = Mul()
true_div: Elemwise = TrueDiv()
int_div: Elemwise = IntDiv()
mod: Elemwise = Mod()
pow: Elemwise = Pow()
neg: Elemwise = Neg()
abs_: Elemwise = Abs()
sgn: Elemwise = Sgn()
sqr: Elemwise = Sqr()
reciprocal: Elemwise = Reciprocal()
maximum: Elemwise = Maximum()
minimum: Elemwise = Minimum()
second: Elemwise = Second()
power, floor_div, inv, square, sign = pow, int_div, reciprocal, sqr, sgn


def clip(x: Any, min: Any, max: Any) -> Tensor:
    """x, but not below `min` nor above `max`; NaN stays. At a bound the gradient flows to x.

    >>> clip([-1.0, 0.5, 2.0], 0, 1).eval()
    array([0. , 0.5, 1. ])
    """
    return minimum(maximum(x, min), max)


def divmod(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Quotient rounded down, and remainder."""
    return int_div(x, y), mod(x, y)


def ceil_intdiv(x: Any, y: Any) -> Tensor:
    """Quotient of integers rounded up, of unsigned ones and of the smallest one too."""
    return add(int_div(x, y), neq(mod(x, y), 0))


def ldexp(x: Any, n: Any) -> Tensor:
    """x times 2 to the whole power n, elementwise, right also where 2**n overflows.

    >>> ldexp(3.0, 2).eval()
    array(12.)
    """
    n = as_tensor_variable(n)
    half = int_div(n, 2)
    return mul(mul(x, exp2(half)), exp2(sub(n, half)))


def deg2rad(x: Any) -> Tensor:
    """Degrees to radians."""
    return mul(x, math.pi / 180)


def rad2deg(x: Any) -> Tensor:
    """Radians to degrees."""
    return mul(x, 180 / math.pi)
