"""`scan`: a Python function of one step becomes a loop in the graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from symgraph.config import config
from symgraph.errors import GraphTypeError
from symgraph.graph import (
    Constant,
    Variable,
    ancestors,
    clone_graph,
    known_test_value,
    toposort,
)
from symgraph.inner_graph import InnerGraph
from symgraph.loops.results import Returned, read_returned
from symgraph.loops.slots import (
    OutputSlot,
    SequenceSlot,
    many,
    read_outputs,
    read_sequences,
    step_count,
)
from symgraph.loops.updates import OrderedUpdates, default_updates
from symgraph.ops.scan import Scan, State, depends_on
from symgraph.ops.shape import dimshuffle
from symgraph.places import user_place
from symgraph.types import Tensor, TensorType, as_tensor_variable


def scan(
    fn: Callable[..., Any],
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    n_steps: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
    profile: Any = False,
    allow_gc: bool | None = None,
    strict: bool = False,
    return_list: bool = False,
) -> tuple[Any, OrderedUpdates]:
    """Apply `fn` step by step: to rows of sequences, and to what it returned before.

    Parameters
    ----------
    fn
        Called once, with symbolic variables: for each sequence its rows (one for each tap), for
        each recurrent output its earlier values (one for each tap), then `non_sequences`. It
        returns its outputs, then updates of shared variables, then `until(condition)`; each of
        the three may be left out. What else it uses of the graph around it is found by itself.
    sequences
        Tensors whose first axis is time, or dicts `input`, `taps`: with taps [-1, 0, 1] a step
        is passed the row before its own, its own, and the next. The shortest says how many steps
        there are.
    outputs_info
        For each output None (no step reads it), its value before the first step, or a dict
        `initial`, `taps`: with taps [-3, -1] a step reads the values of three steps and of one
        step before, and `initial` holds three of them along its first axis.
    non_sequences
        Passed to every step as they are.
    n_steps
        The number of steps. With a negative number that is known now the loop runs backwards.
    truncate_gradient
        How many steps, from the last, a gradient goes back through; -1 for all.
    go_backwards
        Whether the sequences are read from their end.
    name
        What prints, exports and errors call the loop.
    strict
        Whether everything the function uses has to be passed in `non_sequences`.
    return_list
        Whether one output comes as a list too.
    mode, profile, allow_gc
        Taken for Theano's sake: the body is compiled with the function around it.

    Returns
    -------
    outputs, updates
        For each output its values stacked along a new first axis, one for each step. The updates
        hold the last values of the shared variables that the steps update; pass them to
        `function`.

    Raises
    ------
    GraphTypeError
        When a recurrent output does not keep its dtype, rank and sizes known to be 1, when an
        argument is not of the form above, or when `strict` finds something not passed.
    DuplicateUpdateError
        When a step updates a shared variable twice.

    >>> import symgraph.tensor as T
    >>> x = T.constant([1.0, 2.0, 3.0])
    >>> sums, updates = scan(lambda row, total: total + row, sequences=x, outputs_info=0.0)
    >>> sums.eval()
    array([1., 3., 6.])
    """
    request = Request(
        fn, sequences, outputs_info, non_sequences, n_steps, go_backwards, strict,
        {"truncate": truncate_gradient, "label": name or ""},
    )  # fmt: skip
    outputs, updates = build(request)
    form: Any = outputs if return_list or len(outputs) > 1 else outputs[0] if outputs else None
    return form, updates


class Request(NamedTuple):
    """What a scan is asked for; `options` are fields of the op."""

    fn: Callable[..., Any]
    sequences: Any = None
    outputs_info: Any = None
    non_sequences: Any = None
    n_steps: Any = None
    go_backwards: bool = False
    strict: bool = False
    options: dict[str, Any] = {}


def build(request: Request) -> tuple[list[Tensor], OrderedUpdates]:
    """The outputs of a scan, one row for each step, and its updates."""
    slots, infos = read_sequences(request.sequences), read_outputs(request.outputs_info)
    others = [as_tensor_variable(item) for item in many(request.non_sequences)]
    count, backwards = step_count(request.n_steps, slots), request.go_backwards
    if isinstance(count, Constant) and count.data < 0:
        count, backwards = as_tensor_variable(-count.data), not backwards
    arguments = _arguments(request.fn, slots, infos, others)
    given = (*arguments.rows, *arguments.lagged, *others)
    _check_arguments(request.fn, arguments, others)
    returned = read_returned(request.fn(*given))
    step = _Step(arguments, returned, infos, others)
    if request.strict:
        _check_strict(step.others, others)
    whole = request.n_steps is None and len({slot.length for slot in slots}) == 1
    rows = [part for slot in slots for part in slot.parts(count, whole, backwards)]
    op = Scan(step.body, len(rows), tuple(step.states), stops=step.stops, **request.options)
    made = many(op(count, *rows, *step.initials, *step.others))
    return step.stacked(op, made), step.last(op, made)


class _Arguments(NamedTuple):
    """The variables that stand for a row of each sequence, and earlier values of outputs."""

    rows: list[Tensor]
    lagged: list[Tensor]


def _arguments(
    fn: Callable[..., Any],
    slots: Sequence[SequenceSlot],
    infos: Sequence[OutputSlot | None],
    others: Sequence[Tensor],
) -> _Arguments:
    """Variables named as the function calls them."""
    kinds = [TensorType(s.whole.type.dtype, s.whole.type.shape[1:]) for s in slots for _ in s.taps]
    count = len(kinds)
    kinds += [info.row for info in infos if info is not None for _ in info.state.lags]
    names = _names(fn, len(kinds) + len(others))
    variables = [kind(name) for kind, name in zip(kinds, names, strict=False)]
    if config.flags.compute_test_value != "off":
        _give_test_values(variables, slots, infos)
    return _Arguments(variables[:count], variables[count:])


def _give_test_values(
    variables: Sequence[Tensor],
    slots: Sequence[SequenceSlot],
    infos: Sequence[OutputSlot | None],
) -> None:
    """What the first step reads as test values, where these are known."""
    reads = [(slot.whole, tap - slot.span[0]) for slot in slots for tap in slot.taps]
    states = [info for info in infos if info is not None]
    reads += [(s.initial, s.state.depth - lag) for s in states for lag in s.state.lags]
    for var, (whole, row) in zip(variables, reads, strict=True):
        value = known_test_value(whole)
        if value is not None and len(value):
            var.tag.test_value = value[min(row, len(value) - 1)]


def _check_arguments(
    fn: Callable[..., Any], arguments: _Arguments, others: Sequence[Tensor]
) -> None:
    """Whether the function of a step takes what it will be called with."""
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*arguments.rows, *arguments.lagged, *others)
    except TypeError as error:
        rows, lagged = len(arguments.rows), len(arguments.lagged)
        raise GraphTypeError(
            f"the function of the scan at {user_place()} has the arguments {signature}, but a step"
            f" passes {rows} rows of sequences, {lagged} earlier values of outputs and"
            f" {len(others)} of non_sequences, in this order: {error}"
        ) from None


def _names(fn: Callable[..., Any], count: int) -> list[str | None]:
    """The names of the function's arguments, None beyond those it names."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        parameters = {}.values()
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names: list[str | None] = [p.name for p in parameters if p.kind in plain]
    return [*names[:count], *[None] * (count - len(names))]


class _Step:
    """The graph of one step: what goes in, what comes out."""

    def __init__(
        self,
        arguments: _Arguments,
        returned: Returned,
        infos: Sequence[OutputSlot | None],
        others: Sequence[Tensor],
    ) -> None:
        self.infos: list[OutputSlot | None] = list(infos) or [None] * len(returned.outputs)
        if len(self.infos) != len(returned.outputs):
            raise GraphTypeError(
                f"outputs_info has {len(self.infos)} entries, but the function of the scan returns"
                f" {len(returned.outputs)} outputs; give one for each, None where no step reads it"
            )
        for number, (info, out) in enumerate(zip(self.infos, returned.outputs, strict=True)):
            if info is not None:
                check_next(info.row, out, f"output {number}")
        passed = [var for var in others if var.owner is not None]  # computed once, not by steps
        self.updates = _with_defaults(returned, passed)
        shared = {var: var.type(var.name) for var in self.updates}
        values = [_fitting(var, value) for var, value in self.updates.items()]
        stop = [] if returned.stop is None else [returned.stop]
        kept = {var: var for var in passed}
        made = clone_graph([*returned.outputs, *values, *stop], kept | shared)
        outs = list(zip(self.infos, made, strict=False))
        nexts = [out for info, out in outs if info is not None]
        rows = [out for info, out in outs if info is None]
        carried = made[len(outs) :]
        self.states = [info.state for info in self.infos if info is not None]
        self.states += [State(traced=False)] * len(shared)
        given = [*arguments.rows, *arguments.lagged, *shared.values()]
        ends = carried[: len(shared)]
        self.results = [*nexts, *ends, *rows, *carried[len(shared) :]]
        self.others = invariants(self.results, given)
        self.stops = bool(stop)
        self.body = closed(given, self.others, self.results)

    @property
    def initials(self) -> list[Tensor]:
        """The initial values of all states."""
        given = [info.initial for info in self.infos if info is not None]
        shared: Sequence[Tensor] = list(self.updates)
        return [*given, *(dimshuffle(v, "x", *range(v.type.ndim)) for v in shared)]

    def stacked(self, op: Scan, made: Sequence[Tensor]) -> list[Tensor]:
        """The outputs in the order of the function's, one row for each step done."""
        found = op.outputs(made)
        states, rows = iter(found.states), iter(found.rows)
        outputs = []
        for info in self.infos:
            start = info.state.depth if info else 0
            part = next(states) if info else next(rows)
            if self.stops:
                part = part[start : start + found.steps]
            outputs.append(part[start:] if info and not self.stops else part)
        return outputs

    def last(self, op: Scan, made: Sequence[Tensor]) -> OrderedUpdates:
        """The last values of the shared variables that the steps update."""
        states = op.outputs(made).states[len(self.states) - len(self.updates) :]
        return OrderedUpdates((v, end[0]) for v, end in zip(self.updates, states, strict=True))


def check_next(wanted: TensorType, value: Tensor, what: str) -> None:
    """Refuse the next value of a state that is not of its type."""
    kind = value.type
    cure = ""
    if kind.dtype != wanted.dtype:
        cure = f"return T.cast(value, {wanted.dtype!r}), or make the initial value {kind.dtype}"
    elif kind.ndim != wanted.ndim:
        cure = f"give it an initial value of {kind.ndim} axes, or reshape what is returned"
    elif any(map(_differ, wanted.shape, kind.shape)):
        cure = (
            "give it an initial value as large as what is returned, or one whose size is not known"
            " while the graph is built, by T.unbroadcast"
        )
    if cure:
        raise GraphTypeError(
            f"{what} of the scan, made at {value.made_at}, is {kind}, but the initial value says"
            f" {wanted}, and every step has to keep it; {cure}"
        )


def _differ(wanted: Any, found: Any) -> bool:
    """Whether a size says something else than a size wanted, of which 1 makes axes broadcast."""
    if not isinstance(wanted, int) or wanted == found:
        return False
    return wanted == 1 or isinstance(found, int)


def _with_defaults(returned: Returned, passed: Sequence[Tensor]) -> OrderedUpdates:
    """The updates of a step, with the default updates of the shared variables it uses.

    Draws behind what is `passed` to every step are made once, outside.
    """
    updates = returned.updates
    stop = [] if returned.stop is None else [returned.stop]
    pending = [*returned.outputs, *updates.values(), *stop]
    while pending:
        more = []
        for var, default in default_updates(pending, passed).items():
            if var not in updates:
                updates[var] = default
                more.append(default)
        pending = more
    return updates


def _fitting(shared: Variable, value: Any) -> Tensor:
    value = as_tensor_variable(value)
    kind = shared.type
    assert isinstance(kind, TensorType)
    check_next(kind, value, f"the update of {shared}")
    return value


def invariants(outputs: Sequence[Variable], given: Sequence[Variable]) -> list[Tensor]:
    """What a graph reads that does not depend on what it is given; single numbers are its own."""
    varying = depends_on(outputs, given)
    nodes = [node for node in toposort(outputs, stop=given) if node.outputs[0] in varying]
    read = [*(var for node in nodes for var in node.inputs), *outputs]
    return list(dict.fromkeys(v for v in read if v not in varying and not _is_number(v)))


def _is_number(var: Variable) -> bool:
    return isinstance(var, Constant) and var.data.size == 1


def closed(
    given: Sequence[Variable], others: Sequence[Tensor], outputs: Sequence[Variable]
) -> InnerGraph:
    """A graph of its own: `others` replaced by new inputs after those given."""
    inner = {var: _stand_in(var) for var in others}
    return InnerGraph((*given, *inner.values()), tuple(clone_graph(outputs, inner)))


def _stand_in(var: Tensor) -> Tensor:
    twin = var.type(var.name)
    twin.made_at = var.made_at
    return twin


def _check_strict(found: Sequence[Tensor], passed: Sequence[Tensor]) -> None:
    fence = set(passed)
    for var in found:
        for leaf in ancestors([var], stop=passed):
            if leaf.owner is None and leaf not in fence and not isinstance(leaf, Constant):
                raise GraphTypeError(
                    f"strict: the function of the scan uses {leaf}, made at {leaf.made_at}, which"
                    " is not among its arguments; pass it in non_sequences"
                )
