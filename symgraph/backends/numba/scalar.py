"""Scalar operations that numba lacks, or gives other semantics than NumPy's.

Each is an intrinsic that picks its instructions from the types of its operands, so one name
serves every dtype. Operands of one operation have one common dtype, which is the dtype of the
result unless said otherwise; numba reports anything else as a typing error, so that nothing is
silently computed in another precision. Only `power` of integers branches: loops that use the
others can be vectorised.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

Values = list[Any]  # llvmlite values
Emit = Callable[[ir.IRBuilder, types.Type, Values], Any]

TO_BITS = {types.float32: types.int32, types.float64: types.int64}
FROM_BITS = {
    types.int32: types.float32,
    types.uint32: types.float32,
    types.int64: types.float64,
    types.uint64: types.float64,
}


def llvm_call(builder: ir.IRBuilder, name: str, args: Values) -> Any:
    """Call the LLVM intrinsic `name`, overloaded on the type of its first operand."""
    kind = args[0].type
    function_type = ir.FunctionType(kind, [a.type for a in args])
    return builder.call(builder.module.declare_intrinsic(name, [kind], function_type), args)


def is_float(kind: Any) -> bool:
    """Whether a numba type is a real floating-point type."""
    return isinstance(kind, types.Float)


def is_int(kind: Any) -> bool:
    """Whether a numba type is an integer or boolean."""
    return isinstance(kind, (types.Integer, types.Boolean))


def is_signed(kind: Any) -> bool:
    """Whether a numba type is a signed integer."""
    return isinstance(kind, types.Integer) and bool(kind.signed)


def _same(kinds: tuple[types.Type, ...]) -> types.Type | None:
    """Return the common type of all operands, None when they differ."""
    first, *others = [types.unliteral(k) for k in kinds]
    return first if all(k == first for k in others) else None


def plan(kinds: tuple[types.Type, ...], on_float: Emit | None, on_int: Emit | None) -> Any:
    """Return what an `@intrinsic` must: signature and code for the common dtype of `kinds`."""
    kind = _same(kinds)
    emit = on_float if is_float(kind) else on_int if is_int(kind) else None
    if kind is None or emit is None:
        return None

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Values) -> Any:
        return emit(builder, kind, args)

    return kind(*[kind] * len(kinds)), build


def _llvm(name: str) -> Emit:
    return lambda builder, kind, args: llvm_call(builder, name, args)


def _unchanged(builder: ir.IRBuilder, kind: types.Type, args: Values) -> Any:
    return args[0]


@intrinsic
def sqrt(typingctx: Any, x: Any) -> Any:
    """`sqrt(x)`: square root of a float; NaN below zero."""
    return plan((x,), _llvm("llvm.sqrt"), None)


@intrinsic
def floor(typingctx: Any, x: Any) -> Any:
    """`floor(x)`: greatest whole number not above x, as a float; integers are left alone."""
    return plan((x,), _llvm("llvm.floor"), _unchanged)


@intrinsic
def ceil(typingctx: Any, x: Any) -> Any:
    """`ceil(x)`: least whole number not below x, as a float; integers are left alone."""
    return plan((x,), _llvm("llvm.ceil"), _unchanged)


@intrinsic
def trunc(typingctx: Any, x: Any) -> Any:
    """`trunc(x)`: x without its fraction, as a float; integers are left alone."""
    return plan((x,), _llvm("llvm.trunc"), _unchanged)


@intrinsic
def rint(typingctx: Any, x: Any) -> Any:
    """`rint(x)`: nearest whole number, ties to even, as a float; integers are left alone."""
    return plan((x,), _llvm("llvm.rint"), _unchanged)


@intrinsic
def absolute(typingctx: Any, x: Any) -> Any:
    """`absolute(x)`: |x| of a float or integer; the least integer stays itself, as in NumPy."""
    return plan((x,), _llvm("llvm.fabs"), _integer_absolute)


def _integer_absolute(builder: ir.IRBuilder, kind: types.Type, args: Values) -> Any:
    if not is_signed(kind):
        return args[0]
    negative = builder.icmp_signed("<", args[0], ir.Constant(args[0].type, 0))
    return builder.select(negative, builder.neg(args[0]), args[0])


@intrinsic
def copysign(typingctx: Any, size: Any, sign: Any) -> Any:
    """`copysign(size, sign)`: |size| with the sign bit of `sign` (floats)."""
    return plan((size, sign), _llvm("llvm.copysign"), None)


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """`fma(a, b, c)`: a*b + c rounded once (floats)."""
    return plan((a, b, c), _llvm("llvm.fma"), None)


@intrinsic
def select(typingctx: Any, condition: Any, yes: Any, no: Any) -> Any:
    """`select(condition, yes, no)`: one of two values without a branch; both are computed."""
    kind = _same((yes, no))
    if kind is None or not isinstance(types.unliteral(condition), types.Boolean):
        return None

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Values) -> Any:
        return builder.select(*args)

    return kind(types.boolean, kind, kind), build


@intrinsic
def bits(typingctx: Any, x: Any) -> Any:
    """`bits(x)`: the bits of a float32 as int32, of a float64 as int64."""
    return _reinterpret(x, TO_BITS)


@intrinsic
def from_bits(typingctx: Any, i: Any) -> Any:
    """`from_bits(i)`: the float32 (float64) whose bits are a 32-bit (64-bit) integer."""
    return _reinterpret(i, FROM_BITS)


def _reinterpret(kind: Any, table: dict[Any, Any]) -> Any:
    kind = types.unliteral(kind)
    if kind not in table:
        return None

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Values) -> Any:
        return builder.bitcast(args[0], context.get_value_type(sig.return_type))

    return table[kind](kind), build


def _reorderable(operation: str) -> Emit:
    """Make a float operation that LLVM may reassociate, and so vectorise in a reduction."""
    return lambda builder, kind, args: getattr(builder, operation)(*args, flags=("reassoc",))


def _plain(operation: str) -> Emit:
    return lambda builder, kind, args: getattr(builder, operation)(*args)


@intrinsic
def add_any_order(typingctx: Any, total: Any, x: Any) -> Any:
    """`add_any_order(total, x)`: total + x, for sums whose order is free."""
    return plan((total, x), _reorderable("fadd"), _plain("add"))


@intrinsic
def mul_any_order(typingctx: Any, product: Any, x: Any) -> Any:
    """`mul_any_order(product, x)`: product * x, for products whose order is free."""
    return plan((product, x), _reorderable("fmul"), _plain("mul"))


def _ordered(sign: str) -> Emit:
    def emit(builder: ir.IRBuilder, kind: types.Type, args: Values) -> Any:
        compare = builder.icmp_signed if is_signed(kind) else builder.icmp_unsigned
        return builder.select(compare(sign, *args), *args)

    return emit


@intrinsic
def max_nan(typingctx: Any, a: Any, b: Any) -> Any:
    """`max_nan(a, b)`: the greater, NaN if either is NaN (numpy.maximum); +0 is above -0."""
    return plan((a, b), _llvm("llvm.maximum"), _ordered(">"))


@intrinsic
def min_nan(typingctx: Any, a: Any, b: Any) -> Any:
    """`min_nan(a, b)`: the lesser, NaN if either is NaN (numpy.minimum); -0 is below +0."""
    return plan((a, b), _llvm("llvm.minimum"), _ordered("<"))


def _integer_rank(builder: ir.IRBuilder, kind: types.Type, value: Any) -> Any:
    if is_signed(kind):
        value = builder.xor(value, value.type(1 << (kind.bitwidth - 1)))
    return value


def _float_rank(builder: ir.IRBuilder, kind: types.Type, value: Any, zeros_differ: bool) -> Any:
    """The bits, those of negative numbers complemented; NaN has all bits set."""
    nan = builder.fcmp_unordered("uno", value, value)
    if not zeros_differ:
        value = builder.fadd(value, value.type(0.0))  # -0 becomes +0
    word = ir.IntType(kind.bitwidth)
    bits_, sign = builder.bitcast(value, word), word(1 << (kind.bitwidth - 1))
    negative = builder.icmp_signed("<", bits_, word(0))
    rank = builder.select(negative, builder.not_(bits_), builder.or_(bits_, sign))
    return builder.select(nan, word(-1), rank)


def _ranked(x: Any, zeros_differ: bool) -> Any:
    kind = types.unliteral(x)
    if not (is_float(kind) or is_int(kind)):
        return None

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Values) -> Any:
        if is_float(kind):
            found = _float_rank(builder, kind, args[0], zeros_differ)
        else:
            found = _integer_rank(builder, kind, args[0])
        wide = ir.IntType(64)
        return found if found.type == wide else builder.zext(found, wide)

    return types.uint64(kind), build


@intrinsic
def rank(typingctx: Any, x: Any) -> Any:
    """`rank(x)`: a uint64 that orders as the real numbers x do, NaN above all; -0 and 0 are one."""
    return _ranked(x, zeros_differ=False)


@intrinsic
def rank_signed(typingctx: Any, x: Any) -> Any:
    """`rank_signed(x)`: as `rank`, -0 below 0, so that `unrank` gives x back."""
    return _ranked(x, zeros_differ=True)


@intrinsic
def unrank(typingctx: Any, number: Any, like: Any) -> Any:
    """`unrank(number, like)`: the x of the dtype of `like` that `rank_signed` gives `number`."""
    kind = types.unliteral(like)
    if types.unliteral(number) != types.uint64 or not (is_float(kind) or is_int(kind)):
        return None

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Values) -> Any:
        width = 1 if isinstance(kind, types.Boolean) else kind.bitwidth
        word = ir.IntType(width)
        bits_ = builder.trunc(args[0], word) if width < 64 else args[0]
        top = word(1 << (width - 1))
        if is_float(kind):
            positive = builder.icmp_signed("<", bits_, word(0))
            plain = builder.select(positive, builder.xor(bits_, top), builder.not_(bits_))
            return builder.bitcast(plain, context.get_value_type(kind))
        return builder.xor(bits_, top) if is_signed(kind) else bits_

    return kind(types.uint64, kind), build
