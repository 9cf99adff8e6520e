"""Arithmetic: sums, products, powers, extrema, signs, rounding."""

from __future__ import annotations

import numpy as np

from symgraph.config import config
from symgraph.errors import GraphTypeError
from symgraph.families import Elemwise, same
from symgraph.kernel import BOOL, Expr, Lit, call, cast, compare
from symgraph.ops.cast import parts, real_of
from symgraph.ops.compare import eq, ge, gt, le, lt
from symgraph.ops.elementary import log
from symgraph.ops.select import switch
from symgraph.types import COMPLEX, CONTINUOUS, promote


def ordered(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `same`, without complex numbers: they have no order."""
    if promote(*dtypes) in COMPLEX:
        raise GraphTypeError("complex numbers have no order; compare their T.abs_")
    return same(*dtypes)


def counting(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `same`, booleans counting as int8."""
    common = promote(*dtypes, "int8") if promote(*dtypes) == "bool" else promote(*dtypes)
    return (common,) * len(dtypes), common


def signed(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `same`, without bool: NumPy has no negative or difference of booleans."""
    if promote(*dtypes) == "bool":
        raise GraphTypeError("bool has no difference or negative; use T.xor or T.invert, or cast it")
    return same(*dtypes)


class Add(Elemwise):
    """Sum, elementwise; of booleans, their `or`.

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


class Mul(Elemwise):
    """Product, elementwise; of booleans, their `and`.

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
    """Quotient rounded towards minus infinity, elementwise; of integers by 0, 0 as in NumPy."""

    nin, code, dtypes = 2, "floordiv", counting
    reference = staticmethod(np.floor_divide)
    partials = (lambda z, x, y: None, lambda z, x, y: None)
    domains = ("real", "nonzero")


class Mod(Elemwise):
    """Remainder with the sign of the divisor, elementwise; of integers by 0, 0 as in NumPy.

    >>> mod(-7, 3).eval()
    array(2)
    """

    nin, code, dtypes = 2, "mod", counting
    reference = staticmethod(np.mod)
    partials = (lambda z, x, y: 1, lambda z, x, y: -int_div(x, y))
    domains = ("real", "nonzero")


class Pow(Elemwise):
    """x to the power y, elementwise; of integers an integer.

    >>> pow(2.0, 3.0).eval()
    array(8.)
    """

    nin, code, dtypes = 2, "pow", counting
    reference = staticmethod(np.power)
    partials = (
        lambda z, x, y: y * pow(x, y - 1),
        lambda z, x, y: switch(eq(x, 0), 0, z * log(switch(eq(x, 0), 1, x))),
    )
    domains = ("positive", "real")
    unit = 1


class Neg(Elemwise):
    """-x, elementwise."""

    code, dtypes = "neg", signed
    reference = staticmethod(np.negative)
    partials = (lambda z, x: -1,)


class Abs(Elemwise):
    """Absolute value, elementwise; of complex numbers their (real) modulus."""

    code, dtypes = "abs", parts
    reference = staticmethod(np.abs)
    partials = (lambda z, x: x / switch(eq(z, 0), 1, z) if x.dtype in COMPLEX else sgn(x),)
    idempotent = True

    def scalar(self, x: Expr) -> Expr:
        """|x|, real."""
        return x if x.dtype == BOOL or x.dtype[0] == "u" else call("abs", x, dtype=real_of(x.dtype))


class Sgn(Elemwise):
    """Sign: -1, 0 or 1, elementwise; NaN of NaN. Its gradient is 0."""

    code, dtypes = "sign", signed
    reference = staticmethod(np.sign)
    partials = (lambda z, x: None,)
    idempotent = True

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The operand's dtype; complex numbers have no sign here."""
        if dtypes[0] in COMPLEX:
            raise GraphTypeError("a complex number has no sign; divide it by its T.abs_")
        return super().out_dtypes(*dtypes)


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
    def reference(x: np.ndarray) -> np.ndarray:
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


class _Rounding(Elemwise):
    dtypes = ordered
    partials = (lambda z, x: None,)
    idempotent = True

    def scalar(self, x: Expr) -> Expr:
        """The rounded float; integers are whole already."""
        return call(self.code, x) if x.dtype in CONTINUOUS else x


class Floor(_Rounding):
    """The largest whole number not above x, elementwise."""

    code, reference = "floor", staticmethod(np.floor)


class Ceil(_Rounding):
    """The smallest whole number not below x, elementwise."""

    code, reference = "ceil", staticmethod(np.ceil)


class Trunc(_Rounding):
    """x rounded towards 0, elementwise."""

    code, reference = "trunc", staticmethod(np.trunc)


class RoundHalfToEven(_Rounding):
    """The nearest whole number, halves to the even one, elementwise."""

    code, reference = "rint", staticmethod(np.rint)


class RoundHalfAwayFromZero(_Rounding):
    """The nearest whole number, halves away from 0, elementwise."""

    @staticmethod
    def reference(x: np.ndarray) -> np.ndarray:
        """trunc(|x| + 1/2) with the sign of x, exact where |x| + 1/2 is not."""
        whole = np.trunc(x)
        return whole + np.copysign(np.abs(x - whole) >= 0.5, x) if x.dtype.kind == "f" else x

    def scalar(self, x: Expr) -> Expr:
        """The whole part, and one more if the rest is at least a half."""
        if x.dtype not in CONTINUOUS:
            return x
        whole = call("trunc", x)
        up = compare("ge", call("abs", x - whole), 0.5)
        return whole + call("copysign", cast(up, x.dtype), x)


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
    def reference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """y, broadcast."""
        return np.broadcast_arrays(x, y)[1]


add, sub, mul, true_div, int_div, mod, pow = Add(), Sub(), Mul(), TrueDiv(), IntDiv(), Mod(), Pow()
neg, abs_, sgn, sqr, reciprocal = Neg(), Abs(), Sgn(), Sqr(), Reciprocal()
maximum, minimum, second = Maximum(), Minimum(), Second()
floor, ceil, trunc = Floor(), Ceil(), Trunc()
round_half_to_even, round_half_away_from_zero = RoundHalfToEven(), RoundHalfAwayFromZero()
