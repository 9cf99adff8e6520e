"""`trace`: every intermediate value of a graph as a table."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from symgraph.dataclass import dataclass
from symgraph.errors import MissingInputError
from symgraph.graph import Apply, Constant, Variable
from symgraph.interpret import interpret
from symgraph.shared import SharedVariable
from symgraph.show.subject import subject_of
from symgraph.show.values import short, summary_of
from symgraph.show.words import leaf_text, visible

WIDTH = 140  # columns where no terminal says how many


@dataclass(frozen=True)
class Value:
    """What one variable held: its line, shape, dtype, range, mean, NaNs and infinities."""

    what: str
    line: str
    shape: tuple[int, ...]
    dtype: str
    least: Any
    most: Any
    mean: Any
    nans: int
    infinities: int
    variable: Variable


class Values(tuple[Value, ...]):
    """The values of a graph in order; `print` shows them as a table."""

    __slots__ = ()

    def __rich__(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for name in ("value", "dtype", "shape"):
            table.add_column(name)
        for name in ("min", "max", "mean", "NaN", "inf"):
            table.add_column(name, justify="right")
        table.add_column("line", overflow="fold")
        for v in self:
            numbers = [short(number) for number in (v.least, v.most, v.mean)]
            numbers += [str(v.nans or ""), str(v.infinities or "")]
            style = "red" if v.nans or v.infinities else ""
            shape = "x".join(map(str, v.shape))
            table.add_row(escape(v.what), v.dtype, shape, *numbers, escape(v.line), style=style)
        return table

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
        console.print(self)
        return str(console.file.getvalue())  # type: ignore[attr-defined]


def trace(outputs: Any, inputs: Mapping[Any, Any] | None = None) -> Values:
    """Every value on the way to `outputs`: line, shape, dtype, least, greatest, mean, NaNs.

    Parameters
    ----------
    outputs
        A variable, a list of them, or a compiled function, whose rewritten graph is traced.
    inputs
        Values of the inputs, by variable or name; shared variables have their own.

    Returns
    -------
    Values
        A tuple of `Value`, inputs first; `print` shows it as a table.

    Raises
    ------
    MissingInputError
        An input has no value.

    >>> import symgraph.tensor as T
    >>> x = T.dvector("x")
    >>> [(v.what, v.least, v.most, v.nans) for v in trace(T.log(x) * 2, {x: [-1.0, 1.0]})]
    [('x', -1.0, 1.0, 0), ('Log', 0.0, 0.0, 1), ('Mul', 0.0, 0.0, 1)]
    """
    subject = subject_of(outputs)
    given = {k if isinstance(k, Variable) else str(k): v for k, v in (inputs or {}).items()}
    known: dict[Variable, Any] = {}
    for var in subject.leaves():
        if isinstance(var, SharedVariable):
            known[var] = var.get_value(borrow=True)
        elif not isinstance(var, Constant):
            known[var] = var.type.filter(_given(var, given), allow_downcast=True)
    rows = [_value(var, value, leaf_text(var)) for var, value in known.items()]

    def watch(node: Apply, operands: Sequence[Any], results: Sequence[Any] | None) -> None:
        for var, value in zip(node.outputs, results or (), strict=bool(results)):
            number = f".{var.index}" if len(node.outputs) > 1 else ""
            name = f"{visible(var.name)} = " if var.name else ""
            rows.append(_value(var, value, f"{name}{node.op}{number}"))

    interpret(subject.roots, known, watch)
    return Values(rows)


def _given(var: Variable, given: Mapping[Any, Any]) -> Any:
    for key in (var, var.name):
        if key in given:
            return given[key]
    raise MissingInputError(f"{var}, made at {var.made_at}, has no value; add it to the inputs")


def _value(var: Variable, value: Any, what: str) -> Value:
    return Value(visible(what), visible(str(var.made_at)), *summary_of(value), var)
