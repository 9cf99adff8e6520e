"""The scalar operations of Kernel IR in LLVM's instructions, with NumPy's results in every corner.

A table maps each operation to what writes it. Writers see the call, whose operands' dtype decides,
and the operands. Only integer powers branch, so loops that use the others can be vectorised.
"""

from __future__ import annotations

from symgraph.backends.llvm import complexes, division, functions
from symgraph.backends.llvm.body import Body, Writer
from symgraph.backends.llvm.words import PART, TYPES, constant, is_signed
from symgraph.errors import VerifyError
from symgraph.kernel import ARITY, BOOL, EXTERNAL, INT, Call
from symgraph.types import COMPLEX, FLOATS

FLOAT_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
WHOLE_ARITHMETIC = {"add": "add", "sub": "sub", "mul": "mul"}
OF_BOOL = {"add": "or", "mul": "and", "minimum": "and", "maximum": "or", "sub": "xor"}
FLOAT_COMPARISONS = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
ROUNDINGS = {"floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint"}
INTRINSICS = {"sqrt": "sqrt", "copysign": "copysign", "fma": "fma"} | ROUNDINGS


def _wrong(expr: Call) -> VerifyError:
    return VerifyError(f"{expr.op} has no meaning for {expr.args[0].dtype}")


def arithmetic(body: Body, expr: Call, args: list[str]) -> str:
    """Sums, differences, products; quotients of floats. Integers wrap, bools are a lattice."""
    dtype = expr.dtype
    if dtype in COMPLEX:
        return complexes.arithmetic(body, expr, args)
    kind, pair = TYPES[dtype], ", ".join(args)
    if dtype in FLOATS:
        return body.get(f"{FLOAT_ARITHMETIC[expr.op]} {kind} {pair}")
    if dtype == BOOL and expr.op in OF_BOOL:
        return body.get(f"{OF_BOOL[expr.op]} i1 {pair}")
    if expr.op not in WHOLE_ARITHMETIC:
        raise _wrong(expr)
    flag = body.no_wrap if dtype == INT else ""
    return body.get(f"{WHOLE_ARITHMETIC[expr.op]} {flag}{kind} {pair}")


def any_order(body: Body, expr: Call, args: list[str]) -> str:
    """A sum or product that LLVM may reassociate, and so vectorise in a reduction."""
    op = expr.op.removesuffix("_any_order")
    if expr.dtype in FLOATS:
        return body.get(f"f{op} reassoc {TYPES[expr.dtype]} {', '.join(args)}")
    return arithmetic(body, Call(op, expr.args, expr.dtype), args)


def comparison(body: Body, expr: Call, args: list[str]) -> str:
    """A comparison; with NaN only `ne` holds."""
    dtype = expr.args[0].dtype
    if dtype in COMPLEX:
        return complexes.comparison(body, expr, args)
    kind, pair = TYPES[dtype], ", ".join(args)
    if dtype in FLOATS:
        return body.get(f"fcmp {FLOAT_COMPARISONS[expr.op]} {kind} {pair}")
    sign = "" if expr.op in ("eq", "ne") else "s" if is_signed(dtype) else "u"
    return body.get(f"icmp {sign}{expr.op} {kind} {pair}")


def extreme(body: Body, expr: Call, args: list[str]) -> str:
    """The greater or lesser; NaN if either is, +0 above -0."""
    dtype = expr.dtype
    if dtype == BOOL:
        return arithmetic(body, expr, args)
    if dtype in FLOATS:
        return body.intrinsic(expr.op, TYPES[dtype], *args)
    if dtype in COMPLEX:
        raise _wrong(expr)
    sign = "s" if is_signed(dtype) else "u"
    return body.intrinsic(sign + expr.op.removesuffix("imum"), TYPES[dtype], *args)


def bitwise(body: Body, expr: Call, args: list[str]) -> str:
    """and, or, xor of bools and integers."""
    return body.get(f"{expr.op} {TYPES[expr.dtype]} {', '.join(args)}")


def shift(body: Body, expr: Call, args: list[str]) -> str:
    """Bits moved up or down; all are gone when as many places as there are bits, or more."""
    kind, (x, count) = TYPES[expr.dtype], args
    bits = int(kind[1:])
    signed = is_signed(expr.dtype)
    name = "shl" if expr.op == "shl" else "ashr" if signed else "lshr"
    if count.isdigit() and int(count) < bits:
        return body.get(f"{name} {kind} {x}, {count}")
    small = body.get(f"icmp ult {kind} {count}, {bits}")
    within = body.get(f"select i1 {small}, {kind} {count}, {kind} 0")
    moved = body.get(f"{name} {kind} {x}, {within}")
    gone = body.get(f"ashr {kind} {x}, {bits - 1}") if name == "ashr" else "0"
    return body.get(f"select i1 {small}, {kind} {moved}, {kind} {gone}")


def negative(body: Body, expr: Call, args: list[str]) -> str:
    """-x."""
    kind, (x,) = TYPES[expr.dtype], args
    if expr.dtype in COMPLEX:
        return complexes.by_parts(body, expr.dtype, lambda part: body.get(f"fneg {part}"), x)
    if expr.dtype in FLOATS:
        return body.get(f"fneg {kind} {x}")
    return body.get(f"sub {body.no_wrap if expr.dtype == INT else ''}{kind} 0, {x}")


def absolute(body: Body, expr: Call, args: list[str]) -> str:
    """|x|; the least integer stays itself."""
    dtype, (x,) = expr.args[0].dtype, args
    if dtype in COMPLEX:
        return complexes.absolute(body, expr, args)
    if dtype in FLOATS:
        return body.intrinsic("fabs", TYPES[dtype], x)
    if not is_signed(dtype):
        return x
    return body.call(f"@llvm.abs.{TYPES[dtype]}", TYPES[dtype], (TYPES[dtype], x), ("i1", "false"))


def sign(body: Body, expr: Call, args: list[str]) -> str:
    """-1, 0 or 1; NaN of NaN, +0 of both zeros; a complex number is divided by its size."""
    dtype, (x,) = expr.args[0].dtype, args
    kind = TYPES[dtype]
    if dtype in COMPLEX:
        return complexes.sign(body, expr, args)
    if dtype in FLOATS:
        one, zero = constant(1, dtype), constant(0, dtype)
        above = body.get(f"fcmp ogt {kind} {x}, {zero}")
        below = body.get(f"fcmp olt {kind} {x}, {zero}")
        same = body.get(f"fadd {kind} {x}, {zero}")
        rest = body.get(f"select i1 {below}, {kind} {constant(-1, dtype)}, {kind} {same}")
        return body.get(f"select i1 {above}, {kind} {one}, {kind} {rest}")
    if not is_signed(dtype):
        nonzero = body.get(f"icmp ne {kind} {x}, {constant(0, dtype)}")
        return nonzero if dtype == BOOL else body.get(f"zext i1 {nonzero} to {kind}")
    above = body.get(f"icmp sgt {kind} {x}, 0")
    half = body.get(f"ashr {kind} {x}, {int(kind[1:]) - 1}")
    return body.get(f"or {kind} {half}, {body.get(f'zext i1 {above} to {kind}')}")


def negation(body: Body, expr: Call, args: list[str]) -> str:
    """Whether x is 0."""
    kind = TYPES[expr.args[0].dtype]
    if kind == "i1":
        return body.get(f"xor i1 {args[0]}, true")
    return body.get(f"icmp eq {kind} {args[0]}, 0")


def invert(body: Body, expr: Call, args: list[str]) -> str:
    """Every bit of x turned."""
    minus_one = "true" if expr.dtype == BOOL else "-1"
    return body.get(f"xor {TYPES[expr.dtype]} {args[0]}, {minus_one}")


def rounding(body: Body, expr: Call, args: list[str]) -> str:
    """An LLVM intrinsic of floats; integers are whole already."""
    dtype = expr.dtype
    if dtype in COMPLEX:
        return complexes.function(body, expr, args)
    if dtype in FLOATS:
        return body.intrinsic(INTRINSICS[expr.op], TYPES[dtype], *args)
    if expr.op not in ROUNDINGS:
        raise _wrong(expr)
    return args[0]


def cast(body: Body, expr: Call, args: list[str]) -> str:
    """A number in another dtype: integers lose their high bits, floats their fraction."""
    return convert(body, args[0], expr.args[0].dtype, expr.dtype)


def convert(body: Body, x: str, old: str, new: str) -> str:
    """`x` of dtype `old` as `new`."""
    if old == new:
        return x
    if new == BOOL:
        return _truth(body, x, old)
    if old in COMPLEX or new in COMPLEX:
        return _convert_complex(body, x, old, new)
    if "float16" in (old, new):
        return _convert_half(body, x, old, new)
    kinds = f"{TYPES[old]} {x} to {TYPES[new]}"
    if old in FLOATS and new in FLOATS:
        return body.get(f"{'fpext' if new == 'float64' else 'fptrunc'} {kinds}")
    if new in FLOATS:
        return body.get(f"{'sitofp' if is_signed(old) else 'uitofp'} {kinds}")
    if old in FLOATS:
        return _whole(body, x, old, new)
    return _resize(body, x, old, new)


def _convert_half(body: Body, x: str, old: str, new: str) -> str:
    """To and from float16 by way of float32, which processors convert."""
    if old == "float16":
        return convert(body, body.get(f"fpext half {x} to float"), "float32", new)
    narrow = _rounded_to_odd(body, x) if old == "float64" else convert(body, x, old, "float32")
    return body.get(f"fptrunc float {narrow} to half")


def _rounded_to_odd(body: Body, x: str) -> str:
    """A double as a float that is odd if it is not exact, so that rounding again does no harm.

    S. Boldo and G. Melquiond, Emulation of a FMA and correctly rounded sums, IEEE Transactions on
    Computers 57, 2008.
    """
    near = body.get(f"fptrunc double {x} to float")
    back = body.get(f"fpext float {near} to double")
    sizes = [body.intrinsic("fabs", "double", v) for v in (back, x)]
    beyond = body.get(f"fcmp ogt double {sizes[0]}, {sizes[1]}")
    bits = body.get(f"bitcast float {near} to i32")
    less = body.get(f"sub i32 {bits}, 1")
    inward = body.get(f"select i1 {beyond}, i32 {less}, i32 {bits}")
    odd = body.get(f"or i32 {inward}, 1")
    exact = body.get(f"fcmp oeq double {back}, {x}")
    chosen = body.get(f"select i1 {exact}, i32 {bits}, i32 {odd}")
    return body.get(f"bitcast i32 {chosen} to float")


def _truth(body: Body, x: str, old: str) -> str:
    if old in COMPLEX:
        parts = (_truth(body, p, PART[old]) for p in complexes.parts(body, x, old))
        return body.get(f"or i1 {', '.join(parts)}")
    comparing = "fcmp une" if old in FLOATS else "icmp ne"
    return body.get(f"{comparing} {TYPES[old]} {x}, {constant(0, old)}")


def _convert_complex(body: Body, x: str, old: str, new: str) -> str:
    if new not in COMPLEX:
        return convert(body, complexes.parts(body, x, old)[0], PART[old], new)
    part = PART[new]
    if old not in COMPLEX:
        return complexes.pair(body, convert(body, x, old, part), constant(0, part), new)
    real, imaginary = (convert(body, p, PART[old], part) for p in complexes.parts(body, x, old))
    return complexes.pair(body, real, imaginary, new)


def _whole(body: Body, x: str, old: str, new: str) -> str:
    """A float without its fraction; short integers through 32 bits, as processors do it."""
    if new == "uint64":
        return body.get(f"fptoui {TYPES[old]} {x} to i64")
    wide = "int64" if new in ("int64", "uint32") else "int32"
    word = body.get(f"fptosi {TYPES[old]} {x} to {TYPES[wide]}")
    return _resize(body, word, wide, new)


def _resize(body: Body, x: str, old: str, new: str) -> str:
    before, after = int(TYPES[old][1:]), int(TYPES[new][1:])
    if before == after:
        return x
    how = "trunc" if after < before else "sext" if is_signed(old) else "zext"
    return body.get(f"{how} i{before} {x} to i{after}")


def reinterpret(body: Body, expr: Call, args: list[str]) -> str:
    """The same bits as another type."""
    return body.get(f"bitcast {TYPES[expr.args[0].dtype]} {args[0]} to {TYPES[expr.dtype]}")


def choice(body: Body, expr: Call, args: list[str]) -> str:
    """One of two values; both are computed."""
    condition, yes, no = args
    kind = TYPES[expr.dtype]
    return body.get(f"select i1 {condition}, {kind} {yes}, {kind} {no}")


def special(body: Body, expr: Call, args: list[str]) -> str:
    """isnan, isinf."""
    dtype, (x,) = expr.args[0].dtype, args
    if dtype in COMPLEX:
        found = [_special(body, expr.op, p, PART[dtype]) for p in complexes.parts(body, x, dtype)]
        return body.get(f"or i1 {', '.join(found)}")
    return _special(body, expr.op, x, dtype)


def _special(body: Body, op: str, x: str, dtype: str) -> str:
    if dtype not in FLOATS:
        return "false"
    kind = TYPES[dtype]
    if op == "isnan":
        return body.get(f"fcmp uno {kind} {x}, {x}")
    size = body.intrinsic("fabs", kind, x)
    return body.get(f"fcmp oeq {kind} {size}, {constant(float('inf'), dtype)}")


def elementary(body: Body, expr: Call, args: list[str]) -> str:
    """One of our own functions of floats, or C's of complex numbers."""
    if expr.args[0].dtype in COMPLEX:
        return complexes.function(body, expr, args)
    return functions.invoke(body, expr.op, expr.args[0].dtype, args)


def power(body: Body, expr: Call, args: list[str]) -> str:
    """x to the power y."""
    if expr.dtype in FLOATS or expr.dtype in COMPLEX:
        return elementary(body, expr, args)
    signed = is_signed(expr.dtype)
    wide = "int64" if signed else "uint64"
    x, y = (convert(body, a, expr.dtype, wide) for a in args)
    return convert(body, division.integer_power(body, x, y, signed), wide, expr.dtype)


OPERATIONS: dict[str, Writer] = (
    dict[str, Writer](dict.fromkeys(ARITY, elementary))
    | dict.fromkeys(EXTERNAL, functions.external)
    | dict.fromkeys(("add", "sub", "mul", "div"), arithmetic)
    | dict.fromkeys(("add_any_order", "mul_any_order"), any_order)
    | dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), comparison)
    | dict.fromkeys(("minimum", "maximum"), extreme)
    | dict.fromkeys(("and", "or", "xor"), bitwise)
    | dict.fromkeys(("shl", "shr"), shift)
    | dict.fromkeys(INTRINSICS, rounding)
    | dict.fromkeys(("bits", "from_bits"), reinterpret)
    | dict.fromkeys(("isnan", "isinf"), special)
    | dict.fromkeys(("real", "imag", "conj", "complex", "angle"), complexes.function)
    | {
        "neg": negative,
        "abs": absolute,
        "sign": sign,
        "not": negation,
        "invert": invert,
        "cast": cast,
        "select": choice,
        "floordiv": division.floor_quotient,
        "mod": division.remainder,
        "pow": power,
    }
)
