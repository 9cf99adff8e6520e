"""The arguments of a scan in plain form: sequences and outputs with their taps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.ops.arith import maximum, minimum
from symgraph.ops.cast import cast
from symgraph.ops.scan import State
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.types import DISCRETE, Tensor, TensorType, as_tensor_variable


@dataclass(frozen=True)
class SequenceSlot:
    """A sequence whose rows at `taps` from the step are passed to the function."""

    whole: Tensor
    taps: tuple[int, ...]

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last tap, as if 0 were one of them."""
        return min(0, *self.taps), max(0, *self.taps)

    @property
    def length(self) -> Any:
        """How many steps find all their rows: an int if it is known, else a variable."""
        before, after = self.span
        known = self.whole.type.shape[0]
        if isinstance(known, int):
            return max(known - (after - before), 0)
        rows = shape_i(self.whole, 0)
        return rows if before == after else maximum(rows - (after - before), 0)

    def parts(self, count: Tensor, whole: bool, backwards: bool) -> list[Tensor]:
        """For each tap the rows that the steps are passed, in the order of the steps.

        `whole` says that there are as many steps as find rows.
        """
        before, after = self.span
        found = []
        for tap in self.taps:
            start, end = tap - before, tap - after
            if backwards:
                part = (self.whole[start : end or None] if after - before else self.whole)[::-1]
                found.append(part if whole else part[:count])
            elif whole and before == after:
                found.append(self.whole)
            else:
                found.append(self.whole[start : start + count])
        return found


@dataclass(frozen=True)
class OutputSlot:
    """A recurrent output: its initial values, one row for each step back, and its taps."""

    initial: Tensor
    state: State

    @property
    def row(self) -> TensorType:
        """The type of its value at one step."""
        kind = self.initial.type
        return TensorType(kind.dtype, kind.shape[1:])


def many(items: Any) -> list[Any]:
    """One item or several as a list; None is no item."""
    if items is None:
        return []
    return list(items) if isinstance(items, list | tuple) else [items]


def read_sequences(items: Any) -> list[SequenceSlot]:
    """The sequences: tensors, or dicts of `input` and `taps`."""
    return [_sequence(item) for item in many(items)]


def _sequence(item: Any) -> SequenceSlot:
    given = item if isinstance(item, Mapping) else {"input": item}
    _check_keys("a sequence", given, "input", "taps")
    whole = as_tensor_variable(given["input"])
    if whole.type.ndim == 0:
        raise GraphTypeError(
            f"the sequence {whole}, made at {whole.made_at}, is a scalar and has no rows; pass it"
            " in non_sequences"
        )
    return SequenceSlot(whole, _taps(given.get("taps"), (0,)))


def _check_keys(what: str, given: Mapping[str, Any], *names: str) -> None:
    strange = [key for key in given if key not in names]
    if strange or names[0] not in given:
        raise GraphTypeError(
            f"{what} of a scan is a dict of {' and '.join(map(repr, names))}; it has"
            f" {', '.join(map(repr, given)) or 'nothing'}"
        )


def _taps(taps: Any, default: tuple[int, ...]) -> tuple[int, ...]:
    found = default if taps is None else tuple(many(taps))
    if not found or not all(isinstance(tap, int | np.integer) for tap in found):
        raise GraphTypeError(f"taps are a list of integers, not {taps!r}")
    return tuple(int(tap) for tap in found)


def read_outputs(items: Any) -> list[OutputSlot | None]:
    """What `outputs_info` says of each output: None, an initial value, or a dict with taps."""
    return [_output(item) for item in many(items)]


def _output(item: Any) -> OutputSlot | None:
    if item is None:
        return None
    given = item if isinstance(item, Mapping) else {"initial": item}
    if given.get("initial") is None and given.get("taps") is None and len(given) < 3:
        return None
    _check_keys("an entry of outputs_info", given, "initial", "taps")
    taps = _taps(given.get("taps"), (-1,))
    if max(taps) >= 0:
        raise GraphTypeError(
            f"the taps of an output are steps back, so they are negative, not {list(taps)}"
        )
    if given["initial"] is None:
        raise GraphTypeError(f"an output with taps {list(taps)} needs an initial value")
    state = State(tuple(-tap for tap in taps))
    return OutputSlot(_window(as_tensor_variable(given["initial"]), taps, state), state)


def _window(initial: Tensor, taps: tuple[int, ...], state: State) -> Tensor:
    """The initial values with the steps back as first axis."""
    if taps == (-1,):
        return dimshuffle(initial, "x", *range(initial.type.ndim))
    if initial.type.ndim == 0:
        raise GraphTypeError(
            f"the initial value {initial}, made at {initial.made_at}, is a scalar, but the taps"
            f" {list(taps)} read {state.depth} values; pass them stacked along the first axis"
        )
    return initial if initial.type.shape[0] == state.depth else initial[: state.depth]


def step_count(n_steps: Any, slots: Sequence[SequenceSlot]) -> Tensor:
    """How many steps there are: as many as said, else as all sequences have rows for."""
    if n_steps is not None:
        count = as_tensor_variable(n_steps)
        if count.type.ndim or count.type.dtype not in DISCRETE:
            raise GraphTypeError(f"n_steps is an integer, not {n_steps!r} of type {count.type}")
        return cast(count, "int64")
    if not slots:
        raise GraphTypeError("a scan without sequences needs n_steps")
    count, *others = dict.fromkeys(slot.length for slot in slots)
    for other in others:
        count = minimum(count, other)
    return as_tensor_variable(np.int64(count) if isinstance(count, int) else count)
