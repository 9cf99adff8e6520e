"""Floor division, remainder and integer power with NumPy's results in every corner.

Integers: `x // 0` and `x % 0` are 0, and the least integer over -1 wraps to itself; a bare machine
division would trap on both. Floats follow NumPy: the remainder is exact and takes the sign of the
divisor, the quotient is the whole number nearest to (a - remainder) / b, and `a // 0` is `a / 0`.
"""

from __future__ import annotations

from symgraph.backends.llvm.body import Body
from symgraph.backends.llvm.words import TYPES, constant, is_signed
from symgraph.errors import VerifyError
from symgraph.kernel import Call
from symgraph.types import FLOATS

POWER = """\
define internal i64 @{name}(i64 %base, i64 %exponent) {{
entry:
  %negative = icmp slt i64 %exponent, 0
  br i1 %negative, label %below, label %loop
below:
  %square = mul i64 %base, %base
  %unit = icmp eq i64 %square, 1
  %odd = trunc i64 %exponent to i1
  %sign = select i1 %odd, i64 %base, i64 1
  %inverse = select i1 %unit, i64 %sign, i64 0
  ret i64 %inverse
loop:
  %result = phi i64 [ 1, %entry ], [ %product, %step ]
  %power = phi i64 [ %base, %entry ], [ %next, %step ]
  %rest = phi i64 [ %exponent, %entry ], [ %half, %step ]
  %done = icmp eq i64 %rest, 0
  br i1 %done, label %end, label %step
step:
  %bit = trunc i64 %rest to i1
  %factor = select i1 %bit, i64 %power, i64 1
  %product = mul i64 %result, %factor
  %next = mul i64 %power, %power
  %half = lshr i64 %rest, 1
  br label %loop
end:
  ret i64 %result
}}
"""


def floor_quotient(body: Body, expr: Call, args: list[str]) -> str:
    """a // b."""
    return _divided(body, expr, args)[0]


def remainder(body: Body, expr: Call, args: list[str]) -> str:
    """a % b, whose sign is the divisor's."""
    return _divided(body, expr, args)[1]


def _divided(body: Body, expr: Call, args: list[str]) -> tuple[str, str]:
    dtype, (a, b) = expr.dtype, args
    if dtype in FLOATS:
        return _floats(body, dtype, a, b)
    if dtype.startswith("complex") or dtype == "bool":
        raise VerifyError(f"{expr.op} has no meaning for {dtype}")
    divide = _signed if is_signed(dtype) else _unsigned
    return divide(body, TYPES[dtype], a, b)


def _signed(body: Body, kind: str, a: str, b: str) -> tuple[str, str]:
    """Quotient and remainder, rounded down; both 0 for b == 0."""
    get = body.get
    if b.isdigit() and int(b) > 0:  # a positive constant: neither trap is near
        by_zero, divisor = "false", b
    else:
        by_zero = get(f"icmp eq {kind} {b}, 0")
        least = get(f"icmp eq {kind} {a}, {-(1 << (int(kind[1:]) - 1))}")
        overflows = get(f"and i1 {least}, {get(f'icmp eq {kind} {b}, -1')}")
        bad = get(f"or i1 {by_zero}, {overflows}")
        divisor = get(f"select i1 {bad}, {kind} 1, {kind} {b}")
    quotient = get(f"sdiv {kind} {a}, {divisor}")
    rest = get(f"sub {kind} {a}, {get(f'mul {kind} {quotient}, {divisor}')}")
    opposite = get(f"icmp slt {kind} {get(f'xor {kind} {rest}, {divisor}')}, 0")
    lower = get(f"and i1 {opposite}, {get(f'icmp ne {kind} {rest}, 0')}")
    down = get(f"sub {kind} {quotient}, {get(f'zext i1 {lower} to {kind}')}")
    up = get(f"add {kind} {rest}, {get(f'select i1 {lower}, {kind} {divisor}, {kind} 0')}")
    return get(f"select i1 {by_zero}, {kind} 0, {kind} {down}"), up


def _unsigned(body: Body, kind: str, a: str, b: str) -> tuple[str, str]:
    get = body.get
    by_zero = get(f"icmp eq {kind} {b}, 0")
    divisor = get(f"select i1 {by_zero}, {kind} 1, {kind} {b}")
    quotient = get(f"udiv {kind} {a}, {divisor}")
    rest = get(f"urem {kind} {a}, {divisor}")
    return get(f"select i1 {by_zero}, {kind} 0, {kind} {quotient}"), rest


def _floats(body: Body, dtype: str, a: str, b: str) -> tuple[str, str]:
    get, kind = body.get, TYPES[dtype]
    zero, one, half = (constant(v, dtype) for v in (0, 1, 0.5))
    rest = get(f"frem {kind} {a}, {b}")
    quotient = get(f"fdiv {kind} {get(f'fsub {kind} {a}, {rest}')}, {b}")
    inexact = get(f"fcmp une {kind} {rest}, {zero}")
    signs = get(f"fcmp olt {kind} {b}, {zero}"), get(f"fcmp olt {kind} {rest}, {zero}")
    lower = get(f"and i1 {inexact}, {get(f'xor i1 {signs[0]}, {signs[1]}')}")
    rest = get(f"select i1 {lower}, {kind} {get(f'fadd {kind} {rest}, {b}')}, {kind} {rest}")
    none = body.intrinsic("copysign", kind, zero, b)
    rest = get(f"select i1 {inexact}, {kind} {rest}, {kind} {none}")
    less = get(f"fsub {kind} {quotient}, {one}")
    quotient = get(f"select i1 {lower}, {kind} {less}, {kind} {quotient}")
    whole = body.intrinsic("floor", kind, quotient)
    short = get(f"fcmp ogt {kind} {get(f'fsub {kind} {quotient}, {whole}')}, {half}")
    more = get(f"fadd {kind} {whole}, {one}")
    whole = get(f"select i1 {short}, {kind} {more}, {kind} {whole}")
    plain = get(f"fdiv {kind} {a}, {b}")
    signed_zero = body.intrinsic("copysign", kind, zero, plain)
    nonzero = get(f"fcmp une {kind} {quotient}, {zero}")
    whole = get(f"select i1 {nonzero}, {kind} {whole}, {kind} {signed_zero}")
    by_zero = get(f"fcmp oeq {kind} {b}, {zero}")
    return get(f"select i1 {by_zero}, {kind} {plain}, {kind} {whole}"), rest


def integer_power(body: Body, base: str, exponent: str, signed: bool) -> str:
    """The wrapped product of 64-bit integers.

    It is also right modulo a shorter power of two. A negative exponent gives the quotient rounded
    towards 0 (2**-1 is 0, (-1)**-1 is -1), where numpy.power raises.
    """
    name = "power_signed" if signed else "power_unsigned"
    text = POWER.format(name=name)
    if not signed:
        text = text.replace("icmp slt i64 %exponent, 0", "icmp ult i64 %exponent, 0")
    body.needs.defined[f"@{name}"] = text
    return body.get(f"call i64 @{name}(i64 {base}, i64 {exponent})")
