"""Steps of a plan as lines of Python, whatever machine they drive: loops and choices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from symgraph.kernel import Expr
from symgraph.lower.program import (
    Allocate,
    Bind,
    Branch,
    Copy,
    Gemm,
    Guard,
    Launch,
    Put,
    Repeat,
    Routine,
    Slice,
    Step,
)

Lines: TypeAlias = Iterator[str]


class Flow:
    """A driver's text, step by step: a target adds a method for each other step of `WRITERS`."""

    def _scalar(self, expr: Expr) -> str:
        """A number of the driver's."""
        raise NotImplementedError

    def _step(self, step: Step) -> Lines:
        write: Callable[[Any], Lines] = getattr(self, WRITERS[type(step)])
        return write(step)

    def _bind(self, step: Bind) -> Lines:
        yield f"{step.name} = {self._scalar(step.value)}"

    def _branch(self, step: Branch) -> Lines:
        yield f"if {self._scalar(step.condition)}:"
        yield from self._block(step.then)
        yield "else:"
        yield from self._block(step.otherwise)

    def _repeat(self, step: Repeat) -> Lines:
        """A loop; the run in which `until` holds is the last."""
        if step.done:
            yield f"{step.done} = {self._scalar(step.count)}"
        yield f"for {step.index} in range({self._scalar(step.count)}):"
        yield from self._block(step.body)
        if step.until is not None:
            yield f"    if {self._scalar(step.until)}:"
            yield f"        {step.done} = {step.index} + 1"
            yield "        break"

    def _block(self, steps: Sequence[Step]) -> Lines:
        """Steps one level further in."""
        lines = [line for step in steps for line in self._step(step)]
        lines += self._left(steps)
        yield from (f"    {line}" for line in lines or ["pass"])

    def _left(self, steps: Sequence[Step]) -> Iterable[str]:
        """What is said when a block of steps is done."""
        return ()


def sequence(words: Iterable[str]) -> str:
    """A tuple of Python's."""
    return f"({''.join(f'{w}, ' for w in words)})"


WRITERS: Mapping[type, str] = {
    Bind: "_bind",
    Guard: "_guard",
    Allocate: "_allocate",
    Slice: "_slice",
    Launch: "_launch",
    Put: "_put",
    Copy: "_copy",
    Gemm: "_gemm",
    Routine: "_routine",
    Branch: "_branch",
    Repeat: "_repeat",
}
