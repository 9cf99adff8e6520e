"""Repeated values: elementwise ops repeat operands themselves, so repeats sink or move out."""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.families import Elemwise
from symgraph.graph import Apply, Variable
from symgraph.ops.arith import Second, add, second
from symgraph.ops.create import Alloc, alloc
from symgraph.ops.elementary import exp
from symgraph.ops.reshape import Reshape, reshape
from symgraph.ops.shape import DimShuffle, dimshuffle, shape_i, transpose
from symgraph.rewrite import EXACT
from symgraph.rules.axes import numbers_given, order_of
from symgraph.rules.constants import same_size
from symgraph.rules.equations import Theme
from symgraph.rules.samples import matrix, scalar, vector
from symgraph.rules.terms import is_single, kind, made_by, padded, size_along
from symgraph.types import constant

theme = Theme("fills")
exact = theme.marked(EXACT)


@exact.rule(Second, examples=lambda: [second(vector(), scalar()), second(matrix(3, 4), vector(4))])
def second_is_alloc(node: Apply) -> Variable | None:
    """The second of two operands, repeated to the sizes of the result."""
    x, y = node.inputs
    if kind(y).broadcastable == kind(node.outputs[0]).broadcastable:
        return y
    ndim = kind(node.outputs[0]).ndim
    return alloc(y, *(size_along(axis - ndim, (x, y)) for axis in range(ndim)))


def _trivial() -> Sequence[Variable]:
    x = matrix()
    return [alloc(x, *_sizes(x)), alloc(vector(3), 1, 3), alloc(alloc(scalar(), 3), 2, 3)]


def _sizes(x: Variable) -> list[Variable]:
    return [shape_i(x, axis) for axis in range(kind(x).ndim)]


@exact.rule(Alloc, examples=_trivial)
def trivial_alloc(node: Apply) -> Variable | None:
    """A value that has the sizes already; a repeat of a repeat."""
    value, *sizes = node.inputs
    inner = made_by(value, Alloc)
    if inner is not None:
        return alloc(inner.inputs[0], *sizes)
    value = padded(value, len(sizes))
    return value if all(same_size(shape_i(value, a), n) for a, n in enumerate(sizes)) else None


def repeated(var: Variable) -> tuple[Variable, Sequence[Variable]] | None:
    """A repeat's value, its missing axes put back, and its sizes."""
    node = made_by(var, Alloc)
    return None if node is None else (padded(node.inputs[0], kind(var).ndim), node.inputs[1:])


def _sunk() -> Sequence[Variable]:
    x, v = matrix(), vector()
    return [x * alloc(2.0, *_sizes(x)), alloc(v, *_sizes(x)) + x]


@exact.rule(Elemwise, examples=_sunk)
def repeat_sinks(node: Apply) -> Variable | None:
    """x * alloc(c, sizes of x) = x * c."""
    for place, var in enumerate(node.inputs):
        found = repeated(var)
        others = [v for k, v in enumerate(node.inputs) if k != place]
        if found is not None and all(
            _covered(axis, others) for axis in _repeated_axes(var, found[0])
        ):
            operands = [found[0] if k == place else v for k, v in enumerate(node.inputs)]
            return node.op(*operands)
    return None


def _repeated_axes(var: Variable, value: Variable) -> list[int]:
    """The axes, counted from the right, along which a value is repeated."""
    pairs = zip(kind(value).shape, kind(var).shape, strict=True)
    return [a - kind(var).ndim for a, (n, wide) in enumerate(pairs) if n == 1 and wide != 1]


def _covered(axis: int, operands: Sequence[Variable]) -> bool:
    """Whether another operand, not repeated itself, runs along an axis."""
    wide = (v for v in operands if -axis <= kind(v).ndim and kind(v).shape[axis] != 1)
    return any(made_by(v, Alloc) is None for v in wide)


def _outward() -> Sequence[Variable]:
    n = scalar("n", dtype="int64")
    both = alloc(scalar(), n), alloc(scalar("b"), n)
    return [exp(alloc(scalar(), n)), add(*both), alloc(scalar(), n) * scalar("b")]


@exact.rule(Elemwise, examples=_outward)
def repeat_moves_out(node: Apply) -> Variable | None:
    """f(alloc(a, n), alloc(b, n), c) = alloc(f(a, b, c), n) for single elements a, b, c."""
    ndim = kind(node.outputs[0]).ndim
    repeats = [(v, repeated(v)) for v in node.inputs]
    values = [v if found is None else found[0] for v, found in repeats]
    wide = [found[1] for v, found in repeats if found is not None and kind(v).ndim == ndim]
    if not wide or not all(is_single(v) for v in values):
        return None
    narrow = [v for v, found in repeats if found is not None and kind(v).ndim < ndim]
    if narrow or any(
        not same_size(a, b) for sizes in wide[1:] for a, b in zip(wide[0], sizes, strict=True)
    ):
        return None
    return alloc(node.op(*values), *wide[0])


@exact.rule(
    DimShuffle,
    examples=lambda: [transpose(alloc(scalar(), 2, 3)), dimshuffle(alloc(scalar(), 2), "x", 0)],
)
def shuffle_of_repeat(node: Apply) -> Variable | None:
    """One number, repeated in another order."""
    found = repeated(node.inputs[0])
    if found is None or not is_single(found[0]):
        return None
    one = constant(1)
    sizes = [one if axis == "x" else found[1][int(axis)] for axis in order_of(node)]
    return alloc(dimshuffle(found[0]), *sizes)


@exact.rule(Reshape, examples=lambda: [reshape(alloc(scalar(), 2, 3), (6,))])
def reshape_of_repeat(node: Apply) -> Variable | None:
    """One number, repeated to other sizes."""
    x, *sizes = node.inputs
    found = repeated(x)
    if found is None or not is_single(found[0]) or not numbers_given(sizes):
        return None
    return alloc(dimshuffle(found[0]), *sizes)
