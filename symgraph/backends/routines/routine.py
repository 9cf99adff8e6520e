"""A library routine as a driver calls it."""

from __future__ import annotations

import hashlib

from symgraph.dataclass import dataclass
from symgraph.lower.program import Routine


@dataclass(frozen=True)
class RoutineCall:
    """What the code of a call depends on: the routine, dtypes and ranks of arrays, settings."""

    routine: str
    arrays: tuple[tuple[str, int], ...]
    settings: tuple[int, ...]

    @property
    def symbol(self) -> str:
        """A name for the code."""
        name = self.routine.split(":")[1]
        return f"routine_{name}_{hashlib.sha256(repr(self).encode()).hexdigest()[:12]}"


def routine_call(step: Routine) -> RoutineCall:
    """How a step calls its routine."""
    arrays = tuple((b.dtype, len(dims)) for b, dims in (*step.outputs, *step.inputs))
    return RoutineCall(step.routine, arrays, step.settings)
