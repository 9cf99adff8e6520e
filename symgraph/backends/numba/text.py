"""Kernel IR as Python text: what numba compiles and what users read.

Expressions are written with as few parentheses as Python needs. Literals carry their dtype,
since numba takes a bare `0.5` for a float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from symgraph.kernel import (
    BOOL,
    EXTERNAL,
    INT,
    Buffer,
    Call,
    Expr,
    Kernel,
    Leave,
    Let,
    Lit,
    Load,
    Loop,
    Name,
    Stmt,
    Store,
    Update,
)
from symgraph.types import COMPLEX, FLOATS

INFIX = {
    "or": ("|", 3), "xor": ("^", 4), "and": ("&", 5), "shl": ("<<", 6), "shr": (">>", 6),
    "add": ("+", 7), "sub": ("-", 7), "mul": ("*", 8), "div": ("/", 8),
    "eq": ("==", 2), "ne": ("!=", 2), "lt": ("<", 2), "le": ("<=", 2), "gt": (">", 2),
    "ge": (">=", 2),
}  # fmt: skip
DIVISIONS = {"floordiv": ("//", 8), "mod": ("%", 8)}  # of int64, as sizes are divided
WHOLE = {"minimum": "min", "maximum": "max"}  # of int64
ATOM, UNARY = 10, 9
# Operations the run time spells as functions, for any dtype.
FUNCTIONS = {
    "floordiv": "floordiv", "mod": "mod", "select": "select", "fma": "fma", "rint": "rint",
    "floor": "floor", "ceil": "ceil", "trunc": "trunc", "sqrt": "sqrt", "abs": "absolute",
    "copysign": "copysign", "bits": "bits", "from_bits": "from_bits",
    "add_any_order": "add_any_order", "mul_any_order": "mul_any_order",
    "maximum": "max_nan", "minimum": "min_nan",
}  # fmt: skip
# How NumPy calls them, for complex numbers.
NUMPY = {
    "arcsin": "np.arcsin", "arccos": "np.arccos", "arctan": "np.arctan", "arcsinh": "np.arcsinh",
    "arccosh": "np.arccosh", "arctanh": "np.arctanh", "abs": "abs", "sqrt": "np.sqrt",
    "exp": "np.exp", "log": "np.log", "sin": "np.sin", "cos": "np.cos", "tan": "np.tan",
    "sinh": "np.sinh", "cosh": "np.cosh", "tanh": "np.tanh", "conj": "np.conj", "angle": "np.angle",
    "log2": "np.log2", "log10": "np.log10", "log1p": "np.log1p", "expm1": "np.expm1",
    "exp2": "np.exp2",
}  # fmt: skip
Writer = Callable[[Call], tuple[str, int]]  # the text and how tightly it binds
SUFFIX = {"float32": "f32", "float64": "f64", "uint64": "u64"}


def numba_name(dtype: str) -> str:
    """numba's name of a dtype."""
    return "boolean" if dtype == BOOL else dtype


def math_name(op: str, dtype: str) -> str:
    """The name of our own scalar function of a dtype."""
    return f"{op}_{SUFFIX[dtype]}"


def literal(value: Any, dtype: str) -> str:
    """A number as text that numba gives this dtype."""
    if dtype == BOOL:
        return str(bool(value))
    if dtype == INT:
        return str(int(value))
    if dtype in COMPLEX:
        return f"{dtype}({complex(value)!r})"
    if dtype in FLOATS:
        return _float_literal(float(value), dtype)
    return f"{dtype}({int(value)})"


def _float_literal(value: float, dtype: str) -> str:
    if math.isnan(value):
        return f"{dtype}(nan)"
    if math.isinf(value):
        return f"{dtype}({'-' if value < 0 else ''}inf)"
    if dtype == "float64":
        return repr(value)
    return f"{dtype}({value!r})"


def expression(expr: Expr) -> str:
    """An expression as text."""
    return _write(expr)[0]


def _write(expr: Expr) -> tuple[str, int]:
    """The text and how tightly its outermost operator binds."""
    if isinstance(expr, Lit):
        text = literal(expr.value, expr.dtype)
        return text, UNARY if text.startswith("-") else ATOM
    if isinstance(expr, Name):
        return expr.id, ATOM
    if isinstance(expr, Load):
        return f"{expr.buffer.name}[{expression(expr.index)}]", ATOM
    assert isinstance(expr, Call)
    return _write_call(expr)


def _write_call(expr: Call) -> tuple[str, int]:
    kind = expr.args[0].dtype
    special: Writer | None = SPECIAL.get(expr.op)
    if special is not None:
        return special(expr)
    if expr.op in INFIX or (kind == INT and expr.op in DIVISIONS):
        return _write_infix(expr)
    words = [expression(a) for a in expr.args]
    if kind == INT and expr.op in WHOLE:
        return f"{WHOLE[expr.op]}({', '.join(words)})", ATOM
    if kind in COMPLEX and expr.op in NUMPY:
        return f"{expr.dtype}({NUMPY[expr.op]}({', '.join(words)}))", ATOM
    if expr.op in EXTERNAL:
        return f"do_{expr.op}({', '.join(words)})", ATOM
    if expr.op in FUNCTIONS:
        return _narrow(f"{FUNCTIONS[expr.op]}({', '.join(words)})", expr.dtype), ATOM
    return f"{math_name(expr.op, kind)}({', '.join(words)})", ATOM


def _write_infix(expr: Call) -> tuple[str, int]:
    sign, strength = (INFIX | DIVISIONS)[expr.op]
    left, right = expr.args
    tight = strength + 1 if strength == 2 else strength
    text = f"{_inside(left, tight)} {sign} {_inside(right, strength + 1)}"
    narrow = text if expr.dtype == "uint64" else _narrow(text, expr.dtype)
    return (text, strength) if narrow == text else (narrow, ATOM)


def _inside(expr: Expr, needed: int) -> str:
    text, strength = _write(expr)
    return text if strength >= needed else f"({text})"


def _narrow(text: str, dtype: str) -> str:
    """numba widens small integers; give the result its dtype back."""
    if dtype in (INT, BOOL, *FLOATS, *COMPLEX):
        return text
    return f"{dtype}({text})"


def _cast(expr: Call) -> tuple[str, int]:
    (x,) = expr.args
    if expr.dtype == BOOL:
        return f"{_inside(x, 3)} != 0", 2
    if x.dtype in COMPLEX and expr.dtype not in COMPLEX:
        return f"{expr.dtype}({_inside(x, ATOM)}.real)", ATOM
    return f"{numba_name(expr.dtype)}({expression(x)})", ATOM


def _sign(expr: Call) -> tuple[str, int]:
    x = expr.args[0]
    one, word = literal(1, x.dtype), expression(x)
    if x.dtype in FLOATS:
        zero = literal(0, x.dtype)
        same = f"{_inside(x, ATOM)} + {zero}"  # -0 becomes +0
        return f"select({word} > {zero}, {one}, select({word} < {zero}, -{one}, {same}))", ATOM
    return _narrow(f"(({word} > 0) - ({word} < 0))", x.dtype), ATOM


def _negative(expr: Call) -> tuple[str, int]:
    text = f"-{_inside(expr.args[0], ATOM)}"
    narrow = _narrow(text, expr.dtype)
    return (text, UNARY) if narrow == text else (narrow, ATOM)


def _isinf(expr: Call) -> tuple[str, int]:
    x = expr.args[0]
    if x.dtype in COMPLEX:
        word = _inside(x, ATOM)
        return f"abs({word}.real) == inf or abs({word}.imag) == inf", 0
    return f"absolute({expression(x)}) == {literal(math.inf, x.dtype)}", 2


def _power(expr: Call) -> tuple[str, int]:
    base, exponent = (expression(a) for a in expr.args)
    if expr.dtype in FLOATS:
        return f"{math_name('pow', expr.dtype)}({base}, {exponent})", ATOM
    if expr.dtype in COMPLEX:
        return f"{expr.dtype}({base} ** {exponent})", ATOM
    return _narrow(f"power({base}, {exponent})", expr.dtype), ATOM


SPECIAL: dict[str, Writer] = {
    "cast": _cast,
    "sign": _sign,
    "neg": _negative,
    "isinf": _isinf,
    "pow": _power,
    "not": lambda e: (f"not {_inside(e.args[0], 3)}", 1),
    "invert": lambda e: (_narrow(f"~{_inside(e.args[0], ATOM)}", e.dtype), UNARY),
    "isnan": lambda e: (f"{_inside(e.args[0], 3)} != {_inside(e.args[0], 3)}", 2),
    "real": lambda e: (f"{_inside(e.args[0], ATOM)}.real", ATOM),
    "imag": lambda e: (f"{_inside(e.args[0], ATOM)}.imag", ATOM),
    "complex": lambda e: (
        f"{e.dtype}(complex({expression(e.args[0])}, {expression(e.args[1])}))",
        ATOM,
    ),
}


def harmless(text: str) -> str:
    r"""`text` on one line of ASCII that ends neither a comment nor a docstring.

    >>> harmless('a \"\"\" b')
    "a ''' b"
    """
    return text.encode("unicode_escape").decode("ascii").replace('"', "'")


def kernel_text(kernel: Kernel) -> str:
    """A kernel as a Python function."""
    names = [p.name if isinstance(p, Buffer) else p.id for p in kernel.params]
    lines = ["@kernel", f"def {kernel.name}(lo, hi, share{''.join(', ' + n for n in names)}):"]
    lines += [f"    # {harmless(note)}" for note in kernel.notes]
    return "\n".join([*lines, *statements_text(kernel.body, 1)])


def statements_text(body: Sequence[Stmt], depth: int) -> list[str]:
    """Statements as indented lines; the user's line stands beside the values it made."""
    pad, lines = "    " * depth, list[str]()
    for stmt in body:
        if isinstance(stmt, Let | Update):
            lines.append(f"{pad}{stmt.name} = {expression(stmt.value)}")
        elif isinstance(stmt, Store):
            index = expression(stmt.index)
            lines.append(f"{pad}{stmt.buffer.name}[{index}] = {expression(stmt.value)}")
        elif isinstance(stmt, Leave):
            lines += [f"{pad}if {expression(stmt.condition)}:", f"{pad}    break"]
        else:
            assert isinstance(stmt, Loop)
            lo, hi = expression(stmt.lo), expression(stmt.hi)
            span = hi if lo == "0" else f"{lo}, {hi}"
            lines.append(f"{pad}for {stmt.index} in range({span}):")
            lines += statements_text(stmt.body, depth + 1) or [f"{pad}    pass"]
    return lines or [f"{pad}pass"]
