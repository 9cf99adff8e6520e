"""`theano.clone`: copies of graphs, in which other variables stand for some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symgraph.graph import Constant, Variable, clone_graph, inputs
from symgraph.shared import SharedVariable

__all__ = ["clone"]


def clone(
    output: Any,
    replace: Any = None,
    strict: bool = True,
    share_inputs: bool = True,
    copy_inputs: Any = None,
) -> Any:
    """A copy of a graph, given by a variable or a list of them, with some variables replaced.

    Parameters
    ----------
    replace
        Pairs, or a mapping, of variables and what stands in their place.
    strict
        Whether replacements must have the types of what they replace.
    share_inputs
        Whether the copy has the inputs of the graph, or new ones; `copy_inputs` is its older name.
    """
    outputs = list(output) if isinstance(output, list | tuple) else [output]
    pairs = replace.items() if isinstance(replace, Mapping) else replace or ()
    given: dict[Variable, Variable] = {
        old: old.type.filter_variable(new) if strict or not isinstance(new, Variable) else new
        for old, new in pairs
    }
    shared = share_inputs if copy_inputs is None else copy_inputs
    leaves = {v: v if shared or _kept(v) else v.clone() for v in inputs(outputs)}
    fresh = clone_graph(outputs, leaves | given, copy_all=True)
    return type(output)(fresh) if isinstance(output, list | tuple) else fresh[0]


def _kept(var: Variable) -> bool:
    return isinstance(var, Constant | SharedVariable)
