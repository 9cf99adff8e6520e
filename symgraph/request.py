"""What `function` was asked for: inputs, outputs and updates checked, and in plain form."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np

from symgraph.absent import NullType
from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.errors import (
    DuplicateUpdateError,
    GraphTypeError,
    MissingInputError,
    NullTypeGradError,
    UnusedInputError,
    UpdateError,
)
from symgraph.graph import Constant, Variable, ancestors, clone_graph
from symgraph.loops.updates import default_updates
from symgraph.mode import Mode
from symgraph.ops.transfer import transfer
from symgraph.shared import Container, SharedVariable, TensorSharedVariable
from symgraph.types import TensorType, as_tensor_variable

POLICIES = ("raise", "warn", "ignore")


@dataclass(frozen=True, eq=False)
class In:
    """An input of a function, with what may be said of it.

    Parameters
    ----------
    variable
        The input; it may be one that the graph computes, which it then does not.
    name
        The keyword to pass it by; the variable's name unless given.
    value
        Its value when none is passed, or a shared variable or container whose value it takes.
    update
        The next default value, computed at each call; `f[variable]` reads and sets it.
    borrow, mutable
        Taken for Theano's sake; arguments are never written to.
    strict, allow_downcast
        As in `TensorType.filter`.
    """

    variable: Variable
    name: str | None = None
    value: Any = None
    update: Variable | None = None
    mutable: bool = False
    borrow: bool | None = None
    strict: bool = False
    allow_downcast: bool | None = None
    autoname: bool = True
    implicit: bool | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str | None):
            raise GraphTypeError(f"the name of an input is a string, not {self.name!r}")
        update = self.update
        if isinstance(update, Variable) and not self.variable.type.is_super(update.type):
            raise UpdateError(
                f"{self.variable} is {self.variable.type} but its update, made at {update.made_at},"
                f" is {update.type}; cast or reshape it"
            )

    @property
    def key(self) -> str | None:
        """The keyword the input is passed by."""
        return self.name or self.variable.name


@dataclass(frozen=True, eq=False)
class Out:
    """An output of a function, with what may be said of it.

    With `borrow` the function keeps the array it returns, and may write a later result into it once
    nothing else refers to it: no name, no view, no other library. So a result that is still held
    never changes, whereas Theano would overwrite it; and a loop that drops one result for the next
    takes no new memory. What is kept, two arrays at most, goes with the function.

    `device` names the device to leave the result on, as a `DeviceArray` that may still be computed
    when the call returns; "" is the one that the function computes on. By default results are
    NumPy arrays.
    """

    variable: Variable
    borrow: bool = False
    device: str | None = None


Update = tuple[SharedVariable, Variable]


@dataclass(frozen=True)
class Form:
    """The form in which the user asked for the outputs: "none", "one", "list" or "dict".

    `borrowed` are the places of those whose arrays may be used again.
    """

    kind: str
    keys: tuple[str, ...] = ()
    borrowed: frozenset[int] = frozenset()

    def maker(self) -> Callable[[Sequence[Any]], Any]:
        """What puts results in that form."""
        if self.kind == "one":
            return itemgetter(0)
        if self.kind == "dict":
            return lambda results: dict(zip(self.keys, results, strict=True))
        return list if self.kind == "list" else lambda results: None


@dataclass
class Request:
    """All that `function` was asked for, checked and in plain form."""

    inputs: list[In]
    outputs: list[Variable]
    form: Form
    updates: list[Update]
    mode: Mode
    name: str
    profile: bool = False
    memory_limit: int | None = None


def requested(
    inputs: Sequence[Any],
    outputs: Any,
    updates: Iterable[tuple[Any, Any]] | Mapping[Any, Any] | None,
    givens: Iterable[tuple[Any, Any]] | Mapping[Any, Any] | None,
    no_default_updates: bool | Sequence[Variable],
    allow_input_downcast: bool | None,
    on_unused_input: str | None,
    rebuild_strict: bool = True,
) -> tuple[list[In], list[Variable], Form, list[Update]]:
    """Inputs, outputs, their form and the updates that the arguments of `function` stand for."""
    specs = [_with_state(_as_in(item, allow_input_downcast)) for item in inputs]
    _check_inputs(specs)
    specs, leaves = _cut_off(specs)
    variables, form = _as_outputs(outputs)
    replace = _as_pairs(givens, "givens", rebuild_strict) | leaves
    pairs = _as_updates(updates)
    pairs += [(_hidden_shared(s), s.update) for s in specs if s.update is not None]
    variables, pairs = _substitute(variables, pairs, replace)
    pairs += _default_updates(variables, pairs, no_default_updates, replace)
    _check_unused(specs, [*variables, *(v for _, v in pairs)], on_unused_input)
    return specs, variables, form, pairs


def _as_in(item: Any, allow_downcast: bool | None) -> In:
    if isinstance(item, list | tuple):
        raise GraphTypeError("an input is a variable or an In(variable, value=...), not a list")
    if not isinstance(item, In | Variable) or isinstance(item, Constant):
        raise GraphTypeError(f"an input is a symbolic variable, not {item!r}")
    spec = item if isinstance(item, In) else In(item)
    var = spec.variable
    if isinstance(var, SharedVariable):
        raise GraphTypeError(
            f"{var} is shared, so it is an input of every function already; to compute with other"
            " values, pass givens=[(shared, variable)]"
        )
    if spec.allow_downcast is None and not isinstance(item, In):
        allow = config.allow_input_downcast if allow_downcast is None else allow_downcast
        return In(var, allow_downcast=allow)
    return spec


def _with_state(spec: In) -> In:
    """An input with an update has its value, which lasts, in a shared variable."""
    kind = spec.variable.type
    if isinstance(spec.value, Container) and isinstance(kind, TensorType):
        return replace(spec, value=_sharing(spec, kind, spec.value))
    if spec.update is None or spec.value is None or isinstance(spec.value, SharedVariable):
        return spec
    if not isinstance(kind, TensorType):
        raise UpdateError(f"{spec.variable} is {kind}; only tensors are updated")
    value = np.array(kind.filter(spec.value, spec.strict, spec.allow_downcast))
    return replace(spec, value=TensorSharedVariable(kind, value, name=spec.key))


def _sharing(spec: In, kind: TensorType, container: Container) -> SharedVariable:
    """A shared variable over the value that another function keeps."""
    return TensorSharedVariable(kind, name=spec.key, container=container)


def _check_inputs(specs: Sequence[In]) -> None:
    seen: set[Variable] = set()
    for spec in specs:
        if spec.variable in seen:
            raise UnusedInputError(f"{spec.variable} stands twice among the inputs")
        seen.add(spec.variable)


def _as_outputs(outputs: Any) -> tuple[list[Variable], Form]:
    if outputs is None:
        return [], Form("none")
    if isinstance(outputs, Mapping):
        if not all(isinstance(key, str) for key in outputs):
            raise GraphTypeError("the keys of a dict of outputs are strings")
        items, form = list(outputs.values()), Form("dict", tuple(outputs))
    elif isinstance(outputs, list | tuple):
        items, form = list(outputs), Form("list")
    else:
        items, form = [outputs], Form("one")
    borrowed = (n for n, item in enumerate(items) if isinstance(item, Out) and item.borrow)
    return [_output(item) for item in items], replace(form, borrowed=frozenset(borrowed))


def _output(item: Any) -> Variable:
    value = item.variable if isinstance(item, Out) else item
    var = value if isinstance(value, Variable) else as_tensor_variable(value)
    if isinstance(item, Out) and item.device is not None:
        return transfer(var, item.device or None)
    return var


def _cut_off(specs: Sequence[In]) -> tuple[list[In], dict[Variable, Variable]]:
    """Inputs that nothing computes, and which of them stand for variables that something does."""
    leaves: dict[Variable, Variable] = {}
    for spec in specs:
        if spec.variable.owner is not None:
            leaf = leaves[spec.variable] = spec.variable.type.make_variable(spec.variable.name)
            leaf.made_at = spec.variable.made_at
    return [replace(s, variable=leaves.get(s.variable, s.variable)) for s in specs], leaves


def _as_pairs(pairs: Any, what: str, strict: bool) -> dict[Variable, Variable]:
    found: dict[Variable, Variable] = {}
    for old, new in pairs.items() if isinstance(pairs, Mapping) else pairs or ():
        if not isinstance(old, Variable):
            raise GraphTypeError(f"{what} pairs variables with what replaces them, not {old!r}")
        if old in found:
            raise GraphTypeError(f"{what} replaces {old} twice")
        fit = _fit(new, old)
        found[old] = old.type.filter_variable(fit) if strict else fit
    return found


def _fit(new: Any, old: Variable) -> Variable:
    """`new` as a variable, a Python or NumPy value in the dtype of what it replaces."""
    if isinstance(new, Variable):
        return new
    value = old.type.filter(new, allow_downcast=None)
    return as_tensor_variable(value)


def _as_updates(updates: Any) -> list[Update]:
    pairs = updates.items() if isinstance(updates, Mapping) else updates or ()
    found: dict[SharedVariable, Variable] = {}
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            where = f", made at {pair.made_at}" if isinstance(pair, Variable) else ""
            raise UpdateError(
                f"updates are pairs (shared variable, next value), not {pair!r}{where}; write"
                " updates=[(W, W + 1)]"
            )
        shared, value = pair
        if not isinstance(shared, SharedVariable):
            where = f", made at {shared.made_at}" if isinstance(shared, Variable) else ""
            raise UpdateError(
                f"{shared!r}{where} is updated, but only shared variables keep a value between"
                " calls; make it with symgraph.shared(value)"
            )
        if shared in found:
            raise DuplicateUpdateError(
                f"{shared}, made at {shared.made_at}, is updated twice; combine the two updates"
            )
        found[shared] = _next_value(shared, value)
    return list(found.items())


def _next_value(shared: Any, value: Any) -> Variable:
    new = _fit(value, shared)
    if not shared.type.is_super(new.type):
        cure = f"convert it, for instance with T.cast(update, {str(shared.dtype)!r})"
        if new.type.ndim != shared.type.ndim:  # type: ignore[attr-defined]
            cure = "reshape it, or sum over fewer axes"
        elif new.type.dtype == shared.dtype:  # type: ignore[attr-defined]
            cure = "T.specify_shape(update, sizes) promises the sizes that are declared"
        raise UpdateError(
            f"{shared} is {shared.type} but its update, made at {new.made_at}, is {new.type};"
            f" {cure}"
        )
    return new


def _hidden_shared(spec: In) -> SharedVariable:
    if not isinstance(spec.value, SharedVariable):
        raise UpdateError(f"In({spec.variable}, update=...) needs value=, where it begins")
    return spec.value


def _substitute(
    outputs: list[Variable], updates: list[Update], replace: dict[Variable, Variable]
) -> tuple[list[Variable], list[Update]]:
    if not replace:
        return outputs, updates
    new = clone_graph([*outputs, *(v for _, v in updates)], replace)
    count = len(outputs)
    return new[:count], [(s, v) for (s, _), v in zip(updates, new[count:], strict=True)]


def _default_updates(
    outputs: Sequence[Variable],
    updates: Sequence[Update],
    without: bool | Sequence[Variable],
    givens: Mapping[Variable, Variable],
) -> list[Update]:
    """The default updates of the shared variables used, and of those that these use."""
    if without is True:
        return []
    without = () if without is False else without
    if not isinstance(without, list | tuple | set | frozenset):
        raise GraphTypeError(
            f"no_default_updates is True, False or a list of shared variables, not {without!r}"
        )
    skip = {s for s, _ in updates} | set(without)
    found: list[Update] = []
    pending = [*outputs, *(v for _, v in updates)]
    while pending:
        more = []
        for var, update in default_updates(pending).items():
            if var not in skip:
                skip.add(var)
                (value,) = clone_graph([update], givens) if givens else (update,)
                found.append((var, _next_value(var, value)))
                more.append(found[-1][1])
        pending = more
    return found


def _check_unused(specs: Sequence[In], roots: Sequence[Variable], policy: str | None) -> None:
    policy = policy or str(config.on_unused_input)
    if policy not in POLICIES:
        raise GraphTypeError(f"on_unused_input is one of {POLICIES}, not {policy!r}")
    used = set(ancestors(roots))
    for spec in specs:
        if spec.variable in used or policy == "ignore":
            continue
        message = (
            f"the input {spec.variable}, made at {spec.variable.made_at}, is not used by any"
            " output; leave it out, or pass on_unused_input='ignore'"
        )
        if policy == "raise":
            raise UnusedInputError(message)
        warnings.warn(message, stacklevel=4)
    known = {spec.variable for spec in specs}
    for var in used:
        if (
            var.owner is None
            and var not in known
            and not isinstance(var, SharedVariable | Constant)
        ):
            if isinstance(var.type, NullType):
                raise NullTypeGradError(f"{var.type.why_null}; a result depends on it")
            raise MissingInputError(
                f"{var} ({var.type}), made at {var.made_at}, is needed but is not an input, shared"
                " or constant; add it to the inputs, or give it a value by givens"
            )
