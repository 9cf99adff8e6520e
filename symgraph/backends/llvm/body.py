"""Writes the body of one LLVM function, line by line, and what its module has to declare.

The text is built by hand: a kernel has hundreds of instructions, and writing each as a line is ten
times as fast as building the objects of `llvmlite.ir`. LLVM's parser checks all of it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from functools import reduce

from symgraph.backends.llvm.words import OVERLOAD, TYPES, alignment, constant, in_memory
from symgraph.dataclass import dataclass
from symgraph.errors import VerifyError
from symgraph.kernel import Buffer, Call, Expr, Lit, Load, Name, walk

# Operations that make no negative number of others.
NEVER_BELOW = frozenset(("add", "mul", "minimum", "maximum", "floordiv", "mod"))


@dataclass
class Needs:
    """What the functions of a module refer to: declarations, and functions defined beside them."""

    declared: dict[str, str] = field(default_factory=dict)  # by name
    defined: dict[str, str] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)  # the instructions of what is defined

    def text(self) -> str:
        """All of it, callees first."""
        return "\n".join((*self.declared.values(), *self.defined.values()))

    def foreign(self, prefix: str = "") -> tuple[str, ...]:
        """The symbols that begin so and that other modules define, LLVM's own left out."""
        names = (name.removeprefix("@") for name in self.declared)
        return tuple(n for n in names if n.startswith(prefix) and not n.startswith("llvm."))

    def include(self, other: Needs) -> None:
        """Take over what another function needs."""
        self.declared |= other.declared
        self.defined |= other.defined
        self.weights |= other.weights


Writer = Callable[["Body", Call, list[str]], str]  # an operation's operands -> its result


class Body:
    """The text of a function under way.

    Values are operands as LLVM writes them, `%12` or a number. A name of the kernel stands for
    an operand, or for a slot of memory if it is an accumulator; LLVM puts slots in registers.
    """

    def __init__(self, needs: Needs, operations: dict[str, Writer]) -> None:
        self.needs, self.operations = needs, operations
        self.lines: list[str] = []
        self.values: dict[str, str] = {}
        self.slots: dict[str, str] = {}
        self.pointers: dict[Buffer, str] = {}
        self.block = "entry"
        self.inner = ""  # the index of the innermost loop
        self.behind = ""  # the block behind it
        self.access = ""  # what is said of each access to a buffer
        self.weight = 0  # the instructions so far, those of functions to be inlined included
        self._count = 0
        self._wraps = True  # whether int64 arithmetic may overflow; positions in memory do not

    def fresh(self) -> str:
        """A name no other value has."""
        self._count += 1
        return f"%v{self._count}"

    def do(self, text: str) -> None:
        """An instruction without a result."""
        self.lines.append(f"  {text}")

    def get(self, text: str) -> str:
        """The result of an instruction."""
        name = self.fresh()
        self.lines.append(f"  {name} = {text}")
        self.weight += 1
        return name

    def label(self, hint: str) -> str:
        """A name for a block that begins later."""
        self._count += 1
        return f"{hint}{self._count}"

    def begin(self, label: str) -> None:
        """Begin a block; the one before ended in a branch."""
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        """Go on at a block."""
        self.do(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        """Go on at one of two blocks."""
        self.do(f"br i1 {condition}, label %{yes}, label %{no}")

    @contextmanager
    def unless(self, condition: str, hint: str = "rare") -> Iterator[None]:
        """Instructions that run only where a condition does not hold."""
        inside, after = self.label(hint), self.label("go")
        self.branch(condition, after, inside)
        self.begin(inside)
        yield
        self.jump(after)
        self.begin(after)

    # --- expressions -------------------------------------------------------------------------

    def value(self, expr: Expr) -> str:
        """Write an expression; the operand that holds it."""
        if isinstance(expr, Name):
            return self._name(expr)
        if isinstance(expr, Lit):
            return constant(expr.value, expr.dtype)
        if isinstance(expr, Load):
            return self.load(self.element(expr.buffer, expr.index), expr.dtype)
        assert isinstance(expr, Call)
        operands = [self.value(a) for a in expr.args]
        writer = self.operations.get(expr.op)
        if writer is None:
            raise VerifyError(f"the LLVM target has no operation {expr.op}")
        return writer(self, expr, operands)

    def position(self, expr: Expr) -> str:
        """Write an int64 expression that counts elements, so that it cannot overflow."""
        before, self._wraps = self._wraps, False
        operand = self.value(expr)
        self._wraps = before
        return operand

    @property
    def no_wrap(self) -> str:
        """The flag of int64 arithmetic where it cannot overflow."""
        return "" if self._wraps else "nsw "

    def _name(self, name: Name) -> str:
        slot = self.slots.get(name.id)
        if slot is None:
            return self.values[name.id]
        return self.get(f"load {TYPES[name.dtype]}, ptr {slot}")

    # --- memory ------------------------------------------------------------------------------

    def element(self, buffer: Buffer, index: Expr) -> str:
        """The address of an element of a buffer."""
        kind, start = in_memory(buffer.dtype), self.pointers[buffer]
        row = _row_start(index, self.inner)
        if row is not None:
            place = self.position(row)
            start = self.get(f"getelementptr inbounds {kind}, ptr {start}, i64 {place}")
            index = Name(self.inner)
        place = self.position(index)
        return self.get(f"getelementptr inbounds {kind}, ptr {start}, i64 {place}")

    def load(self, address: str, dtype: str) -> str:
        """The number at an address."""
        kind = in_memory(dtype)
        word = self.get(f"load {kind}, ptr {address}, align {alignment(dtype)}{self.access}")
        return self.get(f"icmp ne i8 {word}, 0") if dtype == "bool" else word

    def store(self, address: str, value: str, dtype: str) -> None:
        """Write a number to an address."""
        if dtype == "bool":
            value = self.get(f"zext i1 {value} to i8")
        where = f"ptr {address}, align {alignment(dtype)}{self.access}"
        self.do(f"store {in_memory(dtype)} {value}, {where}")

    # --- calls -------------------------------------------------------------------------------

    def intrinsic(self, name: str, kind: str, *operands: str) -> str:
        """Call an LLVM intrinsic whose operands and result are of one type."""
        full = f"@llvm.{name}.{OVERLOAD.get(kind, kind)}"
        return self.call(full, kind, *((kind, o) for o in operands))

    def call(self, function: str, kind: str, *operands: tuple[str, str]) -> str:
        """Call a function of another module; operands come with their types."""
        self._declare(function, kind, operands)
        return self.get(f"call {kind} {function}({_list(operands)})")

    def run(self, function: str, *operands: tuple[str, str]) -> None:
        """Call a function of another module that returns nothing."""
        self._declare(function, "void", operands)
        self.do(f"call void {function}({_list(operands)})")

    def _declare(self, function: str, kind: str, operands: tuple[tuple[str, str], ...]) -> None:
        if function not in self.needs.declared:
            kinds = ", ".join(k for k, _ in operands)
            self.needs.declared[function] = f"declare {kind} {function}({kinds})"


def _row_start(index: Expr, inner: str) -> Expr | None:
    """Where a row begins of which `inner` counts the elements, if an index says so.

    Written apart, because LLVM makes `j + 256` a bitwise or where j is below 256, and then no
    longer sees that elements lie side by side: it would gather them one by one.
    """
    terms = _terms(index)
    rest = [term for term in terms if term != Name(inner)]
    if len(rest) + 1 != len(terms) or not rest or not all(map(_is_place, rest)):
        return None
    return reduce(operator.add, rest)


def _terms(index: Expr) -> list[Expr]:
    """What an index adds up."""
    found, stack = [], [index]
    while stack:
        item = stack.pop()
        if isinstance(item, Call) and item.op == "add":
            stack += reversed(item.args)
        else:
            found.append(item)
    return found


def _is_place(term: Expr) -> bool:
    """Whether an expression cannot be negative, made of sizes and indices as it is."""
    return all(
        isinstance(part, Name)
        or (isinstance(part, Lit) and part.value >= 0)
        or (isinstance(part, Call) and part.op in NEVER_BELOW)
        for part in walk(term)
    )


def _list(operands: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{kind} {operand}" for kind, operand in operands)
