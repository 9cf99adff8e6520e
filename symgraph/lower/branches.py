"""Lazy choices: the steps of both branches, of which one is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symgraph.graph import Apply
from symgraph.lower.program import Branch, Step

if TYPE_CHECKING:
    from symgraph.lower.level import Level


def write_branches(node: Apply, level: Level) -> Branch:
    """The branch that a condition takes, its values made in the memory of the outputs."""
    homes = [level.buffers[out] for out in node.outputs]
    condition = level.value(node.inputs[0])
    sides: list[tuple[Step, ...]] = []
    for side in level.sizes.branches[node]:
        inside = level.inside(side.graph, (), (), homes, side.checks)
        inside.emit_items()
        inside.deliver(homes)
        sides.append(tuple(inside.steps))
    return Branch(condition, sides[0], sides[1])
