"""Axes in a new order, and the same elements under other sizes."""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.families import Elemwise
from symgraph.graph import Apply, Constant, Variable
from symgraph.ops.arith import Neg
from symgraph.ops.reshape import Reshape, reshape
from symgraph.ops.shape import DimShuffle, dimshuffle, shape_i, transpose
from symgraph.ops.specify import SpecifyShape
from symgraph.rewrite import EXACT
from symgraph.rules.constants import is_size, same_size
from symgraph.rules.equations import Theme
from symgraph.rules.samples import matrix, scalar, vector
from symgraph.rules.terms import kind, made_by

theme = Theme("axes")
exact = theme.marked(EXACT)


def order_of(node: Apply) -> tuple[int | str, ...]:
    """The new order of axes of a dimshuffle."""
    assert isinstance(node.op, DimShuffle)
    return node.op.order


def _shuffled() -> Sequence[Variable]:
    return [
        transpose(transpose(matrix(3, 4))),
        dimshuffle(dimshuffle(vector(3), "x", 0), 1, "x", 0),
    ]


@exact.rule(DimShuffle, examples=_shuffled)
def shuffle_of_shuffle(node: Apply) -> Variable | None:
    """Two reorderings of axes are one."""
    inner = made_by(node.inputs[0], DimShuffle)
    if inner is None:
        return None
    order = ["x" if a == "x" else order_of(inner)[int(a)] for a in order_of(node)]
    return dimshuffle(inner.inputs[0], *order)


@exact.rule(
    DimShuffle, examples=lambda: [DimShuffle((0, 1))(matrix()), DimShuffle((0, "x"))(matrix(3, 1))]
)
def useless_shuffle(node: Apply) -> Variable | None:
    """Axes in their own order; an axis of size 1 may have been dropped and put back."""
    (x,), order = node.inputs, order_of(node)
    dropped = iter(axis for axis in range(kind(x).ndim) if axis not in order)
    places = [next(dropped, "x") if axis == "x" else axis for axis in order]
    return x if places == list(range(kind(x).ndim)) else None


def _carried() -> Sequence[Variable]:
    x = matrix()
    return [transpose(-transpose(x) * 2.0), transpose(transpose(x) * scalar()), transpose(-x)]


@exact.rule(DimShuffle, examples=_carried)
def shuffle_of_elemwise(node: Apply) -> Variable | None:
    """(f(x', y'))' = f(x, y), and (-x)' = -(x'): reorderings meet those they cancel.

    Fires only where every operand is a number, or has its axes reordered already.
    """
    inner, order = node.inputs[0].owner, order_of(node)
    if (
        inner is None
        or not isinstance(inner.op, Elemwise)
        or sorted(map(str, order)) != _plain(inner)
    ):
        return None
    if not isinstance(inner.op, Neg) and not _all_shuffled(inner):
        return None
    moved = [v if kind(v).ndim == 0 else dimshuffle(v, *order) for v in inner.inputs]
    return inner.op(*moved)


def _plain(node: Apply) -> list[str]:
    return [str(axis) for axis in range(kind(node.outputs[0]).ndim)]


def _all_shuffled(node: Apply) -> bool:
    ndim = kind(node.outputs[0]).ndim
    wide = [v for v in node.inputs if kind(v).ndim]
    return bool(wide) and all(kind(v).ndim == ndim and made_by(v, DimShuffle) for v in wide)


@exact.rule(Reshape, examples=lambda: [reshape(reshape(matrix(3, 4), (12,)), (2, 6))])
def reshape_of_reshape(node: Apply) -> Variable | None:
    """Only the last sizes count."""
    x, *sizes = node.inputs
    inner = made_by(x, Reshape)
    return None if inner is None else node.op(inner.inputs[0], *sizes)


@exact.rule(Reshape, examples=lambda: [reshape(dimshuffle(matrix(3, 4), 0, "x", 1), (2, 6))])
def reshape_of_new_axes(node: Apply) -> Variable | None:
    """New axes of size 1 do not change the order of elements."""
    x, *sizes = node.inputs
    inner = made_by(x, DimShuffle)
    if inner is None:
        return None
    kept = [axis for axis in order_of(inner) if axis != "x"]
    ndim = kind(inner.inputs[0]).ndim
    if kept != list(range(ndim)) and (len(kept) < ndim or kept != sorted(kept)):
        return None
    return node.op(inner.inputs[0], *sizes)


def _reshaped() -> Sequence[Variable]:
    x, known = matrix(), vector(5)
    sizes = [shape_i(x, 0), shape_i(x, 1)]
    return [reshape(matrix(3, 4), (3, 4)), reshape(x, sizes), reshape(known, (1, 5)),
            reshape(vector(), (-1, 1)), reshape(known, (-1,))]  # fmt: skip


@exact.rule(Reshape, examples=_reshaped)
def reshape_is_shuffle(node: Apply) -> Variable | None:
    """Where only axes of size 1 come and go, no element moves."""
    x, *sizes = node.inputs
    old = [axis for axis, size in enumerate(kind(x).shape) if size != 1]
    out = kind(node.outputs[0]).shape
    new = [axis for axis in range(len(sizes)) if out[axis] != 1]
    if len(old) != len(new) or not _all_same(x, old, [sizes[axis] for axis in new]):
        return None
    places = dict(zip(new, old, strict=True))
    return dimshuffle(x, *(places.get(axis, "x") for axis in range(len(sizes))))


def _all_same(x: Variable, old: Sequence[int], sizes: Sequence[Variable]) -> bool:
    """Whether axes have the sizes given; one size follows from others that are not 0."""
    unsure = [a for a, size in zip(old, sizes, strict=True) if not same_size(shape_i(x, a), size)]
    others = [kind(x).shape[axis] for axis in old if axis not in unsure]
    return not unsure or (len(unsure) == 1 and all(isinstance(n, int) and n for n in others))


@exact.rule(SpecifyShape, examples=lambda: [SpecifyShape((3, None))(matrix(3, None))])
def known_shape(node: Apply) -> Variable | None:
    """Sizes that the type tells need no check."""
    (x,), op = node.inputs, node.op
    assert isinstance(op, SpecifyShape)
    pairs = zip(op.sizes, kind(x).shape, strict=True)
    return x if all(want == size or not isinstance(want, int) for want, size in pairs) else None


def numbers_given(sizes: Sequence[Variable]) -> bool:
    """Whether no size is left open by -1."""
    return all((isinstance(n, Constant) and n.data >= 0) or is_size(n) for n in sizes)
