"""Scan: a graph run once for each step, over rows of sequences and values of earlier steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError, ShapeError
from symgraph.families import Example, Loop, Sample
from symgraph.graph import Apply, Variable, fill_test_values, toposort
from symgraph.inner_graph import InnerGraph
from symgraph.interpret import interpret
from symgraph.ops.arith import add, mul
from symgraph.ops.compare import gt
from symgraph.ops.elementary import tanh
from symgraph.types import (
    Arg,
    Dim,
    Dims,
    Tensor,
    Tensors,
    TensorType,
    as_tensor_variable,
    unify,
)


class State(NamedTuple):
    """A recurrent value of a scan.

    Attributes
    ----------
    lags
        How many steps back each of the values lies that the body reads, all positive.
    traced
        Whether the values of all steps are kept, or only the last ones.
    """

    lags: tuple[int, ...] = (1,)
    traced: bool = True

    @property
    def depth(self) -> int:
        """How many initial values it needs."""
        return max(self.lags)


class Inputs(NamedTuple):
    """The inputs of a scan, by their use."""

    count: Any
    sequences: list[Any]
    initials: list[Any]
    others: list[Any]


class Outputs(NamedTuple):
    """The outputs of a scan, by their use."""

    states: list[Any]
    rows: list[Any]
    steps: Any


class Arguments(NamedTuple):
    """The inputs of the body, by their use: `lagged` has a list for each state."""

    rows: list[Any]
    lagged: list[list[Any]]
    others: list[Any]


class Results(NamedTuple):
    """The outputs of the body, by their use."""

    nexts: list[Any]
    rows: list[Any]
    stop: Any


@dataclass(frozen=True, repr=False)
class Scan(Loop):
    """Runs `body` for the steps t = 0, 1, ..., n - 1, or from n - 1 down if `backwards`.

    Inputs are n, the sequences (n rows each), initial values of the states, and what every step
    reads alike. The body takes row t of each sequence, for each state its values `lags` steps
    before, and the rest; it gives the next values of the states, rows of further outputs, and,
    if `stops`, whether this step is the last.

    Outputs are the states, the further outputs (n rows, row t made by step t) and, if `stops`,
    the number of steps done. A traced state holds the rows of all steps after the `depth`
    initial ones, or before them if `backwards`; rows of steps not done are not defined. A state
    that is not traced holds its last `depth` values in the same order.

    Attributes
    ----------
    truncate
        Through how many steps, from the last, a gradient flows; -1 for all of them.
    recompute
        Whether a gradient computes again what a step made, instead of keeping it.
    at_least
        How many steps there have to be.
    """

    sequences: int
    states: tuple[State, ...] = ()
    backwards: bool = False
    stops: bool = False
    truncate: int = -1
    recompute: bool = False
    at_least: int = 0
    label: str = field(default="", compare=False)

    differentiate: ClassVar[Callable[[Scan, Tensors, Tensors, Tensors], Tensors]]

    def __str__(self) -> str:
        return f"Scan{{{self.label}}}" if self.label else "Scan"

    # --- slots -----------------------------------------------------------------------------

    def inputs(self, items: Sequence[Any]) -> Inputs:
        """One item for each input of the node, sorted by use."""
        after, last = 1 + self.sequences, 1 + self.sequences + len(self.states)
        return Inputs(items[0], list(items[1:after]), list(items[after:last]), list(items[last:]))

    def outputs(self, items: Sequence[Any]) -> Outputs:
        """One item for each output of the node, sorted by use."""
        count = len(self.states)
        rows = items[count:-1] if self.stops else items[count:]
        return Outputs(list(items[:count]), list(rows), items[-1] if self.stops else None)

    def arguments(self, items: Sequence[Any]) -> Arguments:
        """One item for each input of the body, sorted by use."""
        rest = iter(items[self.sequences :])
        lagged = [[next(rest) for _ in state.lags] for state in self.states]
        return Arguments(list(items[: self.sequences]), lagged, list(rest))

    def results(self, items: Sequence[Any]) -> Results:
        """One item for each output of the body, sorted by use."""
        found = self.outputs(items)
        return Results(*found)

    def place(self, step: Any, depth: int, lag: int = 0) -> Any:
        """The row of a trace that holds the value of the step `lag` before `step`."""
        return step + lag if self.backwards else step + (depth - lag)

    # --- types and sizes -------------------------------------------------------------------

    def prepare(self, *inputs: Any) -> Tensors:
        """The operands as tensors, their types those that the body takes."""
        variables = [as_tensor_variable(item) for item in inputs]
        found, wanted = self.inputs(variables), self.arguments(self.body.inputs)
        if found.count.type.ndim or found.count.type.dtype != "int64":
            raise GraphTypeError(f"{self}: the number of steps is an int64 scalar")
        pairs = [*zip(found.sequences, wanted.rows, strict=True)]
        for initial, lagged in zip(found.initials, wanted.lagged, strict=True):
            pairs += [(initial, var) for var in lagged]
        for whole, row in pairs:
            self._check_row(whole, row)
        for other, var in zip(found.others, wanted.others, strict=True):
            if (other.type.dtype, other.type.ndim) != (var.type.dtype, var.type.ndim):
                raise GraphTypeError(f"{self}: {other} is {other.type}, the body takes {var.type}")
        return variables

    def _check_row(self, whole: Tensor, row: Tensor) -> None:
        kind = whole.type
        if (kind.dtype, kind.ndim) != (row.type.dtype, row.type.ndim + 1):
            raise GraphTypeError(f"{self}: rows of {whole} ({kind}) are not {row.type}")

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Those of the body's outputs, and int64 for the number of steps done."""
        made = self.results(self.body.outputs)
        kinds = [*made.nexts, *made.rows]
        return (*(v.type.dtype for v in kinds), *["int64"] * self.stops)

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """One row a step, and the initial ones."""
        made = self.results(self.body.outputs)
        return self.outer_shapes(args, [var.type.dims for var in made.rows])

    def outer_shapes(self, args: Sequence[Arg], rows: Sequence[Dims]) -> tuple[Dims, ...]:
        """The sizes of the outputs, given those of a row of each further output."""
        found = self.inputs(args)
        n: Dim = found.count.value
        for number, sequence in enumerate(found.sequences):
            unify((sequence.shape[0], n), f"{self}: rows of sequence {number}, and steps")
        states = []
        for state, initial in zip(self.states, found.initials, strict=True):
            unify((initial.shape[0], state.depth), f"{self}: initial values, and taps")
            length = n + state.depth if state.traced else state.depth
            states.append((length, *initial.shape[1:]))
        return (*states, *((n, *row) for row in rows), *[()] * self.stops)

    # --- meaning ---------------------------------------------------------------------------

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The loop, step by step, in Python."""
        return _Run(self, node, inputs).outputs()

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangents of the inputs, by a scan in the other direction."""
        with config(compute_test_value="off"):  # what stands for a step has no value of its own
            found = self.differentiate(inputs, outputs, output_grads)
        fill_test_values(var for var in found if var is not None)
        return found

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Each kind of slot, both directions, early ends, no steps at all."""
        rows, start, weight = Sample((4, 3)), Sample((1, 3)), Sample((3,))
        for options in ({}, {"backwards": True}, {"states": (State(traced=False),)}):
            yield Example(_weighted(cls, **options), (_steps(4), rows, start, weight))
        yield Example(_weighted(cls), (_steps(0), Sample((0, 3)), start, weight))
        yield Example(_far_back(cls), (_steps(5), Sample((3,)), Sample(())))
        yield Example(_far_back(cls, backwards=True), (_steps(2), Sample((3,)), Sample(())))
        yield Example(_halved(cls), (_steps(9), Sample((1,), "above1")))


class _Run:
    """One run of a scan by the interpreter."""

    def __init__(self, op: Scan, node: Apply, inputs: Sequence[Any]) -> None:
        self.op, self.node = op, node
        self.given = op.inputs(inputs)
        self.count = int(self.given.count)
        check_steps(op, node, self.count)
        for sequence in self.given.sequences:
            if len(sequence) != self.count:
                raise ShapeError(
                    f"{op}: {self.count} steps over a sequence of {len(sequence)} rows, at"
                    f" {node.made_at}"
                )
        self.windows = [self._window(k) for k in range(len(op.states))]
        self.made: list[list[Any]] = [[] for _ in range(len(op.states) + self._row_count)]

    @property
    def _row_count(self) -> int:
        return len(self.op.results(self.op.body.outputs).rows)

    def _window(self, k: int) -> list[Any]:
        """The initial values of a state, the nearest first."""
        initial, depth = self.given.initials[k], self.op.states[k].depth
        if len(initial) != depth:
            raise ShapeError(
                f"{self.op}: {len(initial)} initial values where the taps need {depth}, at"
                f" {self.node.made_at}"
            )
        return list(initial if self.op.backwards else initial[::-1])

    def outputs(self) -> list[Any]:
        """The values of the node's outputs."""
        op, steps = self.op, range(self.count)
        done = self.count
        for step in reversed(steps) if op.backwards else steps:
            results = op.results(self._step([x[step] for x in self.given.sequences]))
            self._keep(results)
            if op.stops and results.stop:
                done = step + 1
                break
        states = [self._state(k) for k in range(len(op.states))]
        rows = [self._rows(k) for k in range(self._row_count)]
        return [*states, *rows, *[np.asarray(done)] * op.stops]

    def _step(self, rows: Sequence[Any]) -> list[Any]:
        lagged = [
            window[lag - 1]
            for window, state in zip(self.windows, self.op.states, strict=True)
            for lag in state.lags
        ]
        values = map(np.asarray, [*rows, *lagged, *self.given.others])
        body = self.op.body
        return interpret(body.outputs, dict(zip(body.inputs, values, strict=True)))

    def _keep(self, results: Results) -> None:
        nexts = self.op.results(self.op.body.outputs).nexts
        for window, value, var in zip(self.windows, results.nexts, nexts, strict=True):
            if np.shape(value) != np.shape(window[0]):
                raise ShapeError(
                    f"{self.op}: a step turns a state of shape {np.shape(window[0])} into one of"
                    f" shape {np.shape(value)}, at {var.made_at}; every step has to keep the shape"
                )
            window[:] = [value, *window[:-1]]
        for kept, value in zip(self.made, [*results.nexts, *results.rows], strict=True):
            kept.append(value)

    def _state(self, k: int) -> Any:
        window, initial = self.windows[k], self.given.initials[k]
        if not self.op.states[k].traced:
            return np.array(window if self.op.backwards else window[::-1])
        rows = self._filled(self.made[k], initial.shape[1:], initial.dtype)
        return np.concatenate([rows, initial] if self.op.backwards else [initial, rows])

    def _rows(self, k: int) -> Any:
        var = self.op.results(self.op.body.outputs).rows[k]
        shape = self._row_shape(k) if self.count == 0 else ()
        made = self.made[len(self.op.states) + k]
        other = next((np.shape(v) for v in made if np.shape(v) != np.shape(made[0])), None)
        if other is not None:
            raise ShapeError(
                f"{self.op}: rows of shapes {np.shape(made[0])} and {other}, made at {var.made_at};"
                " every step has to make rows of one shape"
            )
        return self._filled(made, shape, var.type.dtype)

    def _filled(self, values: list[Any], shape: tuple[int, ...], dtype: str) -> Any:
        """The rows of all steps, zeros for those not done."""
        shape = np.shape(values[0]) if values else shape
        rows = np.zeros((self.count, *shape), dtype)
        if values:
            rows[: len(values)] = values[::-1] if self.op.backwards else values
        return rows

    def _row_shape(self, k: int) -> tuple[int, ...]:
        """The shape of a row when there is none: of a step on zeros."""
        zeros = [np.zeros(x.shape[1:], x.dtype) for x in self.given.sequences]
        return np.shape(self.op.results(self._step(zeros)).rows[k])


def check_steps(op: Scan, node: Apply, count: int) -> None:
    """Refuse a negative number of steps, or fewer than are read."""
    if count < op.at_least:
        raise ShapeError(f"{steps_message(op).replace('%0', str(count))}, at {node.made_at}")


def steps_message(op: Scan) -> str:
    """What to say of too few steps; %0 is their number."""
    if op.at_least:
        return f"{op}: %0 steps, but the last value is read, which needs a step"
    return f"{op}: %0 steps; n_steps cannot be negative, pass go_backwards=True to run backwards"


def depends_on(outputs: Iterable[Variable], given: Sequence[Variable]) -> set[Variable]:
    """The variables behind `outputs` that depend on `given`, themselves included."""
    found = set(given)
    for node in toposort(outputs, stop=given):
        if any(var in found for var in node.inputs):
            found.update(node.outputs)
    return found


# --- what the derived tests run ----------------------------------------------------------------


def _steps(count: int) -> Sample:
    return Sample((), f"value:{count}", "int64", False)


def _weighted(kind: type[Scan], **options: Any) -> Scan:
    """h = tanh(w h + x), and the rows h x."""
    x, h, w = (TensorType("float64", (None,))(name) for name in "xhw")
    after = tanh(add(mul(w, h), x))
    body = InnerGraph((x, h, w), (after, mul(after, x)))
    return kind(body, 1, **{"states": (State(),), **options})


def _far_back(kind: type[Scan], **options: Any) -> Scan:
    """A scalar made of its values one and three steps before."""
    near, far, a = (TensorType("float64", ())(name) for name in ("near", "far", "a"))
    body = InnerGraph((near, far, a), (add(mul(a, near), tanh(far)),))
    return kind(body, 0, (State((1, 3)),), **options)


def _halved(kind: type[Scan]) -> Scan:
    """Halves until one is below 0.3."""
    x = TensorType("float64", ())("x")
    half = mul(x, 0.5)
    return kind(InnerGraph((x,), (half, gt(0.3, half))), 0, (State(traced=False),), stops=True)
