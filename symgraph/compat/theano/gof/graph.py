"""`theano.gof.graph`: variables, nodes, and walks over both, as lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from symgraph import graph as own
from symgraph.graph import Apply, Constant, Variable, clone_graph, equal_computations

__all__ = [
    "Apply",
    "Constant",
    "Variable",
    "ancestors",
    "as_string",
    "clone",
    "clone_get_equiv",
    "inputs",
    "io_toposort",
    "is_in_ancestors",
    "is_same_graph",
    "list_of_nodes",
    "op_as_string",
    "ops",
    "orphans",
    "variables",
    "variables_and_orphans",
]
Variables = Sequence[Variable]


def as_string(
    i: Variables, o: Variables, leaf_formatter: Any = str, node_formatter: Any = None
) -> list[str]:
    """The expressions of outputs as text; what is read several times is numbered: `*1 -> f(x)`.

    >>> import symgraph.compat.theano.tensor as T
    >>> x = T.dscalar("x")
    >>> y = T.exp(x)
    >>> as_string([x], [y * y])
    ['Mul(*1 -> Exp(x), *1)']
    """
    form = node_formatter or op_as_string
    reads = own.clients(o)
    several = {v.owner for v, found in reads.items() if v.owner is not None and len(found) > 1}
    several |= {v.owner for v in o if v.owner is not None and v in reads}
    numbers: dict[Apply, int] = {}

    def describe(var: Variable) -> str:
        node = var.owner
        if node is None or var in i:
            return str(leaf_formatter(var))
        if node in numbers:
            return f"*{numbers[node]}"
        mark = ""
        if node in several or len(node.outputs) > 1:
            numbers[node] = len(numbers) + 1
            mark = f"*{numbers[node]} -> "
        index = f"::{var.index}" if len(node.outputs) > 1 else ""
        return mark + str(form(node, [describe(v) for v in node.inputs])) + index

    return [describe(var) for var in o]


def op_as_string(op: Apply, inputs: Sequence[str]) -> str:
    """A node as text, given those of its inputs."""
    return f"{op.op}({', '.join(inputs)})"


def ancestors(variable_list: Variables, blockers: Iterable[Variable] | None = None) -> list[Any]:
    """The variables that some depend on, themselves included, not looking behind `blockers`."""
    return list(own.ancestors(variable_list, stop=blockers or ()))


def inputs(variable_list: Variables, blockers: Iterable[Variable] | None = None) -> list[Any]:
    """The variables without owner that some depend on, constants and shared ones included."""
    return [v for v in ancestors(variable_list, blockers) if v.owner is None]


def variables(i: Variables, o: Variables) -> set[Any]:
    """All variables between inputs and outputs, both included, and the other inputs of nodes."""
    return set(ancestors(o, i)) | {v for n in ops_in_order(i, o) for v in n.outputs}


def orphans(i: Variables, o: Variables) -> list[Any]:
    """The variables without owner, other than the inputs, that the outputs depend on."""
    return [v for v in ancestors(o, i) if v.owner is None and v not in set(i)]


def variables_and_orphans(i: Variables, o: Variables) -> tuple[list[Any], list[Any]]:
    """As `variables` and `orphans`."""
    return list(variables(i, o)), orphans(i, o)


def ops_in_order(i: Variables, o: Variables) -> list[Apply]:
    """The nodes between inputs and outputs, inputs first."""
    return own.toposort(o, stop=i)


def ops(i: Variables, o: Variables) -> set[Apply]:
    """The nodes between inputs and outputs."""
    return set(ops_in_order(i, o))


def list_of_nodes(inputs: Variables, outputs: Variables) -> list[Apply]:
    """The nodes between inputs and outputs."""
    return ops_in_order(inputs, outputs)


def io_toposort(
    inputs: Variables, outputs: Variables, orderings: Any = None, clients: Any = None
) -> list[Apply]:
    """The nodes between inputs and outputs, each after those it needs."""
    return ops_in_order(inputs, outputs)


def is_in_ancestors(l_node: Apply, f_node: Apply) -> bool:
    """Whether `l_node` needs, directly or not, what `f_node` computes."""
    return f_node in own.toposort(l_node.inputs) or f_node is l_node


def clone_get_equiv(
    inputs: Variables,
    outputs: Variables,
    copy_inputs: bool = True,
    copy_orphans: bool = True,
    memo: Mapping[Variable, Variable] | None = None,
) -> dict[Any, Any]:
    """Copy a graph; the mapping from each of its variables and nodes to its copy."""
    equiv: dict[Any, Any] = dict(memo or {})
    leaves = [(v, copy_inputs) for v in inputs]
    leaves += [(v, copy_orphans) for v in orphans(inputs, outputs)]
    for var, fresh in leaves:
        equiv.setdefault(var, var.clone() if fresh else var)
    for node in ops_in_order(inputs, outputs):
        twin = node.clone_with_new_inputs([equiv.get(v, v) for v in node.inputs])
        equiv[node] = twin
        for old, new in zip(node.outputs, twin.outputs, strict=True):
            equiv.setdefault(old, new)
    return equiv


def clone(
    i: Variables, o: Variables, copy_inputs: bool = True, copy_orphans: bool | None = None
) -> tuple[list[Any], list[Any]]:
    """Copies of the inputs and outputs of a graph."""
    orphaned = copy_inputs if copy_orphans is None else copy_orphans
    equiv = clone_get_equiv(i, o, copy_inputs, orphaned)
    return [equiv[v] for v in i], [equiv[v] for v in o]


def is_same_graph(var1: Variable, var2: Variable, givens: Any = None, debug: bool = False) -> bool:
    """Whether two variables are computed alike, `givens` putting some in place of others."""
    pairs = dict(givens.items() if isinstance(givens, Mapping) else givens or ())
    first, second = clone_graph([var1, var2], pairs) if pairs else (var1, var2)
    return equal_computations([first], [second])
