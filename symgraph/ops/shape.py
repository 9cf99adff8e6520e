"""Sizes, and ops that move whole axes: dimshuffle and its kin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError, ShapeError
from symgraph.families import (
    Assemble,
    Example,
    Index,
    Moved,
    Piece,
    Read,
    Sample,
    SizeOf,
    is_continuous,
)
from symgraph.graph import Apply, Constant, Variable
from symgraph.kernel import INT, lit
from symgraph.types import (
    DISCRETE,
    Arg,
    Dim,
    Dims,
    Tensor,
    Tensors,
    as_operands,
    as_tensor_variable,
    axes_of,
    axis_of,
    constant,
    unify,
)

__all__ = [
    "dimshuffle",
    "expand_dims",
    "moveaxis",
    "rollaxis",
    "shape",
    "shape_i",
    "shape_padaxis",
    "shape_padleft",
    "shape_padright",
    "squeeze",
    "swapaxes",
    "transpose",
]


@dataclass(frozen=True, repr=False)
class ShapeI(SizeOf):
    """The size of one axis, an int64 scalar; the tensor's data is not needed for it."""

    axis: int

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """int64."""
        return (INT,)

    def out_shape(self, *args: Arg) -> Dims:
        """A scalar."""
        return ()

    def size(self, *args: Arg) -> Dim:
        """The size itself."""
        return args[0].shape[self.axis]

    def reference(self, x: Any) -> Any:
        """The size itself."""
        return np.int64(np.shape(x)[self.axis])

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """A size does not depend on the data."""
        return [None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Both axes of a matrix."""
        yield Example(cls(0), (Sample((3, 4)),))
        yield Example(cls(1), (Sample((3, 0)),))


def _at(place: int, index: Index, read: Read) -> Index:
    return (lit(place),)


@dataclass(frozen=True, repr=False)
class MakeVector(Assemble):
    """A vector of scalars of one dtype."""

    def prepare(self, *inputs: Any) -> Tensors:
        """Scalars, promoted to one dtype by `stack_scalars`."""
        variables = as_operands(inputs)
        if any(v.type.ndim or v.type.dtype != variables[0].type.dtype for v in variables):
            raise GraphTypeError("MakeVector takes scalars of one dtype; use T.stack")
        return variables

    def out_shape(self, *args: Arg) -> Dims:
        """As many elements as operands."""
        return (len(args),)

    def pieces(self, args: Sequence[Arg]) -> Sequence[Piece]:
        """Each operand at its place."""
        return [Piece(k, (), partial(_at, k)) for k in range(len(args))]

    def reference(self, *scalars: Any) -> Any:
        """The vector."""
        return np.array(scalars)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Each operand gets its element of the cotangent."""
        (g,) = output_grads
        return [g[k] if is_continuous(x) else None for k, x in enumerate(inputs)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One and three operands."""
        yield Example(cls(), (Sample(()),))
        yield Example(cls(), (Sample(()),) * 3)


def shape_i(x: Any, axis: int) -> Tensor:
    """The size of an axis: a constant if it is known, else an int64 scalar."""
    x = as_tensor_variable(x)
    axis = axis_of(axis, x.type.ndim)
    size = x.type.shape[axis]
    if isinstance(size, int):
        return constant(np.int64(size))
    made: Tensor = ShapeI(axis % x.type.ndim)(x)
    return made


def shape(x: Any) -> Tensor:
    """The sizes of all axes, an int64 vector.

    >>> shape([[1.0, 2.0, 3.0]]).eval()
    array([1, 3])
    """
    x = as_tensor_variable(x)
    sizes = [shape_i(x, axis) for axis in range(x.type.ndim)]
    return make_vector(sizes) if sizes else constant(np.zeros(0, np.int64))


def make_vector(scalars: Tensors) -> Tensor:
    """A vector of int64 scalars, constant if all of them are."""
    if all(isinstance(s, Constant) for s in scalars):
        return constant(np.array([s.data for s in scalars]))
    vector: Tensor = MakeVector()(*scalars)
    return vector


def scalars_of(sizes: Any, count: int | None = None) -> list[Tensor]:
    """Sizes given as a vector, a scalar or a sequence, as int64 scalars.

    `count` is how many a vector holds whose own length is not known.
    """
    if isinstance(sizes, Variable) and getattr(sizes.type, "ndim", None) == 1:
        return _vector_elements(sizes, count)
    items = sizes if isinstance(sizes, list | tuple | np.ndarray) else [sizes]
    found = [as_tensor_variable(np.int64(s) if isinstance(s, int) else s) for s in items]
    for var in found:
        if var.type.ndim or var.type.dtype not in DISCRETE:
            raise GraphTypeError(f"a size is an integer scalar, but {var} is {var.type}")
    return [v if v.type.dtype == INT else v.astype(INT) for v in found]


def _vector_elements(vector: Tensor, count: int | None) -> list[Tensor]:
    if isinstance(vector, Constant):
        return [constant(np.int64(n)) for n in vector.data]
    if vector.owner is not None and isinstance(vector.owner.op, MakeVector):
        return list(vector.owner.inputs)
    known = vector.type.shape[0]
    length = known if isinstance(known, int) else count
    if length is None:
        raise GraphTypeError(
            f"{vector}, made at {vector.made_at}, gives sizes but its own length is unknown; give"
            " it shape=(n,), or pass ndim"
        )
    return [vector[k].astype(INT) for k in range(length)]


@dataclass(frozen=True, repr=False)
class DimShuffle(Moved):
    """Axes in a new order; "x" is a new axis of size 1; an axis left out has to be of size 1."""

    order: tuple[int | str, ...]

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes in the new order."""
        (x,) = args
        for axis, size in enumerate(x.shape):
            if axis not in self.order:
                unify((1, size), f"dimshuffle drops axis {axis}, which")
        return tuple(1 if axis == "x" else x.shape[int(axis)] for axis in self.order)

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """The index in the old order."""
        ndim = len(args[0].shape)
        places = {axis: place for place, axis in enumerate(self.order)}
        return tuple(index[places[a]] if a in places else lit(0) for a in range(ndim))

    def axis_map(self, node: Apply) -> tuple[int | None, ...]:
        """The old axis of each new one."""
        return tuple(None if axis == "x" else int(axis) for axis in self.order)

    def reference(self, x: Any) -> Any:
        """NumPy's transpose and new axes."""
        kept = [int(axis) for axis in self.order if axis != "x"]
        dropped = tuple(a for a in range(x.ndim) if a not in kept)
        moved = x.transpose(*kept, *dropped).reshape([x.shape[a] for a in kept])
        return moved[tuple(None if axis == "x" else slice(None) for axis in self.order)]

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent in the old order."""
        ndim = inputs[0].type.ndim
        back = [self.order.index(a) if a in self.order else "x" for a in range(ndim)]
        return [dimshuffle(output_grads[0], *back)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Transposes, new axes, dropped ones."""
        yield Example(cls((1, 0)), (Sample((3, 4)),))
        yield Example(cls(("x", 0, "x")), (Sample((3,)),))
        yield Example(cls((2, "x", 0)), (Sample((2, 1, 4)),))
        yield Example(cls(("x", "x")), (Sample(()),))
        yield Example(cls((1, 0)), (Sample((0, 4)),))


def dimshuffle(x: Any, *order: Any) -> Tensor:
    """Axes in a new order, "x" for a new one of size 1; axes of size 1 may be left out.

    >>> dimshuffle([1.0, 2.0], "x", 0).eval()
    array([[1., 2.]])
    """
    if len(order) == 1 and isinstance(order[0], list | tuple):
        order = tuple(order[0])
    x = as_tensor_variable(x)
    ndim = x.type.ndim
    axes: list[int | str] = []
    for axis in order:
        if axis != "x" and not (isinstance(axis, int | np.integer) and -ndim <= axis < ndim):
            raise GraphTypeError(
                f"dimshuffle{order} of {x}, made at {x.made_at}, which has {ndim} axes: {axis!r} is"
                " neither the number of one nor 'x', a new axis"
            )
        axes.append("x" if axis == "x" else int(axis) % ndim)
    kept = [a for a in axes if a != "x"]
    if len(set(kept)) != len(kept):
        raise GraphTypeError(f"dimshuffle{order}: an axis stands twice")
    for axis in set(range(ndim)) - set(kept):
        if x.type.shape[axis] != 1:
            raise ShapeError(
                f"dimshuffle{order} drops axis {axis} of {x} ({x.type}, made at {x.made_at}), whose"
                " size is not known to be 1"
            )
    return x if axes == list(range(ndim)) else DimShuffle(tuple(axes))(x)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """Axes in the order `axes`, reversed by default."""
    x = as_tensor_variable(x)
    return dimshuffle(x, *(axes if axes is not None else range(x.type.ndim)[::-1]))


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged."""
    x = as_tensor_variable(x)
    order = list(range(x.type.ndim))
    first, second = axis_of(axis1, len(order)), axis_of(axis2, len(order))
    order[first], order[second] = order[second], order[first]
    return dimshuffle(x, *order)


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """Axes `source` moved to the places `destination`, the others in their order."""
    x = as_tensor_variable(x)
    ndim = x.type.ndim
    pairs = [axes_of(source, ndim), axes_of(destination, ndim)]
    order = [a for a in range(ndim) if a not in pairs[0]]
    for place, axis in sorted(zip(pairs[1], pairs[0], strict=True)):
        order.insert(place, axis)
    return dimshuffle(x, *order)


def rollaxis(x: Any, axis: int, start: int = 0) -> Tensor:
    """An axis moved to stand before axis `start`; `moveaxis` is clearer."""
    x = as_tensor_variable(x)
    ndim = x.type.ndim
    source = axis_of(axis, ndim)
    place = ndim if start == ndim else axis_of(start, ndim)
    return moveaxis(x, source, place - (source < place))


def expand_dims(x: Any, axis: Any) -> Tensor:
    """New axes of size 1 at the places `axis` of the result."""
    x = as_tensor_variable(x)
    count = len(axis) if isinstance(axis, list | tuple) else 1
    ndim = x.type.ndim + count
    new, old = axes_of(axis, ndim), iter(range(ndim))
    return dimshuffle(x, *("x" if a in new else next(old) for a in range(ndim)))


def squeeze(x: Any, axis: Any = None) -> Tensor:
    """Without the axes `axis`, by default all whose size is known to be 1."""
    x = as_tensor_variable(x)
    sizes = x.type.shape
    gone = [a for a, s in enumerate(sizes) if s == 1] if axis is None else axes_of(axis, len(sizes))
    return dimshuffle(x, *(a for a in range(len(sizes)) if a not in gone))


def shape_padleft(x: Any, n_ones: int = 1) -> Tensor:
    """New axes of size 1 in front."""
    x = as_tensor_variable(x)
    return dimshuffle(x, *["x"] * n_ones, *range(x.type.ndim))


def shape_padright(x: Any, n_ones: int = 1) -> Tensor:
    """New axes of size 1 at the end."""
    x = as_tensor_variable(x)
    return dimshuffle(x, *range(x.type.ndim), *["x"] * n_ones)


def shape_padaxis(x: Any, axis: int) -> Tensor:
    """A new axis of size 1 at `axis`."""
    return expand_dims(x, axis)
