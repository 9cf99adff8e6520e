"""`debugprint`: a graph as an indented tree, in Theano's look."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TextIO

from symgraph.dataclass import dataclass
from symgraph.devices import CPU
from symgraph.errors import ExportError
from symgraph.graph import Apply, Constant, Graph, Op, Variable
from symgraph.show.subject import Subject, subject_of
from symgraph.show.words import leaf_text, visible

IDS = ("CHAR", "int", "id", "auto", "")
WIDEST = 80  # characters of indentation; then it starts over, so that deep graphs stay readable
Done = dict[Any, str]


def debugprint(
    obj: Any,
    depth: int = -1,
    print_type: bool = False,
    ids: str = "CHAR",
    file: TextIO | str | None = None,
    done: Done | None = None,
    stop_on_name: bool = False,
) -> Any:
    """Print what computes `obj`, one line for each variable, its inputs indented below it.

    Each node has an id; what is shown already is marked "···" and not shown again. Nodes of a
    compiled function end with their place in its order, and the GPU they run on if it is one.

    Parameters
    ----------
    obj
        A variable, a node, a list of them, a `Graph` or a compiled function.
    depth
        How many levels to show; all if negative.
    print_type
        Whether to show the types of variables.
    ids
        What ids are: "CHAR" (letters), "int" (numbers), "id" or "auto" (Python's), "" (none).
    file
        Where to print; standard output by default. "str" returns the text instead.
    done
        Ids given so far; pass one dict to several calls to share them.
    stop_on_name
        Whether not to look behind variables that have a name.

    >>> import symgraph.tensor as T
    >>> x = T.dvector("x")
    >>> debugprint(T.exp(x) + x)
    Add [id A] ''
     |Exp [id B] ''
     | |x [id C]
     |x [id C]
    """
    if ids not in IDS:
        raise ExportError(f"there are no ids {ids!r}; use one of {', '.join(map(repr, IDS))}")
    printer = _Printer(depth, print_type, ids, {} if done is None else done, stop_on_name)
    lines = printer.lines(subject_of(obj))
    if file == "str":
        return "\n".join(lines)
    stream: Any = file or sys.stdout
    stream.writelines(f"{line}\n" for line in lines)
    return stream if file else None


class _Line(NamedTuple):
    var: Variable
    level: int
    indent: str  # of the line itself
    below: str  # of what stands under it


@dataclass
class _Printer:
    depth: int
    print_type: bool
    ids: str
    done: Done
    stop_on_name: bool

    def __post_init__(self) -> None:
        self.opened = set(self.done)

    def lines(self, subject: Subject) -> Iterator[str]:
        """The lines of a graph, then those of the graphs inside its ops."""
        inner: deque[tuple[str, Graph]] = deque()
        yield from self._trees(subject, inner)
        if inner:
            yield "Inner graphs:"
        shown: set[Graph] = set()
        while inner:
            title, graph = inner.popleft()
            if graph in shown:
                continue
            shown.add(graph)
            yield ""
            yield title
            yield from self._trees(Subject(graph.inputs, graph.outputs), inner)

    def _trees(self, subject: Subject, inner: deque[tuple[str, Graph]]) -> Iterator[str]:
        nodes = enumerate(subject.toposort()) if subject.compiled else ()
        order = {node: f"   {n}{on_gpu(subject.places.get(node, CPU))}" for n, node in nodes}
        fence = set(subject.inputs)
        for var in subject.outputs:
            yield from self._tree(var, order, fence, inner)
        for shared, value in subject.updates:
            yield f"update of {leaf_text(shared)}:"
            yield from self._tree(value, order, fence, inner)

    def _tree(
        self,
        root: Variable,
        order: dict[Apply, str],
        fence: set[Variable],
        inner: deque[tuple[str, Graph]],
    ) -> Iterator[str]:
        stack = [_Line(root, 1, "", "")] if self.depth else []
        while stack:
            line = stack.pop()
            node = None if line.var in fence else line.var.owner
            text = line.indent + self._text(line.var, node, order)
            named = self.stop_on_name and line.var.name is not None
            if node is None or not node.inputs or line.level == self.depth or named:
                yield text
            elif node in self.opened:
                yield f"{text} ···"
            else:
                yield text
                self.opened.add(node)
                title = visible(f"{node.op} [id {self._id(node)}]")
                inner.extend((title, graph) for graph in graphs_of(node.op))
                stack.extend(reversed(_below(line, node.inputs)))

    def _text(self, var: Variable, node: Apply | None, order: dict[Apply, str]) -> str:
        number = self._id(node or var)
        marks = f" [id {number}]" if number else ""
        if self.print_type:
            marks += f" {type_mark(var)}"
        if node is None:
            return leaf_line(var) + marks
        index = f".{var.index}" if len(node.outputs) > 1 else ""
        place = order.get(node, "")
        return f"{visible(str(node.op))}{index}{marks} '{visible(var.name or '')}'{place}"

    def _id(self, item: Apply | Variable) -> str:
        if item not in self.done:
            count = len(self.done)
            made = {"CHAR": letters(count), "int": str(count), "": ""}
            self.done[item] = made.get(self.ids, str(id(item)))
        return self.done[item]


def on_gpu(place: str) -> str:
    """The words for where a node runs; none for the CPU."""
    return "" if place == CPU else f" on {place}"


def _below(line: _Line, inputs: Sequence[Variable]) -> list[_Line]:
    """The lines of a node's inputs."""
    start = line.below if len(line.below) < WIDEST else f"{line.level}:"
    last = len(inputs) - 1
    return [
        _Line(var, line.level + 1, f"{start} |", start + ("  " if n == last else " |"))
        for n, var in enumerate(inputs)
    ]


def leaf_line(var: Variable) -> str:
    """A variable that nothing computes, as Theano shows it."""
    if var.name is None and isinstance(var, Constant):
        return f"{type(var).__name__}{{{leaf_text(var)}}}"
    return leaf_text(var) if var.name is not None else type_mark(var)


def type_mark(var: Variable) -> str:
    """The type in angle brackets."""
    return f"<{visible(str(var.type))}>"


def letters(number: int) -> str:
    """A number in letters: A, B, ..., Z, BA, BB, ...

    >>> [letters(n) for n in (0, 25, 26, 700)]
    ['A', 'Z', 'BA', 'BAY']
    """
    text = chr(ord("A") + number % 26)
    return letters(number // 26) + text if number >= 26 else text


def graphs_of(op: Op) -> list[Graph]:
    """The graphs an op holds: a loop's body, the branches of a choice."""
    return [value for value in getattr(op, "__dict__", {}).values() if isinstance(value, Graph)]
