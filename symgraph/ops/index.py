"""Indexing as users write it: x[...], set_subtensor, inc_subtensor, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.errors import AxisError, GraphTypeError
from symgraph.families import (
    TensorOp,
)
from symgraph.graph import Constant, Variable
from symgraph.kernel import INT
from symgraph.ops.arith import maximum, minimum, mod, sub
from symgraph.ops.cast import cast as cast_to
from symgraph.ops.compare import lt
from symgraph.ops.create import arange
from symgraph.ops.lookup import AdvancedIncSubtensor, AdvancedSubtensor
from symgraph.ops.pattern import (
    AT,
    FULL,
    NEW,
    SLICE,
    Part,
    Pattern,
)
from symgraph.ops.search import mask_positions
from symgraph.ops.select import switch
from symgraph.ops.shape import MakeVector, shape_i
from symgraph.ops.subtensor import IncSubtensor, Subtensor
from symgraph.types import (
    DISCRETE,
    Tensor,
    Tensors,
    as_tensor_variable,
    axis_of,
    constant,
    holds_variables,
)

__all__ = [
    "inc_subtensor",
    "set_subtensor",
    "take",
]


def subtensor(x: Any, index: Any) -> Tensor:
    """`x[index]`: slices, integers, None, Ellipsis, integer arrays, lists; symbolic or not."""
    x = as_tensor_variable(x)
    if isinstance(index, int) and x.owner is not None and isinstance(x.owner.op, MakeVector):
        scalars = x.owner.inputs
        if -len(scalars) <= index < len(scalars):
            return scalars[index]
    parts, numbers = parse_index(x, index)
    op: TensorOp = AdvancedSubtensor(parts) if _has_arrays(parts, numbers) else Subtensor(parts)
    result: Tensor = op(x, *numbers)
    return result


def _has_arrays(parts: Pattern, numbers: Tensors) -> bool:
    return any(v.type.ndim for v in numbers)


def parse_index(x: Tensor, index: Any) -> tuple[Pattern, list[Tensor]]:
    """An index as a pattern and its numbers."""
    several = isinstance(index, tuple) or (
        isinstance(index, list) and any(isinstance(entry, slice) for entry in index)
    )
    entries = list(index) if several else [index]
    entries = [None if _is_none(entry) else entry for entry in entries]
    ndim = x.type.ndim
    taken = sum(map(_axes_taken, entries))
    dots = [n for n, entry in enumerate(entries) if entry is Ellipsis]
    if len(dots) > 1:
        raise GraphTypeError("an index can hold only one ellipsis (`...`)")
    if taken > ndim:
        raise AxisError(
            f"{taken} indices for {x} of {ndim} axes ({x.type}, made at {x.made_at});"
            " leave some out, or add axes with None"
        )
    for place in dots:
        entries[place : place + 1] = [slice(None)] * (ndim - taken)
    parts, numbers = list[Part](), list[Tensor]()
    for entry in _without_masks(x, entries):
        part, values = _parse_entry(entry)
        parts.append(part)
        numbers += values
    while parts and parts[-1] == FULL:
        parts.pop()
    return tuple(parts), numbers


def _is_none(entry: Any) -> bool:
    return isinstance(entry, Constant) and entry.data is None


def _is_mask(entry: Any) -> bool:
    if isinstance(entry, list | bool):
        return bool(np.asarray(entry).dtype == bool)
    return str(getattr(entry, "dtype", "")) == "bool"


def _axes_taken(entry: Any) -> int:
    if entry is None or entry is Ellipsis:
        return 0
    if not _is_mask(entry):
        return 1
    return int(entry.type.ndim if hasattr(entry, "type") else np.ndim(entry))


def _without_masks(x: Tensor, entries: Sequence[Any]) -> list[Any]:
    """Entries with each mask replaced by the indices it stands for."""
    found, axis = list[Any](), 0
    for entry in entries:
        if _is_mask(entry):
            mask = as_tensor_variable(entry if isinstance(entry, Variable) else np.asarray(entry))
            if not mask.type.ndim:
                raise GraphTypeError("a boolean scalar is no index; use T.switch or ifelse")
            sizes = [shape_i(x, axis + k) for k in range(mask.type.ndim)]
            found += mask_positions(mask, sizes)
            axis += mask.type.ndim
        else:
            found.append(entry)
            axis += _axes_taken(entry)
    return found


def _parse_entry(entry: Any) -> tuple[Part, list[Tensor]]:
    if entry is None:
        return Part(NEW), []
    if isinstance(entry, slice):
        bounds = (entry.start, entry.stop, entry.step)
        if isinstance(entry.step, int) and entry.step == 0:
            raise GraphTypeError("a slice cannot have step 0")
        start, stop, step = (bound is not None for bound in bounds)
        return Part(SLICE, (start, stop, step)), [_slice_bound(b) for b in bounds if b is not None]
    if isinstance(entry, float):
        raise GraphTypeError(f"an index is an integer, not {entry!r}")
    whole = isinstance(entry, int) or (
        isinstance(entry, list | tuple) and not holds_variables(entry)
    )
    at = as_tensor_variable(np.asarray(entry) if whole else entry)
    if isinstance(entry, list | tuple) and isinstance(at, Constant) and not at.data.size:
        at = cast_to(at, INT)
    dtype = at.type.dtype
    if dtype not in DISCRETE:
        raise GraphTypeError(f"an index holds integers, but {at} is {at.type}; cast it")
    return Part(AT), [at]


def _slice_bound(bound: Any) -> Tensor:
    var = as_tensor_variable(np.int64(bound) if isinstance(bound, int) else bound)
    if var.type.ndim or var.type.dtype not in DISCRETE:
        raise GraphTypeError(f"the bounds of a slice are integer scalars, but {var} is {var.type}")
    return cast_to(var, INT)


def set_subtensor(
    x: Any, y: Any, inplace: bool = False, tolerate_inplace_aliasing: bool = False
) -> Tensor:
    """A copy of the tensor that `x` is a part of, with that part set to `y`.

    `x` is an indexed variable, as in `set_subtensor(a[2:4], 0)`. `inplace` is taken for Theano's
    sake: memory is reused whenever it can be.

    >>> import symgraph.tensor as T
    >>> a = T.constant([1.0, 2.0, 3.0])
    >>> set_subtensor(a[1:], 0.0).eval()
    array([1., 0., 0.])
    """
    return _assigned(x, y, True)


def inc_subtensor(
    x: Any, y: Any, inplace: bool = False, set_instead_of_inc: bool = False,
    tolerate_inplace_aliasing: bool = False,
) -> Tensor:  # fmt: skip
    """A copy of the tensor that `x` is a part of, with `y` added to that part.

    Where an index array repeats an index, every increment counts.
    """
    return _assigned(x, y, set_instead_of_inc)


def _assigned(x: Any, y: Any, sets: bool) -> Tensor:
    node = getattr(x, "owner", None)
    if node is None or not isinstance(node.op, Subtensor | AdvancedSubtensor):
        raise GraphTypeError(
            f"set_subtensor and inc_subtensor take an indexed variable such as a[i], not {x}"
        )
    whole, *numbers = node.inputs
    if not isinstance(y, Variable):
        y = constant(y, dtype=whole.type.dtype if np.asarray(y).dtype.kind in "biuf" else None)
    if _loses(y, whole):
        raise GraphTypeError(
            f"{y} is {y.type} and would lose precision in {whole} ({whole.type}); cast it first"
        )
    y = cast_to(y, whole.type.dtype)
    kind = IncSubtensor if isinstance(node.op, Subtensor) else AdvancedIncSubtensor
    result: Tensor = kind(node.op.parts, sets)(whole, y, *numbers)
    return result


def _loses(y: Tensor, whole: Tensor) -> bool:
    return not np.can_cast(y.type.dtype, whole.type.dtype, "same_kind")


def take(x: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Tensor:
    """The elements of `x` at `indices` along an axis, or of the flattened tensor.

    Parameters
    ----------
    indices
        Integers of any shape, which takes the place of the axis.
    mode
        What an index out of range means: "raise" an error, "wrap" counts on from the start,
        "clip" takes the nearest element (negative ones the first).

    >>> take([1.0, 2.0, 3.0], [0, 4], mode="wrap").eval()
    array([1., 2.])
    """
    x = as_tensor_variable(x)
    if axis is None:
        x, axis = x.flatten(), 0
    place = axis_of(axis, x.type.ndim)
    return subtensor(x, (*[slice(None)] * place, _in_mode(indices, shape_i(x, place), mode)))


def _in_mode(indices: Any, size: Tensor, mode: str) -> Any:
    if mode == "raise":
        return indices
    if mode not in ("wrap", "clip"):
        raise GraphTypeError(f"take: mode is raise, wrap or clip, not {mode!r}")
    at = as_tensor_variable(indices)
    return mod(at, size) if mode == "wrap" else maximum(minimum(at, sub(size, 1)), 0)


def inside(indices: Any, size: Tensor) -> Tensor:
    """Integers that have to lie in [0, size); one that does not is an error when it runs."""
    at = as_tensor_variable(indices)
    result: Tensor = subtensor(arange(size), switch(lt(at, 0), size, at))
    return result
