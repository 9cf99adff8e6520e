"""Shapes, reductions, products and ranges in ONNX."""

from __future__ import annotations

import numpy as np

from symgraph.graph import Apply
from symgraph.ops import create, cumulative, extrema, join, linalg, reduce, reshape, shape
from symgraph.show.onnx.writer import Rule, Values, Writer, dtype_of, no_form

REDUCED: dict[type, str] = {
    reduce.Sum: "ReduceSum",
    reduce.Prod: "ReduceProd",
    extrema.Max: "ReduceMax",
    extrema.Min: "ReduceMin",
}


def _reduced(writer: Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, reduce.Sum | extrema.Max | extrema.Min)
    (x,), (out,) = node.inputs, node.outputs
    value = operands[0]
    if isinstance(node.op, reduce.Sum) and node.op.acc_dtype != dtype_of(x):
        value = writer.cast(value, node.op.acc_dtype)
    axes = writer.numbers(*node.op.axes)
    word = next(REDUCED[k] for k in type(node.op).__mro__ if k in REDUCED)
    made = writer.add(word, value, axes, keepdims=0)
    summed = isinstance(node.op, reduce.Sum) and node.op.acc_dtype != dtype_of(out)
    return writer.cast(made, dtype_of(out)) if summed else made


def _logical(writer: Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, reduce.All | reduce.Any_)
    word = "ReduceMin" if isinstance(node.op, reduce.All) else "ReduceMax"
    held = writer.cast(writer.cast(operands[0], "bool"), "int32")
    made = writer.add(word, held, writer.numbers(*node.op.axes), keepdims=0)
    return writer.cast(made, "bool")


def _position(writer: Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, extrema.Argmax | extrema.Argmin)
    word = "ArgMax" if isinstance(node.op, extrema.Argmax) else "ArgMin"
    ndim = node.inputs[0].type.ndim  # type: ignore[attr-defined]
    axes = node.op.axes
    if len(axes) == 1:
        return writer.add(word, operands[0], axis=axes[0], keepdims=0)
    if len(axes) != ndim:
        raise no_form(node, " over several axes of more")
    flat = writer.add("Reshape", operands[0], writer.numbers(-1))
    return writer.add(word, flat, axis=0, keepdims=0)


def _dimshuffle(writer: Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, shape.DimShuffle)
    order, value = node.op.order, operands[0]
    ndim = node.inputs[0].type.ndim  # type: ignore[attr-defined]
    kept = [axis for axis in order if axis != "x"]
    dropped = [axis for axis in range(ndim) if axis not in kept]
    if dropped:
        value = writer.add("Squeeze", value, writer.numbers(*dropped))
    places = sorted(kept, key=int)
    if kept != places:
        value = writer.add("Transpose", value, perm=[places.index(axis) for axis in kept])
    new = [place for place, axis in enumerate(order) if axis == "x"]
    return writer.add("Unsqueeze", value, writer.numbers(*new)) if new else value


def _reshape(writer: Writer, node: Apply, operands: Values) -> str:
    wide = [writer.cast(size, "int64") for size in operands[1:]]
    return writer.add("Reshape", operands[0], writer.vector(wide), allowzero=1)


def _alloc(writer: Writer, node: Apply, operands: Values) -> str:
    wide = [writer.cast(size, "int64") for size in operands[1:]]
    return writer.add("Expand", operands[0], writer.vector(wide))


def _size(writer: Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, shape.ShapeI)
    axis = node.op.axis
    sizes = writer.add("Shape", operands[0], start=axis, end=axis + 1)
    return writer.add("Squeeze", sizes, writer.numbers(0))


def _vector(writer: Writer, node: Apply, operands: Values) -> str:
    return writer.vector(operands)


def count(writer: Writer, size: str) -> str:
    """The numbers 0, 1, ... below a size."""
    zero, one = writer.constant(np.int64(0)), writer.constant(np.int64(1))
    return writer.add("Range", zero, writer.cast(size, "int64"), one)


def _arange(writer: Writer, node: Apply, operands: Values) -> str:
    dtype = dtype_of(node.outputs[0])
    start, step = (writer.cast(value, dtype) for value in operands[:2])
    places = writer.cast(count(writer, operands[2]), dtype)
    return writer.add("Add", writer.add("Mul", places, step), start)


def _eye(writer: Writer, node: Apply, operands: Values) -> str:
    rows = writer.add("Unsqueeze", count(writer, operands[0]), writer.numbers(1))
    shifted = writer.add("Add", rows, writer.cast(operands[2], "int64"))
    held = writer.add("Equal", shifted, count(writer, operands[1]))
    return writer.cast(held, dtype_of(node.outputs[0]))


def _product(writer: Writer, a: str, b: str, op: linalg.Dot | linalg.Gemm) -> str:
    left = writer.add("Transpose", a, perm=[1, 0]) if op.trans_a else a
    right = writer.add("Transpose", b, perm=[1, 0]) if op.trans_b else b
    return writer.add("MatMul", left, right)


def _dot(writer: Writer, node: Apply, operands: Values) -> str:
    """A product; of a matrix and a vector by way of a matrix of one column or row.

    onnxruntime 1.32 fuses the transpose in front of a vector's product wrongly.
    """
    assert isinstance(node.op, linalg.Dot)
    first, second = (var.type.ndim for var in node.inputs)  # type: ignore[attr-defined]
    a, b = operands
    if (first, second) == (2, 1):
        column = writer.add("Unsqueeze", b, writer.numbers(1))
        made = _product(writer, a, column, node.op)
        return writer.add("Squeeze", made, writer.numbers(1))
    if (first, second) == (1, 2):
        row = writer.add("Unsqueeze", a, writer.numbers(0))
        made = _product(writer, row, b, node.op)
        return writer.add("Squeeze", made, writer.numbers(0))
    return _product(writer, a, b, node.op)


def _gemm(writer: Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, linalg.Gemm)
    c, a, b, alpha, beta = operands
    scaled = writer.add("Mul", alpha, _product(writer, a, b, node.op))
    return writer.add("Add", scaled, writer.add("Mul", beta, c))


def _join(writer: Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, join.Join)
    return writer.add("Concat", *operands, axis=node.op.axis)


def _running(writer: Writer, node: Apply, operands: Values) -> str:
    return writer.add("CumSum", operands[0], writer.constant(np.int64(-1)))


RULES: dict[type, Rule] = {
    **dict.fromkeys(REDUCED, _reduced),
    reduce.All: _logical,
    reduce.Any_: _logical,
    extrema.Argmax: _position,
    extrema.Argmin: _position,
    shape.DimShuffle: _dimshuffle,
    reshape.Reshape: _reshape,
    shape.ShapeI: _size,
    shape.MakeVector: _vector,
    create.Alloc: _alloc,
    create.ARange: _arange,
    create.Eye: _eye,
    linalg.Dot: _dot,
    linalg.Gemm: _gemm,
    join.Join: _join,
    cumulative.CumSum: _running,
}
