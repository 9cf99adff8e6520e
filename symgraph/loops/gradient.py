"""The gradient of a scan: another scan, from the last step to the first.

A step back is the pullback of the step. It reads the rows the step read, the states from their
traces, and the values of the step that are dear to compute again, which the forward loop then
keeps as further rows. It carries the cotangents of the states from step to step, and adds up
those of what all steps read alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.families import Elemwise, Indexed, SizeOf, View, is_continuous
from symgraph.grad import pullback
from symgraph.graph import Apply, Variable, ancestors, clone_graph, toposort
from symgraph.inner_graph import InnerGraph
from symgraph.kernel import COSTLY, Call, Name, walk
from symgraph.loops.slots import many
from symgraph.ops.arith import add, minimum
from symgraph.ops.compare import eq
from symgraph.ops.create import alloc, zeros_like
from symgraph.ops.index import inc_subtensor, set_subtensor
from symgraph.ops.scan import Outputs, Scan, State, depends_on
from symgraph.ops.select import switch
from symgraph.ops.shape import shape_i
from symgraph.types import Tensor, Tensors, constant


def differentiate(op: Scan, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
    """The cotangents of a scan's inputs from those of its outputs."""
    return _Backward(op, inputs, outputs, output_grads).cotangents()


Scan.differentiate = differentiate


@dataclass
class _Carried:
    """The cotangent that state `number` owes to its reading `lag` steps later."""

    number: int
    lag: int
    before: Tensor  # what the step back is passed
    after: Tensor  # what it hands on


class _Backward:
    """The scan that goes back, and what is made of its outputs."""

    def __init__(self, op: Scan, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> None:
        self.op, self.given = op, op.inputs(inputs)
        self.grads = op.outputs(output_grads)
        self.reads, self.made = op.arguments(op.body.inputs), op.results(op.body.outputs)
        self.duals = [_like(v) if is_continuous(v) else None for v in self._results]
        self._pull()
        kept, traced = self._needed()
        self.forward = self._forward(inputs, outputs, kept, traced)
        self.rows_kept = {v: _like(v) for v in kept}
        self.low, self.high = self._range()

    @property
    def _results(self) -> list[Tensor]:
        """What a step makes of which cotangents come: states, then rows."""
        return [*self.made.nexts, *self.made.rows]

    # --- one step back ---------------------------------------------------------------------

    def _pull(self) -> None:
        """The pullback of a step: what each thing it reads is owed."""
        starts: dict[Variable, Variable] = {}
        for var, dual in zip(self._results, self.duals, strict=True):
            if dual is not None:
                starts[var] = add(starts[var], dual) if var in starts else dual
        lagged = [var for lags in self.reads.lagged for var in lags]
        targets = [v for v in (*self.reads.rows, *lagged, *self.reads.others) if is_continuous(v)]
        found = pullback(starts, targets) if starts else []
        self.owed = {v: g for v, g in zip(targets, found, strict=False) if g is not None}

    def _needed(self) -> tuple[list[Tensor], set[int]]:
        """The values of a step to be kept for the step back, and the states to be traced."""
        duals = [dual for dual in self.duals if dual is not None]
        steps = [*self.reads.rows, *(v for lags in self.reads.lagged for v in lags)]
        back, varying = depends_on(self.owed.values(), duals), set[Variable]()
        if not self.op.recompute:
            varying = depends_on(self.owed.values(), steps) - set(steps)
        nodes = [n for n in toposort(self.owed.values()) if n.outputs[0] in back]
        pending = [v for n in nodes for v in n.inputs if v not in back]
        pending += [v for v in self.owed.values() if v not in back]
        kept, seen = dict[Tensor, None](), set[Variable]()
        while pending:
            var = pending.pop()
            if var in seen or var.owner is None:
                continue
            seen.add(var)
            if var in varying and not _is_cheap(var.owner):
                kept[var] = None
            elif not isinstance(var.owner.op, SizeOf):
                pending += var.owner.inputs
        read = set(ancestors(self.owed.values(), stop=kept))
        traced = {k for k, lags in enumerate(self.reads.lagged) if not read.isdisjoint(lags)}
        return list(kept), traced

    def _forward(
        self, inputs: Tensors, outputs: Tensors, kept: Sequence[Tensor], traced: set[int]
    ) -> Outputs:
        """The outputs of the loop with what the way back needs; loops that agree are merged."""
        op = self.op
        states = tuple(
            state._replace(traced=state.traced or k in traced) for k, state in enumerate(op.states)
        )
        if not kept and states == op.states:
            return op.outputs(outputs)
        stop = [self.made.stop] if op.stops else []
        body = InnerGraph(op.body.inputs, (*self._results, *kept, *stop))
        longer = replace(op, body=body, states=states)
        return longer.outputs(many(longer(*inputs)))

    def _range(self) -> tuple[Tensor, Tensor]:
        """The first step that cotangents flow through, and the one after the last."""
        count = self.forward.steps if self.op.stops else self.given.count
        if self.op.truncate < 0:
            return constant(0), count
        steps = minimum(count, self.op.truncate)
        return (constant(0), steps) if self.op.backwards else (count - steps, count)

    @property
    def _whole(self) -> bool:
        return self.op.truncate < 0 and not self.op.stops

    def _part(self, whole: Tensor, shift: int, rows: int) -> Tensor:
        """The rows of the steps in range, which begin `shift` rows late, of `rows` more than n."""
        if not self._whole:
            return whole[self.low + shift : self.high + shift]
        return whole if rows == 0 else whole[shift : shift - rows or None]

    def _trace(self, k: int, lag: int) -> Tensor:
        depth = self.op.states[k].depth
        return self._part(self.forward.states[k], self.op.place(0, depth, lag), depth)

    # --- the loop back ---------------------------------------------------------------------

    def cotangents(self) -> list[Tensor | None]:
        """The cotangents of all inputs, None where nothing flows."""
        carried = self._carried()
        totals, rows = self._totals(carried)
        sums = {v: _like(v) for v in self.reads.others if v in self.owed}
        added = [add(total, self.owed[v]) for v, total in sums.items()]
        wanted = [v for v in self.reads.rows if v in self.owed]
        results = [*(c.after for c in carried), *added, *(self.owed[v] for v in wanted)]
        results = clone_graph(results, totals | self.rows_kept)
        rows = self._rows_read(rows, results)
        lagged = [*(c.before for c in carried), *sums.values()]
        others = [*zip(self.reads.others, self.given.others, strict=True)]
        others = [(v, whole) for v, whole in others if v in set(ancestors(results))]
        states = [*(State((c.lag,), False) for c in carried), *[State(traced=False)] * len(sums)]
        body = InnerGraph((*rows, *lagged, *(v for v, _ in others)), tuple(results))
        op = replace(
            self.op, body=body, sequences=len(rows), states=tuple(states), stops=False,
            truncate=-1, at_least=0, backwards=not self.op.backwards,
            label=f"{self.op.label} back" if self.op.label else "back",
        )  # fmt: skip
        initials = [*map(self._initial, carried), *map(self._nothing, sums)]
        count = self.high if self._whole else self.high - self.low
        made = op.outputs(
            many(op(count, *rows.values(), *initials, *(w for _, w in others))) if results else []
        )
        return self._gathered(carried, made, wanted, list(sums))

    def _carried(self) -> list[_Carried]:
        """The cotangents that go from step to step."""
        found = []
        for k, (state, lags) in enumerate(zip(self.op.states, self.reads.lagged, strict=True)):
            for lag, var in zip(state.lags, lags, strict=True):
                last = not state.traced and lag == state.depth and is_continuous(var)
                if var in self.owed or last:
                    after = self.owed[var] if var in self.owed else zeros_like(var)
                    found.append(_Carried(k, lag, _like(var), after))
        return found

    def _totals(
        self, carried: Sequence[_Carried]
    ) -> tuple[dict[Variable, Variable], dict[Variable, Tensor]]:
        """What each dual stands for in the loop back, and the rows it takes from outside."""
        totals, rows = dict[Variable, Variable](), dict[Variable, Tensor]()
        given = [*self.grads.states, *self.grads.rows]
        for k, (dual, g) in enumerate(zip(self.duals, given, strict=True)):
            if dual is None:
                continue
            parts = [c.before for c in carried if c.number == k]
            is_state = k < len(self.op.states)
            if not is_state or self.op.states[k].traced:
                row = _like(dual)
                depth = self.op.states[k].depth if is_state else 0
                rows[row] = self._part(g, self.op.place(0, depth), depth)
                parts.append(row)
            total = parts[0] if parts else zeros_like(self._results[k])
            for part in parts[1:]:
                total = add(total, part)
            totals[dual] = total
        return totals, rows

    def _rows_read(
        self, rows: dict[Variable, Tensor], results: Sequence[Variable]
    ) -> dict[Variable, Tensor]:
        """The rows that the step back reads: of sequences, traces, kept values, cotangents."""
        every = dict[Variable, Tensor]()
        for var, whole in zip(self.reads.rows, self.given.sequences, strict=True):
            every[var] = whole
        read = set(ancestors(results))
        found = {v: self._part(whole, 0, 0) for v, whole in every.items() if v in read}
        for k, (state, lags) in enumerate(zip(self.op.states, self.reads.lagged, strict=True)):
            found |= {
                v: self._trace(k, lag) for v, lag in zip(lags, state.lags, strict=True) if v in read
            }
        first = len(self.forward.rows) - len(self.rows_kept)
        for var, whole in zip(self.rows_kept.values(), self.forward.rows[first:], strict=True):
            if var in read:
                found[var] = self._part(whole, 0, 0)
        return found | {v: whole for v, whole in rows.items() if v in read}

    def _initial(self, carried: _Carried) -> Tensor:
        """What a state is owed before any step back: what comes from its last values."""
        state, initial = self.op.states[carried.number], self.given.initials[carried.number]
        if not state.traced and carried.lag == state.depth:
            return self.grads.states[carried.number]
        sizes = [shape_i(initial, axis) for axis in range(1, initial.type.ndim)]
        return alloc(constant(0, dtype=initial.type.dtype), carried.lag, *sizes)

    def _nothing(self, var: Tensor) -> Tensor:
        """Zeros like a value that every step reads, with a leading axis."""
        whole = self.given.others[self.reads.others.index(var)]
        sizes = [shape_i(whole, axis) for axis in range(whole.type.ndim)]
        return alloc(constant(0, dtype=whole.type.dtype), 1, *sizes)

    # --- what it gives ---------------------------------------------------------------------

    def _gathered(
        self,
        carried: Sequence[_Carried],
        made: Outputs,
        wanted: Sequence[Tensor],
        summed: Sequence[Tensor],
    ) -> list[Tensor | None]:
        rows = dict(zip(wanted, made.rows, strict=False))
        ends = dict(zip(summed, made.states[len(carried) :], strict=False))
        sequences = [
            self._spread(rows.get(var), whole)
            for var, whole in zip(self.reads.rows, self.given.sequences, strict=True)
        ]
        owed = list(zip(carried, made.states, strict=False))
        initials = [
            self._to_initial(k, [(c.lag, end) for c, end in owed if c.number == k])
            for k in range(len(self.op.states))
        ]
        others = [ends[var][0] if var in ends else None for var in self.reads.others]
        return [None, *sequences, *initials, *others]

    def _spread(self, rows: Tensor | None, whole: Tensor) -> Tensor | None:
        """Rows of the steps in range as rows of the sequence, zeros elsewhere."""
        if rows is None or self._whole:
            return rows
        return set_subtensor(zeros_like(whole)[self.low : self.high], rows)

    def _to_initial(self, k: int, owed: Sequence[tuple[int, Tensor]]) -> Tensor | None:
        """What the initial values of a state are owed: by steps that read them, and directly."""
        state, initial = self.op.states[k], self.given.initials[k]
        if not is_continuous(initial):
            return None
        total = zeros_like(initial)
        if state.traced:
            g = self.grads.states[k]
            total = g[self.given.count :] if self.op.backwards else g[: state.depth]
        for lag, end in owed:
            if self.op.truncate >= 0:
                end = switch(eq(self.high - self.low, self._steps), end, 0)
            if lag == state.depth:
                total = add(total, end)
            else:
                part = total[:lag] if self.op.backwards else total[state.depth - lag :]
                total = inc_subtensor(part, end)
        return total

    @property
    def _steps(self) -> Tensor:
        return self.forward.steps if self.op.stops else self.given.count


def _like(var: Any) -> Tensor:
    return var.type(var.name)


def _is_cheap(node: Apply) -> bool:
    """Whether a value is computed again rather than kept: it costs little beside a read."""
    if isinstance(node.op, Elemwise):
        names = (Name(f"x{k}", v.type.dtype) for k, v in enumerate(node.inputs))  # type: ignore[attr-defined]
        parts = walk(node.op.expression(*names))
        return not any(isinstance(part, Call) and part.op in COSTLY for part in parts)
    return isinstance(node.op, Indexed | View | SizeOf)
