"""The numbers that formulas of sizes stand for, once some sizes are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from symgraph.families import Elemwise, Product, Reduce
from symgraph.graph import Apply, Variable
from symgraph.kernel import COSTLY, DECIDE, FOLD, Call, Expr, Lit, Load, Name, walk
from symgraph.lower.program import Program
from symgraph.lower.sizes import Sizes
from symgraph.types import TensorType

COSTLY_WORK = 10  # what an exponential costs, in additions
OTHER: Mapping[str, Callable[..., int]] = {
    "select": lambda condition, yes, no: yes if condition else no,
    "cast": lambda x: x,
    "neg": lambda x: -x,
    "abs": abs,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": lambda a: not a,
}
MEANING: Mapping[str, Callable[..., int]] = {**FOLD, **DECIDE, **OTHER}


def number(expr: Expr, known: Mapping[str, int]) -> int | None:
    """The value of a formula of sizes; None if it depends on what is not known."""
    if isinstance(expr, Lit):
        return int(expr.value)
    if isinstance(expr, Name):
        return known.get(expr.id)
    if isinstance(expr, Load) or not isinstance(expr, Call) or expr.op not in MEANING:
        return None
    values = [number(part, known) for part in expr.args]
    if None in values or (expr.op in ("floordiv", "mod") and values[1] == 0):
        return None
    return int(MEANING[expr.op](*values))


def sizes_of_arguments(program: Program, arrays: Sequence[object]) -> dict[str, int]:
    """The sizes that the shapes of arguments give names to."""
    return {
        name: size
        for parameter, array in zip(program.parameters, arrays, strict=False)
        for name, size in zip(parameter.sizes, getattr(array, "shape", ()), strict=True)
    }


def shape_of(var: Variable, sizes: Sizes, known: Mapping[str, int]) -> tuple[int | None, ...]:
    """The sizes of a variable, None for those not known."""
    return tuple(number(size, known) for size in sizes.dims(var))


def elements_of(var: Variable, sizes: Sizes, known: Mapping[str, int]) -> int:
    """How many elements a variable has; sizes not known count as 1."""
    total = 1
    for size in shape_of(var, sizes, known):
        total *= 1 if size is None else size
    return total


def work_of(node: Apply, sizes: Sizes, known: Mapping[str, int]) -> float:
    """An estimate of the scalar operations a node takes."""
    widest = max((elements_of(v, sizes, known) for v in (*node.outputs, *node.inputs)), default=1)
    if isinstance(node.op, Product):
        return 2.0 * _product_of_ends(node, sizes, known)
    if isinstance(node.op, Reduce):
        return float(elements_of(node.inputs[0], sizes, known))
    if isinstance(node.op, Elemwise):
        made = elements_of(node.outputs[0], sizes, known)
        return float(made) * scalar_work(node)
    return float(widest)


def scalar_work(node: Apply) -> int:
    """The scalar operations of one element of an elementwise node."""
    assert isinstance(node.op, Elemwise)
    kinds = [var.type for var in node.inputs]
    operands = [Name(f"x{n}", k.dtype) for n, k in enumerate(kinds) if isinstance(k, TensorType)]
    calls = [part.op for part in walk(node.op.expression(*operands)) if isinstance(part, Call)]
    return max(1, sum(COSTLY_WORK if op in COSTLY else op != "cast" for op in calls))


def _product_of_ends(node: Apply, sizes: Sizes, known: Mapping[str, int]) -> float:
    """Rows times columns times what is summed over: the root of the three sizes' product."""
    made = elements_of(node.outputs[0], sizes, known)
    factors = [elements_of(v, sizes, known) for v in node.inputs if v.type.ndim >= 1]  # type: ignore[attr-defined]
    a, b = factors[-2:] if len(factors) > 1 else (1, 1)
    return float(made * a * b) ** 0.5
