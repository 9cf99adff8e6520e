"""`function`: from variables to a callable.

A `Function` checks its arguments, hands them to a runner with the arrays of the shared
variables, stores the updates, and gives the results the form the user asked for.
"""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from symgraph import warm
from symgraph.backends.llvm.capi import use_one_blas_thread
from symgraph.config import config
from symgraph.device_array import DeviceArray, fitting, moved, on_device
from symgraph.devices import CPU
from symgraph.errors import (
    DeviceError,
    DeviceMismatchError,
    GraphTypeError,
    InputError,
    MissingArgumentError,
    NanError,
    SurplusArgumentError,
    SymgraphError,
    VerifyError,
)
from symgraph.flat import Flat, flatten, unflatten
from symgraph.graph import Variable, ancestors, clone_graph
from symgraph.guard import badness, first_bad
from symgraph.held import Containers, Values, with_own_states
from symgraph.inspection import Inspected
from symgraph.limit import Limited
from symgraph.mode import Mode, get_mode
from symgraph.ops.transfer import put_nowhere
from symgraph.pipeline import Trace, compile_native, compile_task, no_collection
from symgraph.profile import Profile
from symgraph.progress import tell
from symgraph.request import In, Request, requested
from symgraph.runners import Compiled, Native, Runner, Task
from symgraph.shared import Container, SharedVariable

log = logging.getLogger(__name__)


def function(
    inputs: Sequence[Any] = (),
    outputs: Any = None,
    mode: Mode | str | None = None,
    updates: Iterable[tuple[Any, Any]] | Mapping[Any, Any] | None = None,
    givens: Iterable[tuple[Any, Any]] | Mapping[Any, Any] | None = None,
    no_default_updates: bool | Sequence[Variable] = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: bool | None = None,
    on_unused_input: str | None = None,
    memory_limit: int | None = None,
    device: str | None = None,
) -> Function:
    """Compile the computation of `outputs` from `inputs` into a callable.

    Parameters
    ----------
    inputs
        Variables or `In` objects, in the order of the arguments.
    outputs
        A variable or `Out`, a list or dict of them, or None: what a call returns.
    mode
        A `Mode` or its name: "fast_run", "interpret", "verify", "nanguard"; `config.mode` if None.
    updates
        Pairs (shared variable, its next value), stored after each call, all from the old values.
    givens
        Pairs (variable, what stands in its place), of the variable's type unless `rebuild_strict`
        is False.
    no_default_updates
        True, or a list of shared variables, to leave their `default_update` out.
    allow_input_downcast
        Whether arguments may lose precision: True, False, or None for Python floats only.
    profile
        Whether each call is measured, step by step; read it from `Function.profile`.
        `config.profile` if None.
    on_unused_input
        "raise", "warn" or "ignore" an input no output needs.
    memory_limit
        The bytes a call may take at most, as `Function.memory` counts them. Where the usual program
        takes more for the arguments of a call, cheap values are computed twice instead of kept; a
        call for which that is not enough raises `MemoryLimitError`, which says what is.
    device
        Where it computes: "cpu", "cuda" (the first GPU), "cuda:1", ...; `config.device` if None.
        What was put elsewhere, by `device`, `transfer` or a shared variable's target, is computed
        there. Results are NumPy arrays, unless `Out(variable, device=...)` leaves them there.

    Raises
    ------
    DeviceError
        A GPU that the function needs cannot be used; the subclass and its message say why.
    UnusedInputError, MissingInputError, UpdateError, DuplicateUpdateError, GraphTypeError

    >>> import symgraph.tensor as T
    >>> x = T.dvector("x")
    >>> f = function([x], (x**2).sum())
    >>> f([1.0, 2.0, 3.0])
    array(14.)
    """
    specs, variables, form, pairs = requested(
        inputs,
        outputs,
        updates,
        givens,
        no_default_updates,
        allow_input_downcast,
        on_unused_input,
        rebuild_strict,
    )
    measured = bool(config.profile if profile is None else profile)
    request = Request(
        specs,
        variables,
        form,
        pairs,
        get_mode(mode, device),
        name or "function",
        measured,
        memory_limit,
    )
    return Function(request)


class Function(Inspected):
    """A compiled graph: call it with arrays, by position or by name.

    Attributes
    ----------
    inputs, outputs, updates
        What it was made from.
    container, value
        For each input, by itself, its name or its place, the container of its default value, and
        that value.
    trust_input
        Taken for Theano's sake: arguments are checked in any case, which costs nothing.
    """

    def __init__(self, request: Request) -> None:
        self.name = request.name
        self.inputs = [self._held(spec) for spec in request.inputs]
        self.request = replace(request, inputs=self.inputs)
        self.container = Containers(self.inputs, request.name)
        self.value, self.trust_input = Values(self.container), False
        self.outputs = request.outputs
        self.updates = dict(request.updates)
        self._trace = Trace(clocked=request.profile)
        self.profile: Profile | None = None
        roots = [*self.outputs, *self.updates.values()]
        self.shared = list(
            dict.fromkeys(
                [v for v in ancestors(roots) if isinstance(v, SharedVariable)] + list(self.updates)
            )
        )
        self._compile()

    def _compile(self) -> None:
        request, mode = self.request, self.request.mode
        variables = tuple(spec.variable for spec in self.inputs)
        updates = tuple(self.updates.items())
        task = Task((*variables, *self.shared), tuple(self.outputs), updates, request.form.borrowed)
        if mode.nan:
            task = Task(task.inputs, task.roots)
        self._task = task
        title = f"symgraph {request.name}: {', '.join(map(str, variables)) or 'no inputs'}"
        self._run = self._runner(task, title)
        spent = sum(self.seconds.values())
        tell(self.name, self.seconds)
        log.info("%s compiled in %.3f s; %s", self.name, spent, "; ".join(self._trace.cached))
        first = self._run.first if isinstance(self._run, Limited) else self._run
        self._fast = isinstance(first, Compiled)
        self._homes = [self._trace.homes.get(shared, CPU) for shared in self.shared]
        self._invoke = self._run.__call__
        self._stored = [shared.container for shared in self.shared]
        self._form = request.form.maker()
        self._watched = mode.nan
        self._count = len(self.outputs)
        self._replaced: list[Any] = list(self.updates) if mode.nan else list(self._run.replaced)
        self._arity = len(self.inputs)
        self._defaults = self.container.held
        named = Counter(spec.key for spec in self.inputs)
        self._places = {s.key: n for n, s in enumerate(self.inputs) if s.key and named[s.key] == 1}
        self._lock = threading.Lock() if self.updates else None
        if request.profile:
            self.profile = Profile(request.name, self._trace)

    def _runner(self, task: Task, title: str) -> Runner:
        """What runs the task: found whole, or compiled."""
        request, trace = self.request, self._trace
        if config.deterministic:
            use_one_blas_thread()

        def compiled() -> Runner:
            with no_collection(), config(compute_test_value="off"):
                return compile_task(task, request.mode, title, trace)

        if request.memory_limit is not None:
            return self._limited(compiled(), request.memory_limit, title)
        start = time.perf_counter()
        place = None if request.profile else warm.place_of(task, request.mode)
        found = None if place is None else warm.find(place, task, compiled)
        if found is not None:
            trace.seconds["found"] = time.perf_counter() - start
            trace.cached.append(f"the whole function read from {config.folder}")
            return found
        run = compiled()
        if place is not None:
            warm.keep(place, task, run, trace.stages.get("text"))
        return run

    def _limited(self, run: Runner, limit: int, title: str) -> Runner:
        """What runs the task within a limit on memory."""
        mode = self.request.mode

        def compiled(task: Task, trace: Trace, late: Any) -> Native:
            return compile_native(task, mode, title, trace, late)

        task = self._trace.stages["parts"][0][0] if isinstance(run, Native) else self._task
        return Limited(limit, self.name, task, run, self._trace, compiled)

    def _held(self, spec: In) -> In:
        """An input, its default value in a container that others may share."""
        if spec.value is None or isinstance(spec.value, SharedVariable | Container):
            return spec
        return replace(spec, value=Container(self._filter(spec, spec.value)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs for arguments by position or name; stores the updates."""
        try:
            values: Sequence[Any] = args
            if kwargs or len(args) != self._arity:
                values = self.arguments(args, kwargs)
            if self._lock is None:
                return self._apply(values)
            with self._lock:
                return self._apply(values)
        except SymgraphError as error:
            error.whole_traceback = error.__traceback__
            if isinstance(error, VerifyError):
                error.add_note(self.suspect(values))
            raise error.with_traceback(None) from error.__cause__

    def _apply(self, values: Sequence[Any]) -> Any:
        if self._fast:
            try:
                results = self._invoke((*values, *[c.value for c in self._stored]))
            except TypeError as error:
                if isinstance(error, InputError):
                    raise
                results = self._invoke(self.arrays(values))
        else:
            results = self._invoke(self.arrays(values))
        if self._watched:
            self._watch(results, values)
        if self._replaced:
            for shared, value in zip(self._replaced, results[self._count :], strict=True):
                shared.container.value = value
            results = results[: self._count]
        return self._form(results)

    def arrays(self, values: Sequence[Any]) -> list[Any]:
        """Arguments, then the shared variables, as row-major, aligned arrays of their types."""
        filtered = [self._filter(s, v) for s, v in zip(self.inputs, values, strict=True)]
        arrays = [*filtered, *map(_at_home, self.shared, self._homes)]
        if not self._fast:
            return arrays
        return [
            np.require(a, requirements=["C", "A", "W"]) if isinstance(a, np.ndarray) else a
            for a in arrays
        ]

    def _filter(self, spec: In, value: Any) -> Any:
        try:
            held = on_device(value)
            if held is not None:
                return self._accepted(fitting(spec.variable.type, held))
            return spec.variable.type.filter(value, spec.strict, spec.allow_downcast)
        except InputError as error:
            place = f"argument {spec.variable}, made at {spec.variable.made_at},"
            raise type(error)(f"{self.name}: {place} {error}") from None

    def _accepted(self, array: DeviceArray) -> DeviceArray:
        """An array on one of the devices that this function computes on."""
        devices = {CPU, self.request.mode.device, *self._trace.places.values()}
        if array.device in devices:
            return array
        where = " and ".join(sorted(devices))
        raise DeviceMismatchError(
            f"lies on {array.device}, but this function computes on {where};"
            " pass it as .numpy(), or .to(...) where it computes, or compile with"
            f" device={array.device!r}"
        )

    def arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """The arguments in order, keywords and defaults put in their places."""
        if len(args) > self._arity:
            raise SurplusArgumentError(
                f"{self.name} takes {self._arity} arguments ({self._signature()}), not {len(args)}"
            )
        missing = object()
        values = [*args, *[missing] * (self._arity - len(args))]
        for key, value in kwargs.items():
            place = self._places.get(key)
            if place is None:
                several = any(key == spec.key for spec in self.inputs)
                why = "has several inputs" if several else "has no input"
                raise SurplusArgumentError(
                    f"{self.name} {why} named {key!r}; its inputs are {self._signature()}"
                )
            if values[place] is not missing:
                raise SurplusArgumentError(f"{self.name}: {key!r} is passed twice")
            values[place] = value
        for n, default in enumerate(self._defaults):
            if values[n] is missing and default.value is not None:
                values[n] = default.value
        absent = [s for s, v in zip(self.inputs, values, strict=True) if v is missing]
        if absent:
            names = ", ".join(f"{s.variable} (made at {s.variable.made_at})" for s in absent)
            raise MissingArgumentError(
                f"{self.name}: no value for {names}; pass {self._signature()}"
            )
        return values

    def _signature(self) -> str:
        return ", ".join(f"{spec.key or spec.variable}" for spec in self.inputs) or "none"

    def _watch(self, results: Sequence[Any], values: Sequence[Any]) -> None:
        """Refuse results that hold NaN (or what the mode forbids), naming who made the first."""
        mode = self.request.mode
        kinds = [badness(moved(result, CPU), mode.inf) for result in results]
        found = next(filter(None, kinds), "")
        if not found:
            return
        plain = [moved(value, CPU) for value in self.arrays(values)]
        bad = first_bad(self.trace.stages["canonical"], plain, mode)
        where = str(bad) if bad else "in an argument"
        read = "".join(f"\n  it read {operand}" for operand in bad.operands) if bad else ""
        raise NanError(f"{self.name}: a result is {found}, {where}; nothing was stored{read}")

    # --- copies and pickles ----------------------------------------------------------------

    def copy(
        self,
        share_memory: bool = False,
        swap: Mapping[SharedVariable, SharedVariable] | None = None,
        delete_updates: bool = False,
        name: str | None = None,
        profile: bool | None = None,
    ) -> Function:
        """Another function of the same graph, shared variables swapped if asked.

        `share_memory` is taken for Theano's sake: each call in flight has memory of its own.
        """
        swap = dict(swap or {})
        swapped: dict[Variable, Variable] = {}
        for old, new in swap.items():
            if old not in self.shared:
                raise GraphTypeError(f"{old} is not a shared variable of {self.name}")
            swapped[old] = old.type.filter_variable(new)
        roots = clone_graph([*self.outputs, *self.updates.values()], swapped)
        count = len(self.outputs)
        updates = [(swap.get(s, s), v) for s, v in zip(self.updates, roots[count:], strict=True)]
        request = Request(
            self.inputs,
            list(roots[:count]),
            self.request.form,
            [] if delete_updates else updates,
            self.request.mode,
            name or self.name,
            self.request.profile if profile is None else profile,
            self.request.memory_limit,
        )
        return type(self)(request)

    def __reduce__(self) -> tuple[Any, ...]:
        flat = flatten([*self.outputs, *self.updates.values()])
        request = replace(self.request, outputs=[], updates=[])
        return _unpickled, (request, tuple(self.updates), flat)

    def __getitem__(self, key: Any) -> Any:
        """The value that an input, given by itself or its name, has when none is passed.

        >>> import symgraph.tensor as T
        >>> total, x = T.dscalar("total"), T.dscalar("x")
        >>> f = function([x, In(total, value=0.0, update=total + x)], total + x)
        >>> f(2.0), f(3.0), f[total], f["total"]
        (array(2.), array(5.), array(5.), array(5.))
        """
        value = self.container[key].value
        return value.numpy() if isinstance(value, DeviceArray) else copy(value)

    def __setitem__(self, key: Any, value: Any) -> None:
        place = self.container.place(key)
        kept = self._filter(self.inputs[place], value)
        own = np.array(kept, order="C") if isinstance(kept, np.ndarray) else copy(kept)
        self._defaults[place].value = own

    def __copy__(self) -> Function:
        """A function with default values and states of its own; shared variables are the same."""
        specs, swapped = with_own_states(self.inputs)
        updates = [(swapped.get(s, s), value) for s, value in self.request.updates]
        return type(self)(replace(self.request, inputs=specs, updates=updates))

    def get_shared(self) -> list[SharedVariable]:
        """The shared variables it reads or updates."""
        return list(self.shared)

    def __repr__(self) -> str:
        return f"<symgraph function {self.name}({self._signature()})>"


def _at_home(shared: SharedVariable, home: str) -> Any:
    """The value of a shared variable, from now on where a function needs it."""
    container = shared.container
    container.value = moved(container.value, home, (str(shared), shared.made_at))
    return container.value


def _unpickled(request: Request, shared: tuple[SharedVariable, ...], flat: Flat) -> Function:
    """The function; compiled for the CPU, with a warning, if this machine has not got its GPUs."""
    roots = unflatten(flat)
    count = len(roots) - len(shared)
    updates = list(zip(shared, roots[count:], strict=True))
    whole = replace(request, outputs=roots[:count], updates=updates)
    try:
        return Function(whole)
    except DeviceError as error:
        warnings.warn(f"{request.name}: {error}; compiled for the CPU instead", stacklevel=2)
    roots = put_nowhere(roots)
    updates = list(zip(shared, roots[count:], strict=True))
    mode = replace(request.mode, device=CPU)
    return Function(replace(request, outputs=roots[:count], updates=updates, mode=mode))


def evaluate(variable: Variable, inputs: Mapping[Any, Any] | None = None, **options: Any) -> Any:
    """The value of a variable for values of the inputs it depends on.

    The compiled function is kept on the variable for the next call.
    """
    given = dict(inputs or {})
    named = {v.name: v for v in ancestors([variable]) if v.name}
    values = {named.get(k, k) if isinstance(k, str) else k: v for k, v in given.items()}
    key = tuple(values)
    cache = variable.tag.__dict__.setdefault("_evaluators", {})
    if key not in cache:
        cache[key] = function(list(values), variable, on_unused_input="ignore", **options)
    return cache[key](*values.values())


Variable.evaluator = staticmethod(evaluate)
