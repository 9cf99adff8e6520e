"""Loops in their canonical form: what rewriting does to a graph with scans in it.

merged      scans of the same steps and states become one
pruned      outputs, states and inputs that nothing reads are left out
last only   of a state whose last value alone is read, only that is kept
rewritten   the body is a graph like any other
moved out   what does not change from step to step, and products of rows of sequences
summed      sums over the steps are taken after the loop        accumulate.py
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from symgraph.graph import (
    Apply,
    Constant,
    Graph,
    Variable,
    ancestors,
    clients,
    clone_graph,
    toposort,
)
from symgraph.inner_graph import InnerGraph
from symgraph.loops.accumulate import join_sums, split_sums
from symgraph.loops.draft import Draft, StateSlot
from symgraph.loops.motion import move_out, parts_first, start_from_last, take_in
from symgraph.loops.slots import many
from symgraph.ops.arith import Add
from symgraph.ops.ifelse import Branches
from symgraph.ops.pattern import AT, SLICE
from symgraph.ops.scan import Scan
from symgraph.ops.subtensor import Subtensor
from symgraph.places import made_for
from symgraph.rewrite import Moved, RuleSet, Watch, rewrite
from symgraph.types import Tensor

ROUNDS = 8  # a loop settles in two or three

Readers = dict[Variable, list[tuple[Apply, int]]]


def canonical(
    graph: Graph,
    rules: RuleSet,
    *,
    watch: Watch | None = None,
    moved: Moved | None = None,
    improved: Callable[[Graph, Graph], None] | None = None,
) -> Graph:
    """A graph rewritten by rules, the loops in it too.

    `watch` and `moved` are told of rewrites as `rewrite` does, `improved` of the graph before and
    after its loops were improved.
    """
    graph = rewrite(graph, rules, watch=watch, moved=moved)
    for _ in range(ROUNDS):
        if not any(isinstance(node.op, Scan | Branches) for node in graph.toposort()):
            break
        outputs = _Improver(graph, rules).run()
        if outputs is None:
            break
        better = Graph(graph.inputs, outputs)
        if improved is not None:
            improved(graph, better)
        graph = rewrite(better, rules, watch=watch, moved=moved)
    return graph


class _Improver:
    """One pass over the scans of a graph."""

    def __init__(self, graph: Graph, rules: RuleSet) -> None:
        self.rules = rules
        self.outputs = merged(graph)
        self.readers = clients(self.outputs)
        self.kept = set(self.outputs)
        self.became: dict[Variable, Variable] = {}
        self.changed = self.outputs != graph.outputs

    def run(self) -> tuple[Variable, ...] | None:
        """The outputs with better loops; None if there was nothing to do."""
        for node in toposort(self.outputs):
            if node.outputs[0] in self.became:
                continue
            inputs = [self.became.get(var, var) for var in node.inputs]
            if isinstance(node.op, Scan):
                self._improve(node, node.op, inputs)
            elif isinstance(node.op, Branches):
                self._improve_branches(node, node.op, inputs)
            elif any(new is not old for new, old in zip(inputs, node.inputs, strict=True)):
                with made_for(node.made_at):
                    fresh = node.clone_with_new_inputs(inputs)
                self.became.update(zip(node.outputs, fresh.outputs, strict=True))
        if not self.changed:
            return None
        return tuple(self.became.get(var, var) for var in self.outputs)

    def _improve(self, node: Apply, op: Scan, inputs: Sequence[Tensor]) -> None:
        with made_for(node.made_at):
            draft = Draft.of(node, op, inputs)
            lasts = self._last_only(draft)
            self._prune(draft)
            take_in(draft)
            start_from_last(draft)
            terms = split_sums(draft)
            move_out(draft)
            parts_first(draft)
            self._rewrite(draft)
            totals = join_sums(draft, terms)
            move_out(draft)
            draft.drop_unread()
            found = draft.close()
            found |= {out: total() for out, total in totals.items()}
            ends: dict[Variable, Tensor] = dict(found)
            self.became |= {var: ends[s.out][s.state.depth - 1] for var, s in lasts.items()}
        after = next((v.owner for v in found.values() if v.owner is not None), None)
        if after is not None and (after.op, after.inputs) == (op, tuple(inputs)):
            if node.inputs != after.inputs:
                self.became.update(zip(node.outputs, after.outputs, strict=True))
            return
        self.changed = True
        self.became |= found

    def _improve_branches(self, node: Apply, op: Branches, inputs: Sequence[Tensor]) -> None:
        """Both graphs in canonical form, inputs that they do not read left out."""
        graphs, given = [], list[Tensor]()
        for graph, outer in zip((op.then, op.otherwise), op.inputs(inputs), strict=True):
            outputs = canonical(Graph(graph.inputs, graph.outputs), self.rules).outputs
            behind = list(ancestors(outputs))
            large = [v for v in behind if isinstance(v, Constant) and v.data.size > 1]
            twins: dict[Variable, Variable] = {v: v.type.make_variable(v.name) for v in large}
            outputs = tuple(clone_graph(outputs, twins))
            read = [(v, o) for v, o in zip(graph.inputs, outer, strict=True) if v in set(behind)]
            read += zip(twins.values(), large, strict=True)
            graphs.append(InnerGraph(tuple(v for v, _ in read), outputs))
            given += [o for _, o in read]
        new = Branches(*graphs)
        if new == op and inputs == list(node.inputs):
            return
        self.changed |= new != op
        with made_for(node.made_at):
            fresh = new.make_node(inputs[0], *given)
        self.became.update(zip(node.outputs, fresh.outputs, strict=True))

    def _rewrite(self, draft: Draft) -> None:
        """The body in canonical form, loops in it too."""
        inputs = (*draft.rows, *draft.lagged, *draft.others)
        body = canonical(Graph(inputs, tuple(draft.results)), self.rules)
        draft.set_results(body.outputs)

    def _prune(self, draft: Draft) -> None:
        """Leave out outputs that are not read, and states that nothing depends on."""
        draft.outs = [out for out in draft.outs if out.out in self.readers or out.out in self.kept]
        read = list(draft.results[len(draft.states) :])
        needed = [s for s in draft.states if s.out in self.readers or s.out in self.kept]
        while True:
            behind = set(ancestors([*read, *(s.after for s in needed)]))
            more = [s for s in draft.states if not behind.isdisjoint(s.lagged)]
            more = [s for s in more if all(s is not n for n in needed)]
            if not more:
                break
            needed += more
        draft.states = [s for s in draft.states if any(s is n for n in needed)]
        draft.drop_unread()

    # --- the last value only ---------------------------------------------------------------

    def _last_only(self, draft: Draft) -> dict[Variable, StateSlot]:
        """Trace no state whose last value alone is read; what reads it so, and its slot."""
        found: dict[Variable, StateSlot] = {}
        for slot in draft.states:
            reads = self._last_reads(slot, draft)
            if reads is not None and slot.state.traced and not draft.op.backwards:
                slot.state = slot.state._replace(traced=False)
                draft.op = replace(draft.op, at_least=max(draft.op.at_least, bool(reads)))
                found |= dict.fromkeys(reads, slot)
        return found

    def _last_reads(self, slot: StateSlot, draft: Draft) -> list[Variable] | None:
        """What reads the last row of a trace; None if there are other reads."""
        if slot.out in self.kept:
            return None
        found: list[Variable] = []
        for node, _ in self.readers.get(slot.out, ()):
            (var,) = node.outputs if len(node.outputs) == 1 else (None,)
            if _is_last(node):
                found.append(node.outputs[0])
            elif var is None or var in self.kept or not _is_trace(node, slot, draft):
                return None
            else:
                after = [n for n, _ in self.readers.get(var, ())]
                if not all(map(_is_last, after)):
                    return None
                found += [n.outputs[0] for n in after]
        return found


def _numbers(node: Apply) -> list[int | None]:
    """The constants an index is made of, None for what is not known."""
    return [int(v.data) if isinstance(v, Constant) else None for v in node.inputs[1:]]


def _is_last(node: Apply) -> bool:
    """Whether a node takes the last row."""
    if not isinstance(node.op, Subtensor) or [p.kind for p in node.op.parts] != [AT]:
        return False
    (place,), rows = _numbers(node), node.inputs[0].type.shape[0]  # type: ignore[attr-defined]
    return place == -1 or (place is not None and place + 1 == rows)


def _is_trace(node: Apply, slot: StateSlot, draft: Draft) -> bool:
    """Whether a node cuts off the initial rows, and the rows of steps not done."""
    if not isinstance(node.op, Subtensor) or len(node.op.parts) != 1:
        return False
    (part,), numbers = node.op.parts, _numbers(node)
    if part.kind != SLICE or numbers[0] != slot.state.depth or not part.has[0] or part.has[2]:
        return False
    if not part.has[1]:
        return not draft.op.stops
    end = node.inputs[2].owner
    parts = end.inputs if end is not None and isinstance(end.op, Add) else ()
    return draft.steps in parts and any(
        isinstance(v, Constant) and int(v.data) == slot.state.depth for v in parts
    )


# --- scans that are one ------------------------------------------------------------------------


def merged(graph: Graph) -> tuple[Variable, ...]:
    """The outputs with scans of the same inputs and the same states made one."""
    outputs = graph.outputs
    while True:
        groups: dict[Any, list[Apply]] = {}
        for node in toposort(outputs):
            if isinstance(node.op, Scan):
                groups.setdefault(_likeness(node, node.op), []).append(node)
        group = next((nodes for nodes in groups.values() if len(nodes) > 1), None)
        if group is None:
            return outputs
        outputs = tuple(clone_graph(outputs, _one(group)))


def _likeness(node: Apply, op: Scan) -> tuple[Any, ...]:
    made = op.results(op.body.outputs)
    nexts = InnerGraph(op.body.inputs, (*made.nexts, *([made.stop] if op.stops else [])))
    lags = tuple(state.lags for state in op.states)
    return (node.inputs, op.sequences, lags, op.backwards, op.stops, op.truncate, nexts)


def _one(nodes: Sequence[Apply]) -> dict[Variable, Variable]:
    """One scan that makes what several make: for their outputs, what replaces them."""
    first, ops = nodes[0], [node.op for node in nodes if isinstance(node.op, Scan)]
    op, given = ops[0], ops[0].body.inputs
    states = tuple(
        state._replace(traced=any(o.states[k].traced for o in ops))
        for k, state in enumerate(op.states)
    )
    made = op.results(op.body.outputs)
    rows: list[Tensor] = []
    for other in ops:
        same = dict(zip(other.body.inputs, given, strict=True))
        rows += clone_graph(other.results(other.body.outputs).rows, same)
    stop = [made.stop] if op.stops else []
    body = InnerGraph(given, (*made.nexts, *rows, *stop))
    with made_for(first.made_at):
        least = max(o.at_least for o in ops)
        whole = replace(op, body=body, states=states, at_least=least)
        return _replaced(nodes, ops, whole, many(whole(*first.inputs)))


def _replaced(
    nodes: Sequence[Apply], ops: Sequence[Scan], whole: Scan, made: Sequence[Tensor]
) -> dict[Variable, Variable]:
    new, found = whole.outputs(made), dict[Variable, Variable]()
    rows = iter(new.rows)
    count: Tensor = new.steps if whole.stops else nodes[0].inputs[0]
    for node, op in zip(nodes, ops, strict=True):
        old = op.outputs(node.outputs)
        for var, trace, mine, its in zip(
            old.states, new.states, op.states, whole.states, strict=True
        ):
            end = 0 if whole.backwards else count
            found[var] = trace if mine == its else trace[end : end + mine.depth]
        found.update((var, next(rows)) for var in old.rows)
        if whole.stops:
            found[old.steps] = new.steps
    return found
