"""Guards that the device looks at: an index in data, a condition on numbers it computes.

The driver does not wait for them. A kernel takes note of the first guard that does not hold
(`scalars.py`), every kernel after it does nothing if there is such a note, and the note is read
when all was launched, or earlier where the driver waits anyhow. So a look-up by data is recorded
like anything else, no kernel ever goes by an index that is out of range, and what a call overwrites
stays as it was: library calls and copies, which know of no notes, write elsewhere, and a kernel
brings over what they made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from symgraph.backends.cuda.scalars import FAILED, stored
from symgraph.kernel import HI, LO, Buffer, Expr, Load, Loop, Name, Store, binary, lit
from symgraph.lower.elements import make_launch
from symgraph.lower.program import (
    Allocate,
    Branch,
    Copy,
    Gemm,
    Launch,
    Put,
    Repeat,
    Slice,
    Step,
    every,
    touched,
)


def with_notes(steps: Sequence[Step], written: Sequence[Buffer]) -> list[Step]:
    """The steps, those behind a guard of the device heeding its note.

    `written` is memory of the caller's that the program overwrites.
    """
    if not any(FAILED in touched(step) for step in steps):
        return list(steps)
    sources = {s.buffer: s.source for s in every(steps) if isinstance(s, Slice)}
    return [_cleared(), *_Heeding(frozenset(written), sources).steps(steps)]


def _cleared() -> Launch:
    """A kernel that takes the note away."""
    note = Buffer("p_note", FAILED.dtype)
    launch = stored(Put(note, lit(0)))
    return replace(launch, kernel=replace(launch.kernel, name="clear_note"), args=(FAILED,))


class _Heeding:
    """Makes steps heed the note, from the first on that could find one."""

    def __init__(self, written: frozenset[Buffer], sources: Mapping[Buffer, Buffer]) -> None:
        self._written, self._sources = written, sources
        self._numbers = count(1)
        self._guarded = False

    def steps(self, steps: Sequence[Step]) -> list[Step]:
        """The steps of a list, in order."""
        return [heeding for step in steps for heeding in self._step(step)]

    def _step(self, step: Step) -> Iterator[Step]:
        self._guarded |= FAILED in touched(step)  # in a loop: by the run before
        if not self._guarded:
            yield step
        elif isinstance(step, Launch):
            yield _heeding(step)
        elif isinstance(step, Repeat):
            yield replace(step, body=tuple(self.steps(step.body)))
        elif isinstance(step, Branch):
            then, otherwise = (tuple(self.steps(side)) for side in (step.then, step.otherwise))
            yield replace(step, then=then, otherwise=otherwise)
        elif isinstance(step, Put) and self._is_written(step.buffer):
            yield _heeding(stored(step))
        elif isinstance(step, Copy) and self._is_written(step.target):
            yield _heeding(_copied(step))
        elif isinstance(step, Gemm) and self._is_written(step.c):
            yield from self._elsewhere(step)
        else:
            yield step

    def _is_written(self, buffer: Buffer) -> bool:
        while buffer in self._sources:
            buffer = self._sources[buffer]
        return buffer in self._written

    def _elsewhere(self, step: Gemm) -> Iterator[Step]:
        """A product made in memory of its own and put there, or added, by a kernel."""
        length, home = step.m * step.n, step.c
        made = replace(home, name=f"p_product_{next(self._numbers)}")
        yield Allocate(made, (step.m, step.n), length)
        yield replace(step, c=made, beta=lit(0, home.dtype))
        if step.beta == lit(0, home.dtype):
            yield _heeding(_copied(Copy(made, home, length)))
        else:
            yield _heeding(_added(step, made, length))


def _heeding(step: Launch) -> Launch:
    """A launch whose kernel does nothing if there is a note: it is given it."""
    kernel = step.kernel
    if FAILED in kernel.params:
        return step
    given = replace(kernel, params=(*kernel.params, FAILED))
    return replace(step, kernel=given, args=(*step.args, FAILED))


def _added(step: Gemm, product: Buffer, length: Expr) -> Launch:
    """A kernel that adds a product to what a multiple of its home holds."""
    place, home = Name("p"), step.c
    value = binary("mul", step.beta, Load(home, place)) + Load(product, place)
    loop = Loop(place.id, LO, HI, (Store(home, place, value),), apart=True)
    return make_launch(f"add_to_{home.name}", [loop], length, length, [step.node])


def _copied(step: Copy) -> Launch:
    """A kernel that copies elements."""
    place = Name("p")
    loop = Loop(
        place.id, LO, HI, (Store(step.target, place, Load(step.source, place)),), apart=True
    )
    return make_launch(f"copy_{step.target.name}", [loop], step.length, step.length, ())
