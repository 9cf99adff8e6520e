"""Kernel IR: the language between the graph and the machines, and its verifier.

A kernel is loops over flat buffers. Expressions know their dtype; indices are flat
(element) offsets into row-major buffers. Every target writes all of this page.

    Expr  Lit(value)  Name(id)  Load(buffer, index)  Call(op, args)
    Stmt  Let(name, value)  Update(name, value)  Store(buffer, index, value)
          Loop(index, lo, hi, body, apart, folds)
    Kernel(name, params, body)
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.errors import VerifyError

BOOL, INT = "bool", "int64"

# Every scalar operation a kernel may call, by number of operands. A target spells each of them.
ARITY: dict[str, int] = (
    dict.fromkeys(
        "neg abs sign not invert rint floor ceil trunc sqrt cast bits from_bits".split(), 1
    )
    | dict.fromkeys(
        "add add_error sub mul div floordiv mod pow minimum maximum copysign".split(), 2
    )
    | dict.fromkeys("eq ne lt le gt ge and or xor shl shr add_any_order mul_any_order".split(), 2)
    | dict.fromkeys(
        "exp exp2 expm1 log log2 log10 log1p sigmoid softplus erf erfc erfinv trigamma".split(), 1
    )
    | dict.fromkeys("sin cos tan arcsin arccos arctan sinh cosh tanh".split(), 1)
    | dict.fromkeys("arcsinh arccosh arctanh isnan isinf real imag conj angle".split(), 1)
    | {"arctan2": 2, "zeta": 2, "select": 3, "fma": 3, "complex": 2, "philox": 3, "philox_high": 3}
)
# Operations on float64 that a target calls in `scipy.special.cython_special`: the name of the
# function there, and the number of operands.
EXTERNAL: dict[str, tuple[str, int]] = {
    "beta": ("beta", 2),
    "betainc": ("__pyx_fuse_0betainc", 3),
    "betaincinv": ("__pyx_fuse_0betaincinv", 3),
    "betaln": ("betaln", 2),
    "cbrt": ("cbrt", 1),
    "erfcinv": ("erfcinv", 1),
    "erfcx": ("__pyx_fuse_1erfcx", 1),
    "gamma": ("__pyx_fuse_1gamma", 1),
    "gammainc": ("gammainc", 2),
    "gammaincc": ("gammaincc", 2),
    "gammainccinv": ("gammainccinv", 2),
    "gammaincinv": ("gammaincinv", 2),
    "gammaln": ("gammaln", 1),
    "hyp2f1": ("__pyx_fuse_1hyp2f1", 4),
    "i0": ("i0", 1),
    "i1": ("i1", 1),
    "iv": ("__pyx_fuse_1iv", 2),
    "ive": ("__pyx_fuse_1ive", 2),
    "j0": ("j0", 1),
    "j1": ("j1", 1),
    "jv": ("__pyx_fuse_1jv", 2),
    "kv": ("__pyx_fuse_1kv", 2),
    "kve": ("__pyx_fuse_1kve", 2),
    "log_ndtr": ("__pyx_fuse_1log_ndtr", 1),
    "ndtri": ("ndtri", 1),
    "ndtri_exp": ("ndtri_exp", 1),
    "owens_t": ("owens_t", 2),
    "poch": ("poch", 2),
    "psi": ("__pyx_fuse_1psi", 1),
    "yv": ("__pyx_fuse_1yv", 2),
}
ARITY |= {op: arity for op, (_, arity) in EXTERNAL.items()}
# Operations worth storing rather than computing twice.
COSTLY = frozenset(EXTERNAL) | frozenset(
    "pow exp exp2 expm1 log log2 log10 log1p sigmoid softplus erf erfc erfinv trigamma zeta"
    " sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh arctan2"
    " floordiv mod philox philox_high".split()
)


@dataclass(frozen=True)
class Buffer:
    """A row-major block of memory; `name` is unique within a program."""

    name: str
    dtype: str


class Expr:
    """A scalar expression. Python operators build `Call`s; numbers take the expression's dtype."""

    dtype: str

    def __add__(self, other: Any) -> Expr:
        return binary("add", self, other)

    def __radd__(self, other: Any) -> Expr:
        return binary("add", other, self)

    def __sub__(self, other: Any) -> Expr:
        return binary("sub", self, other)

    def __rsub__(self, other: Any) -> Expr:
        return binary("sub", other, self)

    def __mul__(self, other: Any) -> Expr:
        return binary("mul", self, other)

    def __rmul__(self, other: Any) -> Expr:
        return binary("mul", other, self)

    def __truediv__(self, other: Any) -> Expr:
        return binary("div", self, other)

    def __rtruediv__(self, other: Any) -> Expr:
        return binary("div", other, self)

    def __floordiv__(self, other: Any) -> Expr:
        return binary("floordiv", self, other)

    def __rfloordiv__(self, other: Any) -> Expr:
        return binary("floordiv", other, self)

    def __mod__(self, other: Any) -> Expr:
        return binary("mod", self, other)

    def __neg__(self) -> Expr:
        return call("neg", self)

    def __and__(self, other: Any) -> Expr:
        return binary("and", self, other)

    def __or__(self, other: Any) -> Expr:
        return binary("or", self, other)

    def __lt__(self, other: Any) -> Expr:
        return compare("lt", self, other)

    def __le__(self, other: Any) -> Expr:
        return compare("le", self, other)

    def __gt__(self, other: Any) -> Expr:
        return compare("gt", self, other)

    def __ge__(self, other: Any) -> Expr:
        return compare("ge", self, other)


@dataclass(frozen=True)
class Lit(Expr):
    """A number."""

    value: Any
    dtype: str = INT


@dataclass(frozen=True)
class Name(Expr):
    """A scalar bound by `Let`, a loop, or the kernel's parameters."""

    id: str
    dtype: str = INT


@dataclass(frozen=True)
class Load(Expr):
    """The element of `buffer` at a flat index."""

    buffer: Buffer
    index: Expr

    @property
    def dtype(self) -> str:  # type: ignore[override]
        """The buffer's dtype."""
        return self.buffer.dtype


@dataclass(frozen=True)
class Call(Expr):
    """A scalar operation, one of `ARITY`, with the dtype of its result."""

    op: str
    args: tuple[Expr, ...]
    dtype: str


class Stmt:
    """A statement of a kernel."""


@dataclass(frozen=True)
class Let(Stmt):
    """Bind a name once."""

    name: str
    value: Expr
    note: str = field(default="", compare=False)  # the user's line, for readers


@dataclass(frozen=True)
class Update(Stmt):
    """Give an accumulator, bound by a `Let` outside the loop, its next value."""

    name: str
    value: Expr


@dataclass(frozen=True)
class Store(Stmt):
    """Write one element."""

    buffer: Buffer
    index: Expr
    value: Expr


@dataclass(frozen=True)
class Leave(Stmt):
    """Go on behind the innermost loop where a condition holds; that loop is not `apart`."""

    condition: Expr


@dataclass(frozen=True)
class Fold:
    """How accumulators are put together when several workers each had a share of a loop.

    `combined` are their values from their own and from those of another worker, `others`.
    """

    accs: tuple[Name, ...]
    others: tuple[Name, ...]
    combined: tuple[Expr, ...]


@dataclass(frozen=True)
class Loop(Stmt):
    """Run `body` for `index` in [lo, hi).

    The runs of a loop that is `apart` may be shared out: each writes to places of its own, and
    what they have in common are accumulators, which `folds` put together afterwards. A loop in
    order may have `folds` too, for loops inside it.
    """

    index: str
    lo: Expr
    hi: Expr
    body: tuple[Stmt, ...]
    apart: bool = False
    folds: tuple[Fold, ...] = ()


@dataclass(frozen=True)
class Kernel:
    """A function over its share [lo, hi) of an outer extent.

    `params` are the buffers and scalar names it takes after (`lo`, `hi`, `worker`).
    """

    name: str
    params: tuple[Buffer | Name, ...]
    body: tuple[Stmt, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """The buffers among the parameters."""
        return tuple(p for p in self.params if isinstance(p, Buffer))


LO, HI, WORKER = Name("lo"), Name("hi"), Name("worker")
OUTER = (LO, HI, WORKER)
COMPARISONS = frozenset(("eq", "ne", "lt", "le", "gt", "ge"))
FOLD: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "minimum": min,
    "maximum": max,
}
DECIDE: dict[str, Callable[[int, int], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def lit(value: Any, dtype: str = INT) -> Lit:
    """A literal of a dtype."""
    return Lit(value, dtype)


def as_expr(value: Any, dtype: str = INT) -> Expr:
    """`value` itself if it is an expression, else a literal of `dtype`."""
    return value if isinstance(value, Expr) else Lit(value, dtype)


def call(op: str, *args: Expr, dtype: str | None = None) -> Expr:
    """A call whose result has `dtype`, by default its first operand's."""
    return Call(op, args, dtype or args[0].dtype)


def compare(op: str, left: Any, right: Any) -> Expr:
    """A comparison; numbers take the other operand's dtype."""
    left, right = _pair(left, right)
    if isinstance(left, Lit) and isinstance(right, Lit) and left.dtype == INT:
        return Lit(DECIDE[op](left.value, right.value), BOOL)
    return Call(op, (left, right), BOOL)


def binary(op: str, left: Any, right: Any) -> Expr:
    """An arithmetic call with integer constants folded; numbers take the other's dtype."""
    left, right = _pair(left, right)
    if left.dtype == INT:
        return _fold(op, left, right)
    return Call(op, (left, right), left.dtype)


def _pair(left: Any, right: Any) -> tuple[Expr, Expr]:
    dtype = left.dtype if isinstance(left, Expr) else right.dtype
    return as_expr(left, dtype), as_expr(right, dtype)


def _fold(op: str, left: Expr, right: Expr) -> Expr:
    a = left.value if isinstance(left, Lit) else None
    b = right.value if isinstance(right, Lit) else None
    if (
        a is not None
        and b is not None
        and op in FOLD
        and not (op in ("floordiv", "mod") and b == 0)
    ):
        return Lit(FOLD[op](a, b))
    if (op == "add" and a == 0) or (op == "mul" and a == 1):
        return right
    if (op in ("add", "sub") and b == 0) or (op in ("mul", "floordiv") and b == 1):
        return left
    if (op == "mul" and (a == 0 or b == 0)) or (op == "mod" and b == 1):
        return Lit(0)
    if op == "sub" and left == right:
        return Lit(0)
    return Call(op, (left, right), INT)


def cast(value: Expr, dtype: str) -> Expr:
    """`value` converted to `dtype`; nothing when it has it already."""
    if value.dtype == dtype:
        return value
    return Call("cast", (value,), dtype)


def select(condition: Expr, then: Any, other: Any) -> Expr:
    """`then` where `condition` holds, else `other`; both are evaluated."""
    then, other = _pair(then, other)
    if isinstance(condition, Lit):
        return then if condition.value else other
    return Call("select", (condition, then, other), then.dtype)


def walk(value: Expr) -> Iterator[Expr]:
    """Every expression inside `value`, itself first."""
    stack = [value]
    while stack:
        item = stack.pop()
        yield item
        if isinstance(item, Call):
            stack.extend(item.args)
        elif isinstance(item, Load):
            stack.append(item.index)


def statements(body: Sequence[Stmt]) -> Iterator[Stmt]:
    """Every statement of `body`, loops opened."""
    for stmt in body:
        yield stmt
        if isinstance(stmt, Loop):
            yield from statements(stmt.body)


def expressions(stmt: Stmt) -> tuple[Expr, ...]:
    """The expressions a statement holds itself, those of a loop's body left out."""
    if isinstance(stmt, Store):
        return (stmt.index, stmt.value)
    if isinstance(stmt, Loop):
        return (stmt.lo, stmt.hi)
    if isinstance(stmt, Leave):
        return (stmt.condition,)
    assert isinstance(stmt, Let | Update)
    return (stmt.value,)


def verify(kernel: Kernel) -> None:
    """Raise `VerifyError` unless every name is bound before use, once, and types agree."""
    names = {p.id: p.dtype for p in (*OUTER, *kernel.params) if isinstance(p, Name)}
    _verify_body(kernel, kernel.body, names, frozenset())


def _fail(kernel: Kernel, message: str) -> None:
    raise VerifyError(f"kernel {kernel.name}: {message}")


def _verify_body(
    kernel: Kernel, body: Sequence[Stmt], names: dict[str, str], outer: frozenset[str]
) -> None:
    names = dict(names)
    for stmt in body:
        for expr in expressions(stmt):
            _verify_expr(kernel, expr, names)
        _verify_leave(kernel, stmt, outer)
        if isinstance(stmt, Let):
            if stmt.name in names:
                _fail(kernel, f"{stmt.name} is bound twice")
            names[stmt.name] = stmt.value.dtype
        elif isinstance(stmt, Update):
            if names.get(stmt.name) != stmt.value.dtype:
                _fail(kernel, f"{stmt.name} is updated to {stmt.value.dtype}")
        elif isinstance(stmt, Store):
            if stmt.buffer not in kernel.params:
                _fail(kernel, f"stores to unknown buffer {stmt.buffer.name}")
            if stmt.value.dtype != stmt.buffer.dtype:
                _fail(kernel, f"stores {stmt.value.dtype} to {stmt.buffer}")
        elif isinstance(stmt, Loop):
            if stmt.index in names:
                _fail(kernel, f"loop index {stmt.index} is bound already")
            _verify_body(kernel, stmt.body, names | {stmt.index: INT}, outer | {stmt.index})
            _verify_folds(kernel, stmt.folds, names)


def _verify_leave(kernel: Kernel, stmt: Stmt, outer: frozenset[str]) -> None:
    if isinstance(stmt, Leave) and (stmt.condition.dtype != BOOL or not outer):
        _fail(kernel, "leaves no loop, or on no condition")


def _verify_folds(kernel: Kernel, folds: Sequence[Fold], names: dict[str, str]) -> None:
    for fold in folds:
        others = {name.id: name.dtype for name in fold.others}
        for expr in (*fold.accs, *fold.combined):
            _verify_expr(kernel, expr, names | others)


def _verify_expr(kernel: Kernel, root: Expr, names: dict[str, str]) -> None:
    for expr in walk(root):
        if isinstance(expr, Name) and names.get(expr.id) != expr.dtype:
            _fail(
                kernel, f"{expr.id} is read as {expr.dtype} but is {names.get(expr.id, 'unbound')}"
            )
        elif isinstance(expr, Load):
            if expr.buffer not in kernel.params:
                _fail(kernel, f"loads from unknown buffer {expr.buffer.name}")
            if expr.index.dtype != INT:
                _fail(kernel, f"index of {expr.buffer.name} is {expr.index.dtype}")
        elif isinstance(expr, Call):
            if ARITY.get(expr.op) != len(expr.args):
                _fail(kernel, f"no operation {expr.op} of {len(expr.args)} operands")
            if expr.op in COMPARISONS and expr.args[0].dtype != expr.args[1].dtype:
                _fail(kernel, f"{expr.op} compares {expr.args[0].dtype} with {expr.args[1].dtype}")
