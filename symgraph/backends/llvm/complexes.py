"""Complex numbers: pairs in registers, with NumPy's arithmetic; functions are C's (C99, 7.3).

C's functions are called for complex128, on whose calling convention all platforms with such a
library agree; complex64 is computed by them and rounded.
"""

from __future__ import annotations

from collections.abc import Callable

from symgraph.backends.llvm import functions
from symgraph.backends.llvm.body import Body
from symgraph.backends.llvm.words import PART, TYPES, constant
from symgraph.errors import VerifyError
from symgraph.kernel import Call

WIDE = "complex128"
LIBRARY = {
    "exp": "cexp", "log": "clog", "sqrt": "csqrt", "pow": "cpow", "sin": "csin", "cos": "ccos",
    "tan": "ctan", "sinh": "csinh", "cosh": "ccosh", "tanh": "ctanh", "arcsin": "casin",
    "arccos": "cacos", "arctan": "catan", "arcsinh": "casinh", "arccosh": "cacosh",
    "arctanh": "catanh",
}  # fmt: skip
LN2, LOG2_E, LOG10_E = 0.6931471805599453, 1.4426950408889634, 0.4342944819032518


def parts(body: Body, x: str, dtype: str) -> tuple[str, str]:
    """Real and imaginary part."""
    kind = TYPES[dtype]
    return body.get(f"extractvalue {kind} {x}, 0"), body.get(f"extractvalue {kind} {x}, 1")


def pair(body: Body, real: str, imaginary: str, dtype: str) -> str:
    """The complex number of two parts."""
    kind, part = TYPES[dtype], TYPES[PART[dtype]]
    first = body.get(f"insertvalue {kind} undef, {part} {real}, 0")
    return body.get(f"insertvalue {kind} {first}, {part} {imaginary}, 1")


def by_parts(body: Body, dtype: str, write: Callable[[str], str], x: str) -> str:
    """The number whose parts `write` makes of a typed part of x."""
    kind = TYPES[PART[dtype]]
    real, imaginary = (write(f"{kind} {p}") for p in parts(body, x, dtype))
    return pair(body, real, imaginary, dtype)


def arithmetic(body: Body, expr: Call, args: list[str]) -> str:
    """Sum, difference, product, quotient."""
    dtype = expr.dtype
    (a, b), (c, d) = (parts(body, x, dtype) for x in args)
    kind = TYPES[PART[dtype]]

    def get(op: str, x: str, y: str) -> str:
        return body.get(f"f{op} {kind} {x}, {y}")

    if expr.op in ("add", "sub"):
        return pair(body, get(expr.op, a, c), get(expr.op, b, d), dtype)
    if expr.op == "mul":
        real = get("sub", get("mul", a, c), get("mul", b, d))
        return pair(body, real, get("add", get("mul", a, d), get("mul", b, c)), dtype)
    return _quotient(body, dtype, (a, b), (c, d))


def _quotient(body: Body, dtype: str, x: tuple[str, str], y: tuple[str, str]) -> str:
    """x / y by Smith's method, as NumPy divides (R. L. Smith, Algorithm 116, CACM 5, 1962)."""
    kind = TYPES[PART[dtype]]

    def get(op: str, left: str, right: str) -> str:
        return body.get(f"f{op} {kind} {left}, {right}")

    def pick(condition: str, yes: str, no: str) -> str:
        return body.get(f"select i1 {condition}, {kind} {yes}, {kind} {no}")

    (a, b), (c, d) = x, y
    zero, one = constant(0, PART[dtype]), constant(1, PART[dtype])
    wide, high = (body.intrinsic("fabs", kind, v) for v in y)
    lying = body.get(f"fcmp oge {kind} {wide}, {high}")
    none = body.get(f"fcmp oeq {kind} {get('add', wide, high)}, {zero}")
    long, short = pick(lying, c, d), pick(lying, d, c)
    ratio = get("div", short, long)
    scale = get("div", one, get("add", long, get("mul", short, ratio)))
    first, second = pick(lying, a, b), pick(lying, b, a)
    real = get("mul", get("add", first, get("mul", second, ratio)), scale)
    rest = get("sub", second, get("mul", first, ratio))
    turned = body.get(f"fneg {kind} {rest}")
    imaginary = get("mul", pick(lying, rest, turned), scale)
    by_zero = get("div", a, wide), get("div", b, wide)
    return pair(body, pick(none, by_zero[0], real), pick(none, by_zero[1], imaginary), dtype)


def comparison(body: Body, expr: Call, args: list[str]) -> str:
    """Equal or not; there is no order."""
    dtype = expr.args[0].dtype
    if expr.op not in ("eq", "ne"):
        raise VerifyError(f"{expr.op} has no meaning for {dtype}")
    (a, b), (c, d) = (parts(body, x, dtype) for x in args)
    kind = TYPES[PART[dtype]]
    how, join = ("oeq", "and") if expr.op == "eq" else ("une", "or")
    found = [body.get(f"fcmp {how} {kind} {x}, {y}") for x, y in ((a, c), (b, d))]
    return body.get(f"{join} i1 {', '.join(found)}")


def absolute(body: Body, expr: Call, args: list[str]) -> str:
    """|x|, a real number."""
    dtype = expr.args[0].dtype
    real, imaginary = (_widened(body, p, PART[dtype]) for p in parts(body, args[0], dtype))
    size = body.call("@hypot", "double", ("double", real), ("double", imaginary))
    return _narrowed(body, size, expr.dtype)


def sign(body: Body, expr: Call, args: list[str]) -> str:
    """x / |x|, 0 at 0."""
    dtype = expr.dtype
    kind, part = TYPES[PART[dtype]], PART[dtype]
    size = absolute(body, Call("abs", expr.args, part), args)
    zero = body.get(f"fcmp oeq {kind} {size}, {constant(0, part)}")
    by = body.get(f"select i1 {zero}, {kind} {constant(1, part)}, {kind} {size}")
    return by_parts(body, dtype, lambda p: body.get(f"fdiv {p}, {by}"), args[0])


def function(body: Body, expr: Call, args: list[str]) -> str:
    """Any other operation with a complex operand or result."""
    if expr.op == "complex":
        given = zip(args, expr.args, strict=True)
        words = [_part(body, a, e.dtype, expr.dtype) for a, e in given]
        return pair(body, words[0], words[1], expr.dtype)
    dtype = expr.args[0].dtype
    if dtype not in PART:
        return _of_real(expr, args[0])
    if expr.op in ("real", "imag"):
        return parts(body, args[0], dtype)[expr.op == "imag"]
    if expr.op == "conj":
        real, imaginary = parts(body, args[0], dtype)
        turned = body.get(f"fneg {TYPES[PART[dtype]]} {imaginary}")
        return pair(body, real, turned, dtype)
    if expr.op == "angle":
        real, imaginary = parts(body, args[0], dtype)
        return functions.invoke(body, "arctan2", PART[dtype], [imaginary, real])
    return _narrowed_pair(body, _wide_function(body, expr, args, dtype), dtype)


def _of_real(expr: Call, x: str) -> str:
    """Real part and conjugate of a real number: the number."""
    if expr.op in ("real", "conj"):
        return x
    raise VerifyError(f"{expr.op} has no meaning for {expr.args[0].dtype}")


def _part(body: Body, x: str, old: str, new: str) -> str:
    """A float as a part of a complex number of dtype `new`."""
    if TYPES[old] == TYPES[PART[new]]:
        return x
    if PART[new] == "float64":
        return body.get(f"fpext float {x} to double")
    return body.get(f"fptrunc double {x} to float")


def _widened(body: Body, x: str, dtype: str) -> str:
    return x if dtype == "float64" else body.get(f"fpext float {x} to double")


def _narrowed(body: Body, x: str, dtype: str) -> str:
    return x if dtype == "float64" else body.get(f"fptrunc double {x} to float")


def _narrowed_pair(body: Body, x: str, dtype: str) -> str:
    if dtype == WIDE:
        return x
    real, imaginary = (_narrowed(body, p, "float32") for p in parts(body, x, WIDE))
    return pair(body, real, imaginary, dtype)


def _wide_function(body: Body, expr: Call, args: list[str], dtype: str) -> str:
    """An elementary function in complex128."""
    wide = [tuple(_widened(body, p, PART[dtype]) for p in parts(body, a, dtype)) for a in args]
    if expr.op in LIBRARY:
        return _library(body, LIBRARY[expr.op], [p for both in wide for p in both])
    rule = COMPOSED.get(expr.op)
    if rule is None:
        raise VerifyError(f"{expr.op} has no meaning for {dtype}")
    (x,) = wide
    return rule(body, x[0], x[1])


def _library(body: Body, name: str, words: list[str]) -> str:
    return body.call(f"@{name}", TYPES[WIDE], *(("double", w) for w in words))


def _real(body: Body, op: str, *args: str) -> str:
    return functions.invoke(body, op, "float64", list(args))


def _double(body: Body, op: str, x: str, y: str) -> str:
    return body.get(f"f{op} double {x}, {y}")


def _scaled_log(factor: float) -> Callable[[Body, str, str], str]:
    def write(body: Body, real: str, imaginary: str) -> str:
        log, by = _library(body, "clog", [real, imaginary]), constant(factor, "float64")
        return by_parts(body, WIDE, lambda p: body.get(f"fmul {p}, {by}"), log)

    return write


def _exp2(body: Body, real: str, imaginary: str) -> str:
    by = constant(LN2, "float64")
    return _library(body, "cexp", [_double(body, "mul", p, by) for p in (real, imaginary)])


def _expm1(body: Body, real: str, imaginary: str) -> str:
    """expm1(a)*cos(b) - 2*sin(b/2)**2 and exp(a)*sin(b), free of cancellation."""
    half = _real(body, "sin", _double(body, "mul", imaginary, constant(0.5, "float64")))
    lost = _double(body, "mul", half, _double(body, "add", half, half))
    grown = _double(body, "mul", _real(body, "expm1", real), _real(body, "cos", imaginary))
    turned = _double(body, "mul", _real(body, "exp", real), _real(body, "sin", imaginary))
    return pair(body, _double(body, "sub", grown, lost), turned, WIDE)


def _log1p(body: Body, real: str, imaginary: str) -> str:
    up = _double(body, "add", real, constant(1, "float64"))
    size = body.call("@hypot", "double", ("double", up), ("double", imaginary))
    return pair(body, _real(body, "log", size), _real(body, "arctan2", imaginary, up), WIDE)


COMPOSED: dict[str, Callable[[Body, str, str], str]] = {
    "log2": _scaled_log(LOG2_E),
    "log10": _scaled_log(LOG10_E),
    "log1p": _log1p,
    "exp2": _exp2,
    "expm1": _expm1,
}
