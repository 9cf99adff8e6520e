"""Reports of routines of ours: what they would tell is known beforehand, and checked there.

On the CPU a routine says after its work what was wrong. Here the driver would wait for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symgraph.backends.cuda.own_routines import own_routine
from symgraph.families import Library
from symgraph.kernel import Buffer, Expr, lit
from symgraph.lower.program import Branch, Guard, Repeat, Routine, Step, every, touched


def without_reports(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps; whether there are as many elements as a routine is asked for, a guard tells."""
    asked: dict[Buffer, tuple[Expr, Expr]] = {}
    for step in every(steps):
        if isinstance(step, Routine) and _reports(step):
            (_, wanted), (report, _) = step.outputs
            asked[report] = wanted[-1], step.inputs[0][1][-1]
    return _without(steps, asked) if asked else tuple(steps)


def _reports(step: Routine) -> bool:
    op, own = step.node.op, own_routine(step.routine)
    return own is not None and isinstance(op, Library) and op.failure is not None


def _without(steps: Sequence[Step], asked: dict[Buffer, tuple[Expr, Expr]]) -> tuple[Step, ...]:
    kept: list[Step] = []
    places: dict[Buffer, int] = {}  # where the routine of a report is among them
    for step in steps:
        here = [buffer for buffer in touched(step) if buffer in asked]
        if isinstance(step, Repeat):
            kept.append(replace(step, body=_without(step.body, asked)))
        elif isinstance(step, Branch):
            then, other = (_without(s, asked) for s in (step.then, step.otherwise))
            kept.append(replace(step, then=then, otherwise=other))
        elif isinstance(step, Routine) and here:
            places[here[0]] = len(kept)
            kept.append(replace(step, outputs=step.outputs[:-1]))
        elif isinstance(step, Guard) and here:
            wanted, there = asked[here[0]]
            guard = replace(step, condition=wanted <= there, values=(lit(1), there))
            kept.insert(places[here[0]], guard)
        elif not here:
            kept.append(step)
    return tuple(kept)
