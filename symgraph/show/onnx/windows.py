"""Convolutions and pools in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.graph import Apply, Constant, Variable
from symgraph.ops import arith, cast, convolution, pooling, shape
from symgraph.shared import SharedVariable
from symgraph.show.onnx.parts import Span, sliced
from symgraph.show.onnx.writer import Rule, Values, Writer, no_form
from symgraph.types import TensorType


def _convolution(writer: Writer, node: Apply, operands: Values) -> str:
    op = node.op
    assert isinstance(op, convolution.Conv)
    border = _border(node, op, _static(node.inputs[1])[2:])
    return writer.add(
        "Conv",
        operands[0],
        _upright(writer, op, operands[1]),
        strides=list(op.stride),
        dilations=list(op.dilation),
        group=op.groups,
        pads=[before for before, _ in border] + [behind for _, behind in border],
    )


def _upright(writer: Writer, op: convolution._Convolution, filters: str) -> str:
    """Filters as ONNX lays them on images, which is not turned round."""
    if not op.flip:
        return filters
    axes = range(2, 2 + len(op.stride))
    back = (writer.constant(np.int64(-1)), -1)
    return sliced(writer, filters, [Span(axis, None, None, back) for axis in axes])


def _to_images(writer: Writer, node: Apply, operands: Values) -> str:
    """The transpose of a convolution: the images in their border, of which a part is taken."""
    op = node.op
    assert isinstance(op, convolution.ConvInputs)
    filters, cotangent, *sizes = operands
    border = _border(node, op, _static(node.inputs[0])[2:])
    whole = writer.add(
        "ConvTranspose",
        cotangent,
        _upright(writer, op, filters),
        strides=list(op.stride),
        dilations=list(op.dilation),
        group=op.groups,
    )
    # What no filter reached, behind the last stride, is 0.
    rest = [max(step - 1, 0) + high for step, (_, high) in zip(op.stride, border, strict=True)]
    zeros = [0] * (2 + len(rest)) + [0, 0, *rest]
    whole = writer.add("Pad", whole, writer.numbers(*zeros))
    spans = []
    for axis, (size, (low, _)) in enumerate(zip(sizes, border, strict=True), 2):
        start = writer.constant(np.int64(low))
        stop = writer.add("Add", writer.cast(size, "int64"), start)
        spans.append(Span(axis, start, stop, None))
    return sliced(writer, whole, spans)


def _to_filters(writer: Writer, node: Apply, operands: Values) -> str:
    """The convolution of images with cotangents, batches and channels exchanged."""
    op = node.op
    assert isinstance(op, convolution.ConvWeights)
    if op.groups > 1:
        raise no_form(node, " in groups")
    images, cotangent, *sizes = operands
    border = _border(node, op, [known_size(var) for var in node.inputs[2:]])
    order = [1, 0, *range(2, 2 + len(op.stride))]
    made = writer.add(
        "Conv",
        writer.add("Transpose", images, perm=order),
        writer.add("Transpose", cotangent, perm=order),
        strides=list(op.dilation),
        dilations=list(op.stride),
        pads=[before for before, _ in border] + [behind for _, behind in border],
    )
    ends = [writer.cast(size, "int64") for size in sizes]
    spans = [Span(axis, None, end, None) for axis, end in enumerate(ends, 2)]
    whole = sliced(writer, writer.add("Transpose", made, perm=order), spans)
    return _upright(writer, op, whole)


def _border(
    node: Apply, op: convolution._Convolution, kernel: Sequence[Any]
) -> list[tuple[int, int]]:
    """The zeros before and behind each axis; those of "half" and "full" depend on the kernel."""
    if any(isinstance(side, str) for side in op.border) and not all(
        isinstance(size, int) for size in kernel
    ):
        raise no_form(node, " unless the sizes of its filters are known")
    sizes = [size if isinstance(size, int) else 1 for size in kernel]
    return [(int(low), int(high)) for low, high in (op.zeros(a, k) for a, k in enumerate(sizes))]


def known_size(var: Variable) -> int | None:
    """The value of a size that does not change: a number, or a size of a shared variable."""
    if isinstance(var, Constant):
        return int(var.data)
    if var.owner is not None and isinstance(var.owner.op, shape.ShapeI):
        size = _static(var.owner.inputs[0])[var.owner.op.axis]
        return size if isinstance(size, int) else None
    if var.owner is not None and isinstance(var.owner.op, cast.Cast):
        return known_size(var.owner.inputs[0])
    return None


def _static(var: Variable) -> tuple[Any, ...]:
    """The sizes of a variable as far as they are known; of a shared one, those it has."""
    if isinstance(var, SharedVariable):
        return tuple(var.get_value(borrow=True).shape)
    if var.owner is not None and isinstance(var.owner.op, arith.Second):
        return _static(var.owner.inputs[0])
    return tuple(var.type.shape) if isinstance(var.type, TensorType) else ()


def _pooled(writer: Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, pooling.PoolTake | pooling.PoolSum)
    op, is_sum = node.op, isinstance(node.op, pooling.PoolSum)
    ndim = node.inputs[0].type.ndim  # type: ignore[attr-defined]
    if not op.ignore_border or ndim != 2 + len(op.size) or len(set(node.inputs)) > 1:
        raise no_form(node, " with these windows")
    sizes = {"kernel_shape": list(op.size), "strides": list(op.stride), "pads": [*op.pad, *op.pad]}
    if not is_sum:
        return writer.add("MaxPool", operands[0], **sizes)
    mode = getattr(op, "mode", "")
    inside = int(mode != "average_exc_pad")
    mean = writer.add("AveragePool", operands[0], count_include_pad=inside, **sizes)
    if mode != "sum":
        return mean
    return writer.add("Mul", mean, writer.like(float(np.prod(op.size)), node.outputs[0]))


def _put(writer: Writer, node: Apply, operands: Values) -> str:
    """Each cotangent added where its window is largest, which MaxPool tells as a place."""
    op = node.op
    assert isinstance(op, pooling.PoolPut)
    images, cotangent = operands
    if not op.ignore_border or node.inputs[0].type.ndim != 2 + len(op.size):  # type: ignore[attr-defined]
        raise no_form(node, " with these windows")
    sizes = {"kernel_shape": list(op.size), "strides": list(op.stride), "pads": [*op.pad, *op.pad]}
    _, places = writer.add_many("MaxPool", 2, images, **sizes)
    row, whole = writer.numbers(-1), writer.add("Shape", images)
    zero = writer.like(0, node.outputs[0])
    empty = writer.add("Expand", zero, writer.vector([writer.add("Size", images)]))
    flat = [writer.add("Reshape", value, row) for value in (places, cotangent)]
    made = writer.add("ScatterElements", empty, *flat, axis=0, reduction="add")
    return writer.add("Reshape", made, whole, allowzero=1)


RULES: dict[type, Rule] = {
    convolution.ConvInputs: _to_images,
    convolution.ConvWeights: _to_filters,
    pooling.PoolPut: _put,
    convolution.Conv: _convolution,
    pooling.PoolTake: _pooled,
    pooling.PoolSum: _pooled,
}
