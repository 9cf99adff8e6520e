"""`OpFromGraph`: a piece of graph as an op, with gradients of the user's own if wanted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeAlias

from symgraph.config import config
from symgraph.errors import GraphTypeError, MissingInputError
from symgraph.forward import Rop
from symgraph.grad import as_list, pullback
from symgraph.graph import (
    Apply,
    Constant,
    Graph,
    Variable,
    ancestors,
    clone_graph,
    fill_test_values,
)
from symgraph.ops.inner import GraphOp
from symgraph.shared import SharedVariable
from symgraph.types import Tensors

DEFAULT = "default"
Override: TypeAlias = Any  # "default", a function, an OpFromGraph, a variable, None, or a list


class OpFromGraph(GraphOp):
    """An op that computes `outputs` from `inputs`, to be applied to other variables.

    It is one node in the user's graph, however often its gradient is taken. Before lowering it is
    replaced by its graph, which then fuses with what stands around it. Shared variables inside are
    inputs that need not be passed.

    Parameters
    ----------
    inputs, outputs
        Variables; the outputs may depend on no others, except shared variables and constants.
    inline
        Taken for Theano's sake; what it asks for is always done.
    lop_overrides
        The gradient: a function `(inputs, outputs, output_grads)` that returns a gradient for each
        input, another `OpFromGraph` of these three lists, or a list with an entry for each input:
        such a function that returns one gradient, "default" for that of the graph, None or a
        `DisconnectedType` variable where nothing flows, a `NullType` variable where there is none.
    grad_overrides
        As `lop_overrides`, with functions `(inputs, output_grads)`; Theano's older form.
    rop_overrides
        The derivative along `eval_points`: a function `(inputs, eval_points)` that returns one for
        each output, or a list with an entry for each output as above.
    name
        What it is called in prints and pictures.

    Raises
    ------
    MissingInputError
        If an output depends on a variable that is neither input, shared nor constant.

    >>> import symgraph.tensor as T
    >>> x, y = T.dscalars("x", "y")
    >>> scaled = OpFromGraph([x, y], [x * y], grad_overrides=lambda i, g: [g[0], 10.0 * g[0]])
    >>> a, b = T.dscalars("a", "b")
    >>> [g.eval({a: 2.0, b: 3.0}) for g in T.grad(scaled(a, b), [a, b])]
    [array(1.), array(10.)]
    """

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Any,
        inline: bool = False,
        lop_overrides: Override = DEFAULT,
        grad_overrides: Override = DEFAULT,
        rop_overrides: Override = DEFAULT,
        name: str | None = None,
        **options: Any,
    ) -> None:
        shared = _shared_inside(inputs, as_list(outputs))
        inner = [v.type.make_variable(v.name) for v in (*inputs, *shared)]
        given = dict(zip((*inputs, *shared), inner, strict=True))
        made = clone_graph(as_list(outputs), given)
        super().__init__(Graph(tuple(inner), tuple(made)), name or type(self).__name__)
        set_once = object.__setattr__
        set_once(self, "shared_inputs", tuple(shared))
        set_once(self, "written", (*inputs, *shared))
        older = not _is_default(grad_overrides)
        set_once(self, "takes_outputs", not older)
        set_once(self, "lop", grad_overrides if older else lop_overrides)
        set_once(self, "rop", rop_overrides)

    shared_inputs: tuple[SharedVariable, ...]
    written: tuple[Variable, ...]  # what the graph's inputs stand for in what it was made from
    takes_outputs: bool  # whether the user's gradient is a function of the outputs too
    lop: Override
    rop: Override

    def make_node(self, *inputs: Any) -> Apply:
        """The variables, shared ones added unless they are there already."""
        missing = len(inputs) + len(self.shared_inputs) == len(self.body.inputs)
        return super().make_node(*inputs, *(self.shared_inputs if missing else ()))

    @cached_property
    def _pulled(self) -> tuple[Sequence[Variable], Sequence[Variable | None]]:
        """Cotangents of the graph's outputs, and those of its inputs made of them."""
        duals = [out.type.make_variable() for out in self.body.outputs]
        starts = dict(zip(self.body.outputs, duals, strict=True))
        return duals, pullback(starts, self.body.inputs)

    def _pullback(self, inputs: Tensors, output_grads: Tensors) -> list[Variable | None]:
        with config(compute_test_value="off"):  # variables of the graph inside have no values
            duals, rows = self._pulled
        given = dict(zip((*self.body.inputs, *duals), (*inputs, *output_grads), strict=True))
        made = clone_graph([row for row in rows if row is not None], given)
        fill_test_values(made)
        found = iter(made)
        return [None if row is None else next(found) for row in rows]

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The user's gradient, or that of the graph."""
        count = len(inputs) - len(self.shared_inputs)
        groups: list[list[Any]] = [list(inputs[:count]), list(outputs), list(output_grads)]
        if not self.takes_outputs:
            del groups[1]
        own = _overridden(self.lop, groups, count)
        if not any(map(_is_default, own)) and not self.shared_inputs:
            return own
        return _filled(own, self._pullback(inputs, output_grads))

    def R_op(
        self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]
    ) -> Sequence[Variable | None]:
        """The user's derivative along `eval_points`, or that of the graph."""
        groups: list[list[Any]] = [list(inputs), list(eval_points)]
        own = _overridden(self.rop, groups, len(self.body.outputs))
        if not any(map(_is_default, own)):
            return own
        moved = [k for k, point in enumerate(eval_points) if point is not None]
        leaves = [self.body.inputs[k] for k in moved]
        duals = [leaf.type.make_variable() for leaf in leaves]
        pushed = Rop(list(self.body.outputs), leaves, duals, disconnected_outputs="ignore")
        given = dict(zip(self.body.inputs, inputs, strict=True))
        points = [point for point in eval_points if point is not None]
        given |= dict(zip(duals, points, strict=True))
        return _filled(own, clone_graph(pushed, given))


def _shared_inside(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> list[SharedVariable]:
    """The shared variables that outputs depend on, besides `inputs`."""
    found: list[SharedVariable] = []
    for var in ancestors(outputs, stop=inputs):
        if var.owner is not None or var in inputs or isinstance(var, Constant):
            continue
        if not isinstance(var, SharedVariable):
            raise MissingInputError(
                f"an output of OpFromGraph depends on {var} ({var.type}), made at {var.made_at},"
                " which is not among its inputs"
            )
        found.append(var)
    return found


def _overridden(override: Override, groups: Sequence[list[Any]], count: int) -> list[Any]:
    """What overrides give, "default" where they leave it to the graph."""
    if _is_default(override) or override is None:
        return [DEFAULT] * count
    if not isinstance(override, list | tuple):
        results = as_list(_call(override, groups))
    else:
        results = [
            _call(item, groups) if callable(item) else item for item in override
        ]  # fmt: skip
    if len(results) != count:
        raise GraphTypeError(f"{len(results)} overridden derivatives where {count} are needed")
    return results


def _is_default(item: Any) -> bool:
    return isinstance(item, str) and item == DEFAULT


def _filled(own: Sequence[Any], found: Sequence[Any]) -> list[Any]:
    """A user's derivatives, those of the graph where the user has none."""
    mine = [f if _is_default(o) else o for o, f in zip(own, found, strict=False)]
    return [*mine, *found[len(mine) :]]


def _call(override: Any, groups: Sequence[list[Any]]) -> Any:
    if isinstance(override, OpFromGraph):
        return override(*(item for group in groups for item in group))
    return override(*groups)
