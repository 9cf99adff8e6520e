"""A scan taken apart, so that its slots can be changed and put together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symgraph.dataclass import dataclass
from symgraph.graph import Apply, Variable, ancestors, clone_graph
from symgraph.inner_graph import InnerGraph
from symgraph.loops.slots import many
from symgraph.ops.scan import Scan, State, depends_on
from symgraph.types import Tensor


@dataclass
class StateSlot:
    """A state: its initial values, what the body reads and hands on, its output of the node."""

    state: State
    initial: Tensor
    lagged: list[Tensor]
    after: Tensor
    out: Tensor


@dataclass
class RowSlot:
    """A further output: what a step makes, and its output of the node (None for a new one)."""

    made: Tensor
    out: Tensor | None


@dataclass
class Draft:
    """A scan whose slots may be changed. `rows` and `others` map inner variables to outer ones."""

    op: Scan
    count: Tensor
    rows: dict[Tensor, Tensor]
    states: list[StateSlot]
    outs: list[RowSlot]
    others: dict[Tensor, Tensor]
    stop: Tensor | None
    steps: Tensor | None

    @classmethod
    def of(cls, node: Apply, op: Scan, inputs: Sequence[Tensor]) -> Draft:
        """The slots of a node's op, applied to other inputs."""
        given, reads = op.inputs(inputs), op.arguments(op.body.inputs)
        made, outs = op.results(op.body.outputs), op.outputs(node.outputs)
        slots = zip(op.states, given.initials, reads.lagged, made.nexts, outs.states, strict=True)
        return cls(
            op,
            given.count,
            dict(zip(reads.rows, given.sequences, strict=True)),
            [StateSlot(*slot) for slot in slots],
            [RowSlot(*pair) for pair in zip(made.rows, outs.rows, strict=True)],
            dict(zip(reads.others, given.others, strict=True)),
            made.stop,
            outs.steps,
        )

    @property
    def lagged(self) -> list[Tensor]:
        """What the body reads of the states."""
        return [var for slot in self.states for var in slot.lagged]

    @property
    def results(self) -> list[Tensor]:
        """What the body makes: states, rows, whether to stop."""
        stop = [] if self.stop is None else [self.stop]
        return [*(s.after for s in self.states), *(o.made for o in self.outs), *stop]

    def set_results(self, results: Sequence[Tensor]) -> None:
        """Other forms of what the body makes, in the order of `results`."""
        found = iter(results)
        for slot in self.states:
            slot.after = next(found)
        for out in self.outs:
            out.made = next(found)
        self.stop = None if self.stop is None else next(found)

    def varying(self) -> set[Variable]:
        """The variables of the body that change from step to step."""
        return depends_on(self.results, [*self.rows, *self.lagged])

    def drop_unread(self) -> None:
        """Leave out rows and other inputs that the body does not read."""
        read = set(ancestors(self.results))
        self.rows = {var: whole for var, whole in self.rows.items() if var in read}
        self.others = {var: whole for var, whole in self.others.items() if var in read}

    def replace(self, replacements: Mapping[Variable, Variable]) -> None:
        """Put other expressions in the place of variables of the body."""
        if replacements:
            self.set_results(clone_graph(self.results, replacements))

    def close(self) -> dict[Variable, Variable]:
        """The scan made anew: for each output that is left of the node, what replaces it."""
        traced = {slot.after: slot for slot in self.states if slot.state.traced}
        rows = dict.fromkeys(out.made for out in self.outs if out.made not in traced)
        if not self.states and not rows and self.stop is None:
            return {}
        nexts, stop = [s.after for s in self.states], [] if self.stop is None else [self.stop]
        body = InnerGraph((*self.rows, *self.lagged, *self.others), (*nexts, *rows, *stop))
        op = replace(
            self.op,
            body=body,
            sequences=len(self.rows),
            states=tuple(slot.state for slot in self.states),
        )
        initials = (slot.initial for slot in self.states)
        inputs = [self.count, *self.rows.values(), *initials, *self.others.values()]
        made = op.outputs(many(op(*inputs)))
        found = {slot.out: new for slot, new in zip(self.states, made.states, strict=True)}
        outer = dict(zip(rows, made.rows, strict=True))
        for after, slot in traced.items():
            first, depth = op.place(0, slot.state.depth), slot.state.depth
            trace: Tensor = found[slot.out]
            outer[after] = trace[first : first - depth or None]
        for out in self.outs:
            if out.out is None:
                out.out = outer[out.made]
            found[out.out] = outer[out.made]
        if self.steps is not None:
            found[self.steps] = made.steps
        return found
