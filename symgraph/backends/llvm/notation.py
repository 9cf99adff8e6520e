"""A notation for routines written by hand: sizes as expressions, loops and choices as `with`.

Kernel IR's expressions are what sizes and places are written in, so arithmetic is Python's:

    with code.loop(lit(0), rows, step=8) as i:
        tile = code.let(smaller(rows - i, lit(8)))

Vectors and calls are lines of LLVM, as in any `Body`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from symgraph.backends.llvm.body import Body, Needs
from symgraph.backends.llvm.scalars import OPERATIONS
from symgraph.backends.llvm.words import TYPES
from symgraph.kernel import INT, Expr, Name, call, lit

Param = tuple[str, str]  # the name of an argument, and its type: a dtype or LLVM's own


def smaller(a: Expr, b: Expr) -> Expr:
    """The lesser of two sizes."""
    return call("minimum", a, b)


def greater(a: Expr, b: Expr) -> Expr:
    """The greater of two sizes."""
    return call("maximum", a, b)


def pieces(size: Expr, width: int) -> Expr:
    """How many pieces of a width cover a size."""
    return (size + (width - 1)) // width


class Code(Body):
    """The text of one function under way; its arguments are names, or pointers of LLVM."""

    def __init__(self, name: str, params: Sequence[Param], needs: Needs) -> None:
        super().__init__(needs, OPERATIONS)
        self.name, self.returns = name, "void"
        self.head: list[str] = []
        self.stride: Expr = lit(1)
        self._named = 0
        for param, kind in params:
            self.head.append(f"{TYPES.get(kind, kind)} %{param}")
            self.values[param] = f"%{param}"

    def let(self, expr: Expr) -> Name:
        """Compute a number once."""
        if isinstance(expr, Name):
            return expr
        return self.named(self.position(expr), expr.dtype)

    def named(self, operand: str, dtype: str = INT) -> Name:
        """A name for an operand of LLVM."""
        self._named += 1
        name = Name(f"let{self._named}", dtype)
        self.values[name.id] = operand
        return name

    def either(self, condition: Expr, yes: str, no: str) -> str:
        """One of two pointers."""
        return self.get(f"select i1 {self.value(condition)}, ptr {yes}, ptr {no}")

    def invoke(self, function: str, *args: str | Expr, rest: str = "") -> None:
        """Call a function of this module with sizes, pointers, and other operands with types."""
        words = [f"i64 {self.position(a)}" if isinstance(a, Expr) else f"ptr {a}" for a in args]
        self.do(f"call void {function}({', '.join([*words, rest] if rest else words)})")

    def leaf(self, function: str, *args: str | Expr, rest: Sequence[tuple[str, str]] = ()) -> None:
        """Call a function of another module likewise."""
        words = [("i64", self.position(a)) if isinstance(a, Expr) else ("ptr", a) for a in args]
        self.run(f"@{function}", *words, *rest)

    def place(self, pointer: str, index: Expr, dtype: str) -> str:
        """The address of an element behind a pointer."""
        where = self.position(index)
        return self.get(f"getelementptr inbounds {TYPES[dtype]}, ptr {pointer}, i64 {where}")

    def item(self, words: str, index: Expr) -> Name:
        """An element of an array of words."""
        at = self.place(words, index, INT)
        return self.named(self.get(f"load i64, ptr {at}"))

    def set_item(self, words: str, index: Expr, value: Expr) -> None:
        """Write an element of an array of words."""
        operand = self.position(value)
        self.do(f"store i64 {operand}, ptr {self.place(words, index, INT)}")

    def make(self, size: Expr) -> str:
        """New memory of so many bytes."""
        return self.call("@malloc", "ptr", ("i64", self.position(greater(size, lit(1)))))

    def drop(self, memory: str) -> None:
        """Give memory back."""
        self.run("@free", ("ptr", memory))

    def clear(self, pointer: str, size: Expr) -> None:
        """Write zeros to so many bytes."""
        words = ("ptr", pointer), ("i8", "0"), ("i64", self.position(size)), ("i1", "false")
        self.run("@llvm.memset.p0.i64", *words)

    def copy(self, to: str, source: str, size: Expr) -> None:
        """Copy so many bytes."""
        words = ("ptr", to), ("ptr", source), ("i64", self.position(size)), ("i1", "false")
        self.run("@llvm.memcpy.p0.p0.i64", *words)

    @contextmanager
    def loop(self, lo: Expr, hi: Expr, step: int | None = 1) -> Iterator[Name]:
        """Run the block for lo, lo + step, ... below hi; without a step the block sets `stride`."""
        first, last = self.position(lo), self.position(hi)
        head, inside, after = (self.label(hint) for hint in ("head", "body", "after"))
        index, following, before = self.fresh(), self.fresh(), self.block
        latch = self.label("next")
        self.jump(head)
        self.begin(head)
        self.do(f"{index} = phi i64 [ {first}, %{before} ], [ {following}, %{latch} ]")
        self.branch(self.get(f"icmp slt i64 {index}, {last}"), inside, after)
        self.begin(inside)
        yield self.named(index)
        stride = self.position(self.stride) if step is None else str(step)
        self.jump(latch)
        self.begin(latch)
        self.do(f"{following} = add nsw i64 {index}, {stride}")
        self.jump(head)
        self.begin(after)

    @contextmanager
    def when(self, condition: Expr) -> Iterator[None]:
        """Run the block if a condition holds."""
        inside, after = self.label("then"), self.label("go")
        self.branch(self.value(condition), inside, after)
        self.begin(inside)
        yield
        self.jump(after)
        self.begin(after)

    def text(self, attributes: str = "nounwind", linkage: str = "internal ") -> str:
        """The whole function."""
        head = (
            f"define {linkage}{self.returns} @{self.name}({', '.join(self.head)}) {attributes} {{"
        )
        return "\n".join([head, "entry:", *self.lines, "}"])


class Words:
    """A block of words with names: sizes, and pointers."""

    def __init__(self, code: Code, block: str, names: Sequence[str]) -> None:
        self.code, self.block = code, block
        self.places = {name: place for place, name in enumerate(names)}

    def _at(self, name: str) -> str:
        return self.code.get(f"getelementptr i64, ptr {self.block}, i64 {self.places[name]}")

    def put(self, **sizes: Expr) -> None:
        """Write sizes."""
        for name, size in sizes.items():
            operand = self.code.position(size)
            self.code.do(f"store i64 {operand}, ptr {self._at(name)}")

    def point(self, **pointers: str) -> None:
        """Write pointers."""
        for name, pointer in pointers.items():
            self.code.do(f"store ptr {pointer}, ptr {self._at(name)}")

    def size(self, name: str) -> Name:
        """Read a size."""
        return self.code.named(self.code.get(f"load i64, ptr {self._at(name)}"))

    def sizes(self, names: str) -> list[Name]:
        """Read sizes whose names are apart by blanks."""
        return [self.size(name) for name in names.split()]

    def pointer(self, name: str) -> str:
        """Read a pointer."""
        return self.code.get(f"load ptr, ptr {self._at(name)}")
