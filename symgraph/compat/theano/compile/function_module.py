"""`theano.compile.function_module`: `function` as Theano's programs call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from symgraph.compat.theano.compile.mode import get_mode
from symgraph.compat.theano.gof.optdb import run_globals
from symgraph.errors import SymgraphError, UnusedInputError
from symgraph.function import Function
from symgraph.function import function as compiled
from symgraph.request import In
from symgraph.graph import Constant, Variable, ancestors, clone_graph
from symgraph.graph import inputs as graph_inputs
from symgraph.rewrite import RuleSet
from symgraph.shared import SharedVariable

__all__ = [
    "AliasedMemoryError",
    "Function",
    "Param",
    "UnusedInputError",
    "function",
    "pfunc",
    "rebuild_collect_shared",
]


class AliasedMemoryError(SymgraphError):
    """Kept for programs that catch it; arguments that share memory are copied where it matters."""


def Param(
    variable: Variable,
    default: Any = None,
    name: str | None = None,
    mutable: bool = False,
    strict: bool = False,
    allow_downcast: bool | None = None,
    implicit: bool | None = None,
    borrow: bool | None = None,
) -> In:
    """An input with a default value, the older name of `In`."""
    return In(
        variable, name, default, None, mutable, borrow, strict, allow_downcast, True, implicit
    )


def function(
    inputs: Sequence[Any] = (),
    outputs: Any = None,
    mode: Any = None,
    updates: Any = None,
    givens: Any = None,
    no_default_updates: Any = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
) -> Function:
    """As `symgraph.function`; modes may have Theano's names, registered optimizers take part."""
    chosen = get_mode(mode)
    made = compiled(
        inputs,
        outputs,
        mode=chosen,
        updates=updates,
        givens=givens,
        no_default_updates=no_default_updates,
        rebuild_strict=rebuild_strict,
        name=name,
        allow_input_downcast=allow_input_downcast,
        profile=profile,
        on_unused_input=on_unused_input,
    )
    return _changed(made, chosen.rules)


def _changed(made: Function, rules: RuleSet) -> Function:
    """A function whose graph global optimizers have changed."""
    old = [*made.outputs, *made.updates.values()]
    leaves = [v for v in graph_inputs(old) if not isinstance(v, Constant)]
    new = run_globals(leaves, old, rules)
    if all(a is b for a, b in zip(old, new, strict=True)):
        return made
    count = len(made.outputs)
    updates = list(zip(made.updates, new[count:], strict=True))
    return Function(replace(made.request, outputs=new[:count], updates=updates))


pfunc = function


def rebuild_collect_shared(
    outputs: Any,
    inputs: Sequence[Any] | None = None,
    replace: Any = None,
    updates: Any = None,
    rebuild_strict: bool = True,
    copy_inputs_over: bool = True,
    no_default_updates: Any = False,
) -> tuple[list[Any], Any, list[Any]]:
    """A copy of a graph with replacements: its inputs, its outputs, and what was gathered.

    The third item holds, as in Theano, the mapping from old to new variables, the updates in
    order as a dict and as pairs, and the shared variables.
    """
    variables = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    pairs = list(updates.items() if isinstance(updates, Mapping) else updates or ())
    given: dict[Any, Any] = dict(replace.items() if isinstance(replace, Mapping) else replace or ())
    ins = [i.variable if isinstance(i, In) else i for i in inputs or ()]
    memo = {v: v if copy_inputs_over else v.clone() for v in ins} | given
    roots = clone_graph([*variables, *(v for _, v in pairs)], memo)
    count = len(variables)
    new_updates = dict(zip((s for s, _ in pairs), roots[count:], strict=True))
    shared = [v for v in ancestors(roots) if isinstance(v, SharedVariable)]
    clone_d = {**memo, **dict(zip(variables, roots, strict=False))}
    found = roots[:count] if isinstance(outputs, list | tuple) else roots[0]
    return (
        [memo.get(v, v) for v in ins],
        found,
        [clone_d, new_updates, list(new_updates.items()), shared],
    )
