"""Loops and choices in ONNX: Loop, whose body reads rows of what lies outside, and If."""

from __future__ import annotations

import numpy as np

from symgraph.graph import Apply, Variable
from symgraph.ops import ifelse, scan
from symgraph.show.onnx.parts import sliced_rows
from symgraph.show.onnx.writer import Rule, Values, Writer, described, dtype_of, no_form
from symgraph.types import TensorType


def _scan(writer: Writer, node: Apply, operands: Values) -> Values:
    """A Loop that carries the last values of each state, and gives a row of each output."""
    op = node.op
    assert isinstance(op, scan.Scan)
    if op.stops and op.backwards:
        raise no_form(node, " when it runs backwards and may stop early")
    return _Loop(writer, node, op, operands).outputs()


class _Loop:
    """Writes one scan."""

    def __init__(self, writer: Writer, node: Apply, op: scan.Scan, operands: Values) -> None:
        self.writer, self.node, self.op = writer, node, op
        self.given = op.inputs(operands)
        self.count = writer.cast(self.given.count, "int64")
        self.states = [_kind(var) for var in op.inputs(node.inputs).initials]
        made = op.results(op.body.outputs)
        self.rows = [_kind(var) for var in (*made.nexts, *made.rows)]

    def outputs(self) -> Values:
        """The outputs of the scan, made of those of the loop."""
        op, writer = self.op, self.writer
        body = self._body()
        going = writer.constant(np.array(True))
        carried = [*self.given.initials, *([writer.constant(np.int64(0))] if op.stops else [])]
        made = writer.add_many(
            "Loop", len(carried) + len(self.rows), self.count, going, *carried, body=body
        )
        last, rows = made[: len(self.states)], made[len(carried) :]
        steps = made[len(self.states)] if op.stops else self.count
        rows = [self._complete(row, kind, steps) for row, kind in zip(rows, self.rows, strict=True)]
        states = [
            self._trace(initial, row) if state.traced else end
            for state, initial, row, end in zip(
                op.states, self.given.initials, rows, last, strict=False
            )
        ]
        return [*states, *rows[len(states) :], *([steps] if op.stops else [])]

    def _trace(self, initial: str, rows: str) -> str:
        """All values of a state, those of the steps behind the initial ones."""
        parts = [rows, initial] if self.op.backwards else [initial, rows]
        return self.writer.add("Concat", *parts, axis=0)

    def _complete(self, rows: str, kind: tuple[str, int], steps: str) -> str:
        """Rows in the order of the steps, with zeros for steps that were not done."""
        writer = self.writer
        if self.op.backwards:
            return sliced_rows(writer, rows, back=True)
        if not self.op.stops:
            return rows
        missing = writer.vector([writer.add("Sub", self.count, steps)])
        sizes = writer.add("Concat", missing, writer.add("Shape", rows, start=1), axis=0)
        zeros = writer.add("Expand", writer.constant(np.zeros((), kind[0])), sizes)
        return writer.add("Concat", rows, zeros, axis=0)

    def _body(self) -> object:
        """What one run does: inputs are its number, whether to go on, and what is carried."""
        op, inner = self.op, self.writer.inner()
        number, going = inner.name("run"), inner.name("going")
        windows = [inner.name("window") for _ in self.states]
        done = [inner.name("done")] if op.stops else []
        step = number
        if op.backwards:
            one = inner.constant(np.int64(1))
            step = inner.add("Sub", inner.add("Sub", self.count, one), number)
        self._arguments(inner, step, windows)
        inner.run(op.body.toposort())
        made = op.results([inner.value(var) for var in op.body.outputs])
        follow = [
            self._moved(inner, window, value)
            for window, value in zip(windows, made.nexts, strict=True)
        ]
        more = going if made.stop is None else inner.add("Not", made.stop)
        steps = [inner.add("Add", n, inner.constant(np.int64(1))) for n in done]
        inputs = [described(number, "int64", []), described(going, "bool", [])]
        inputs += [
            described(name, dtype, [None] * ndim)
            for name, (dtype, ndim) in zip(windows, self.states, strict=True)
        ]
        inputs += [described(n, "int64", []) for n in done]
        outputs = [more, *follow, *steps, *made.nexts, *made.rows]
        kinds = [("bool", 0), *self.states, *[("int64", 0) for _ in done], *self.rows]
        return inner.graph(str(op), inputs, outputs, kinds)

    def _arguments(self, inner: Writer, step: str, windows: Values) -> None:
        """Give the inputs of the body their values."""
        op = self.op
        slots = op.arguments(op.body.inputs)
        for var, sequence in zip(slots.rows, self.given.sequences, strict=True):
            inner.values[var] = inner.add("Gather", sequence, step, axis=0)
        for state, window, lagged in zip(op.states, windows, slots.lagged, strict=True):
            for lag, var in zip(state.lags, lagged, strict=True):
                place = lag - 1 if op.backwards else state.depth - lag
                at = inner.constant(np.int64(place))
                inner.values[var] = inner.add("Gather", window, at, axis=0)
        inner.values |= dict(zip(slots.others, self.given.others, strict=True))

    def _moved(self, inner: Writer, window: str, value: str) -> str:
        """The last values of a state, the newest one in and the oldest out."""
        row = inner.add("Unsqueeze", value, inner.numbers(0))
        if self.op.backwards:
            parts = [row, sliced_rows(inner, window, last=-1)]
        else:
            parts = [sliced_rows(inner, window, first=1), row]
        return inner.add("Concat", *parts, axis=0)


def _kind(var: Variable) -> tuple[str, int]:
    assert isinstance(var.type, TensorType)
    return var.type.dtype, var.type.ndim


def _chosen(writer: Writer, node: Apply, operands: Values) -> Values:
    """An If between values that are computed outside of it."""
    op = node.op
    assert isinstance(op, ifelse.IfElse)
    condition, *values = operands
    kinds = [(dtype_of(var), _kind(var)[1]) for var in node.outputs]
    branches = {
        name: writer.inner().graph(name, [], some, kinds)
        for name, some in (("then", values[: op.count]), ("else", values[op.count :]))
    }
    return writer.add_many(
        "If", op.count, condition, then_branch=branches["then"], else_branch=branches["else"]
    )


RULES: dict[type, Rule] = {scan.Scan: _scan, ifelse.IfElse: _chosen}
