"""Floor division, remainder and power with NumPy's results in every corner.

Integers: `x // 0` and `x % 0` are 0, and the least integer over -1 wraps to itself; a bare machine
division would trap on both. Floats follow NumPy: the remainder is exact and takes the sign of the
divisor, the quotient is the whole number nearest to (a - remainder) / b, and `a // 0` is `a / 0`.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from symgraph.backends.numba.scalar import Values, is_float, is_int, is_signed, llvm_call, plan


def _least(kind: ir.IntType) -> ir.Constant:
    return ir.Constant(kind, -(1 << (kind.width - 1)))


def _divide_signed(builder: ir.IRBuilder, a: Any, b: Any) -> tuple[Any, Any]:
    """Quotient and remainder, rounded down; both 0 for b == 0."""
    zero, one = ir.Constant(a.type, 0), ir.Constant(a.type, 1)
    by_zero = builder.icmp_signed("==", b, zero)
    overflows = builder.and_(
        builder.icmp_signed("==", a, _least(a.type)),
        builder.icmp_signed("==", b, ir.Constant(a.type, -1)),
    )
    divisor = builder.select(builder.or_(by_zero, overflows), one, b)
    quotient = builder.sdiv(a, divisor)
    rest = builder.sub(a, builder.mul(quotient, divisor))
    opposite = builder.icmp_signed("<", builder.xor(rest, divisor), zero)
    lower = builder.and_(opposite, builder.icmp_signed("!=", rest, zero))
    quotient = builder.select(lower, builder.sub(quotient, one), quotient)
    rest = builder.select(lower, builder.add(rest, divisor), rest)
    return builder.select(by_zero, zero, quotient), rest


def _divide_unsigned(builder: ir.IRBuilder, a: Any, b: Any) -> tuple[Any, Any]:
    zero, one = ir.Constant(a.type, 0), ir.Constant(a.type, 1)
    by_zero = builder.icmp_unsigned("==", b, zero)
    divisor = builder.select(by_zero, one, b)
    quotient, rest = builder.udiv(a, divisor), builder.urem(a, divisor)
    return builder.select(by_zero, zero, quotient), rest


def divide_int(builder: ir.IRBuilder, kind: types.Type, args: Values) -> tuple[Any, Any]:
    """Quotient and remainder of integers."""
    return (_divide_signed if is_signed(kind) else _divide_unsigned)(builder, *args)


def divide_float(
    builder: ir.IRBuilder, kind: types.Type, args: Values, rest: Any = None
) -> tuple[Any, Any]:
    """Quotient and remainder of floats; `rest` is C's fmod of them, if the target has its own."""
    a, b = args
    zero, one, half = (ir.Constant(a.type, v) for v in (0.0, 1.0, 0.5))
    rest = builder.frem(a, b) if rest is None else rest
    quotient = builder.fdiv(builder.fsub(a, rest), b)
    inexact = builder.fcmp_unordered("!=", rest, zero)
    wrong_side = builder.xor(
        builder.fcmp_ordered("<", b, zero), builder.fcmp_ordered("<", rest, zero)
    )
    lower = builder.and_(inexact, wrong_side)
    rest = builder.select(lower, builder.fadd(rest, b), rest)
    rest = builder.select(inexact, rest, llvm_call(builder, "llvm.copysign", [zero, b]))
    quotient = builder.select(lower, builder.fsub(quotient, one), quotient)
    whole = llvm_call(builder, "llvm.floor", [quotient])
    short = builder.fcmp_ordered(">", builder.fsub(quotient, whole), half)
    whole = builder.select(short, builder.fadd(whole, one), whole)
    plain = builder.fdiv(a, b)
    signed_zero = llvm_call(builder, "llvm.copysign", [zero, plain])
    whole = builder.select(builder.fcmp_unordered("!=", quotient, zero), whole, signed_zero)
    return builder.select(builder.fcmp_ordered("==", b, zero), plain, whole), rest


@intrinsic
def floordiv(typingctx: Any, a: Any, b: Any) -> Any:
    """`floordiv(a, b)`: numpy.floor_divide of two integers or two floats."""
    return plan((a, b), lambda *call: divide_float(*call)[0], lambda *call: divide_int(*call)[0])


@intrinsic
def mod(typingctx: Any, a: Any, b: Any) -> Any:
    """`mod(a, b)`: numpy.mod, whose sign is the divisor's."""
    return plan((a, b), lambda *call: divide_float(*call)[1], lambda *call: divide_int(*call)[1])


def _integer_power(base: int, exponent: int, one: int) -> int:
    if exponent < 0:
        return one - one if base * base != one else base if exponent & one else one
    result = one
    while exponent != 0:
        if exponent & one:
            result *= base
        base *= base
        exponent >>= one
    return result


@intrinsic
def power(typingctx: Any, base: Any, exponent: Any) -> Any:
    """`power(base, exponent)`: C's pow of two floats; of two integers the wrapped product.

    A negative integer exponent gives the quotient rounded towards 0 (2**-1 is 0, (-1)**-1 is -1),
    where numpy.power raises: check exponents beforehand if that matters.
    """
    kind = types.unliteral(base)
    if kind != types.unliteral(exponent) or not (is_float(kind) or is_int(kind)):
        return None
    wide = types.int64 if is_signed(kind) else types.uint64

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Values) -> Any:
        if is_float(kind):
            return llvm_call(builder, "llvm.pow", args)
        # A product modulo 2**64 is also right modulo a shorter power of two.
        given = [context.cast(builder, a, kind, wide) for a in args]
        given.append(context.get_constant(wide, 1))
        call = wide(wide, wide, wide)
        result = context.compile_internal(builder, _integer_power, call, given)
        return context.cast(builder, result, wide, kind)

    return kind(kind, kind), build
