"""Graphs as ONNX models (https://onnx.ai), by the extra `onnx`.

Every op is written in ONNX's operators where these mean the same. Shared variables become
initializers, and their next values outputs that are named `next NAME`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from symgraph.errors import ExportError
from symgraph.families import Elemwise
from symgraph.graph import Apply, Constant, Variable
from symgraph.ops import (
    arith,
    barrier,
    cast,
    compare,
    convolution,
    create,
    cumulative,
    elementary,
    join,
    linalg,
    logic,
    lookup,
    pooling,
    reduce,
    rounding,
    select,
    shape,
    subtensor,
)
from symgraph.ops.pattern import AT, NEW
from symgraph.shared import SharedVariable
from symgraph.show.subject import Subject
from symgraph.show.words import visible
from symgraph.types import TensorType

try:
    import onnx
    from onnx import checker, helper, numpy_helper
except ImportError:  # an extra: whoever asks for ONNX is told
    onnx = None

OPSET, IR_VERSION = 18, 9
FAR = 2**31 - 1  # an end beyond every axis, as ONNX's Slice takes it
Values: TypeAlias = list[str]  # names of ONNX values
Numbered: TypeAlias = tuple[str, Variable]  # the ONNX value of a number, and its variable
Rule: TypeAlias = Callable[["_Writer", Apply, Values], str]

# ONNX's operator for ops that mean the same.
SAME: dict[type, str] = {
    arith.Add: "Add", arith.Sub: "Sub", arith.Mul: "Mul", arith.TrueDiv: "Div", arith.Pow: "Pow",
    arith.Neg: "Neg", arith.Abs: "Abs", arith.Sgn: "Sign", arith.Reciprocal: "Reciprocal",
    arith.Maximum: "Max", arith.Minimum: "Min",
    elementary.Exp: "Exp", elementary.Log: "Log", elementary.Sqrt: "Sqrt", elementary.Sin: "Sin",
    elementary.Cos: "Cos", elementary.Tan: "Tan", elementary.Arcsin: "Asin",
    elementary.Arccos: "Acos", elementary.Arctan: "Atan", elementary.Sinh: "Sinh",
    elementary.Cosh: "Cosh", elementary.Tanh: "Tanh", elementary.Arcsinh: "Asinh",
    elementary.Arccosh: "Acosh", elementary.Arctanh: "Atanh", elementary.Sigmoid: "Sigmoid",
    elementary.Softplus: "Softplus", elementary.Erf: "Erf",
    rounding.Floor: "Floor", rounding.Ceil: "Ceil", rounding.RoundHalfToEven: "Round",
    compare.EQ: "Equal", compare.LT: "Less", compare.LE: "LessOrEqual", compare.GT: "Greater",
    compare.GE: "GreaterOrEqual", compare.IsNan: "IsNaN", compare.IsInf: "IsInf",
    select.Switch: "Where",
}  # fmt: skip
REDUCED: dict[type, str] = {
    reduce.Sum: "ReduceSum",
    reduce.Prod: "ReduceProd",
    reduce.Max: "ReduceMax",
    reduce.Min: "ReduceMin",
}
LOGIC: dict[type, str] = {logic.And: "And", logic.Or: "Or", logic.Xor: "Xor"}


def onnx_bytes(subject: Subject) -> bytes:
    """The graph as a serialized model that ONNX's checker accepts.

    Raises
    ------
    ExportError
        onnx is not installed, or an op has no form in ONNX; the message names it.
    """
    if onnx is None:
        raise ExportError("an ONNX model needs onnx: pip install 'symgraph[onnx]'")
    model = _Writer(subject).model()
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


class Span(NamedTuple):
    """A slice of an axis: ONNX values of start and stop, value and number of the step."""

    axis: int
    start: str | None
    stop: str | None
    step: tuple[str, int] | None


@dataclass
class _Writer:
    subject: Subject
    nodes: list[Any] = field(default_factory=list)
    values: dict[Variable, str] = field(default_factory=dict)
    stored: list[Any] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def model(self) -> Any:
        """The whole model."""
        inputs = [self._input(var) for var in self.subject.inputs]
        for node in self.subject.toposort():
            self._node(node)
        outputs = [
            self._output(var, var.name or f"output {n}")
            for n, var in enumerate(self.subject.outputs)
        ]
        outputs += [self._output(v, f"next {s.name or 'value'}") for s, v in self.subject.updates]
        graph = helper.make_graph(
            self.nodes, visible(self.subject.name) or "graph", inputs, outputs, self.stored
        )
        return helper.make_model(
            graph,
            producer_name="symgraph",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )

    # --- values ------------------------------------------------------------------------------

    def name(self, wish: str) -> str:
        """A name no other value has."""
        wish = visible(wish) or "value"
        name, count = wish, 1
        while name in self.taken:
            count += 1
            name = f"{wish}_{count}"
        self.taken.add(name)
        return name

    def _input(self, var: Variable) -> Any:
        self.values[var] = self.name(var.name or "x")
        return self._described(var, self.values[var])

    def _described(self, var: Variable, name: str) -> Any:
        kind = var.type
        if not isinstance(kind, TensorType):
            raise ExportError(f"{var} is {kind}; ONNX takes tensors only")
        sizes = [visible(s) if isinstance(s, str) else s for s in kind.shape]
        return helper.make_tensor_value_info(name, onnx_type(kind.dtype), sizes)

    def _output(self, var: Variable, wish: str) -> Any:
        name = self.name(wish)
        self.nodes.append(helper.make_node("Identity", [self.value(var)], [name]))
        return self._described(var, name)

    def value(self, var: Variable) -> str:
        """The ONNX value of a variable."""
        if var not in self.values:
            assert isinstance(var, Constant | SharedVariable), f"{var} is read before it is made"
            data = var.data if isinstance(var, Constant) else var.get_value(borrow=True)
            self.values[var] = self.constant(data, var.name or "c")
        return self.values[var]

    def constant(self, data: Any, wish: str = "c") -> str:
        """A value that is always the same."""
        name = self.name(wish)
        self.stored.append(numpy_helper.from_array(np.array(data, order="C"), name))
        return name

    def numbers(self, *numbers: int) -> str:
        """An int64 vector."""
        return self.constant(np.array(numbers, np.int64))

    def add(self, operator: str, *operands: str, **attributes: Any) -> str:
        """The value of an operator."""
        name = self.name(operator.lower())
        self.nodes.append(helper.make_node(operator, list(operands), [name], **attributes))
        return name

    def like(self, number: float, var: Variable) -> str:
        """A number in the dtype of a variable."""
        return self.constant(np.array(number, dtype_of(var)))

    def cast(self, value: str, dtype: str) -> str:
        """A value in another dtype."""
        return self.add("Cast", value, to=onnx_type(dtype))

    def vector(self, scalars: Values) -> str:
        """Scalars as one vector."""
        if not scalars:
            return self.numbers()
        zero = self.numbers(0)
        ends = [self.add("Unsqueeze", scalar, zero) for scalar in scalars]
        return self.add("Concat", *ends, axis=0)

    # --- nodes -------------------------------------------------------------------------------

    def _node(self, node: Apply) -> None:
        rule = next((RULES[k] for k in type(node.op).__mro__ if k in RULES), None)
        if rule is None:
            raise no_form(node)
        operands = [self.value(var) for var in node.inputs]
        if isinstance(node.op, Elemwise) and not isinstance(node.op, cast.Cast):
            operands = self._converted(node, operands)
        made = rule(self, node, operands)
        (out,) = node.outputs
        self.values[out] = made

    def _converted(self, node: Apply, operands: Values) -> Values:
        assert isinstance(node.op, Elemwise)
        given = [dtype_of(var) for var in node.inputs]
        wanted = node.op.operand_dtypes(*given)
        return [
            value if have == want else self.cast(value, want)
            for value, have, want in zip(operands, given, wanted, strict=True)
        ]


def onnx_type(dtype: str) -> int:
    """ONNX's number of a dtype."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def dtype_of(var: Variable) -> str:
    """The dtype of a tensor."""
    assert isinstance(var.type, TensorType)
    return var.type.dtype


def no_form(node: Apply, why: str = "") -> ExportError:
    """The error for a node ONNX cannot say."""
    return ExportError(
        f"{visible(str(node.op))}, made at {node.made_at}, has no form in ONNX{why}; export what"
        " comes before it, or take format 'json' or 'py'"
    )


# --- rules by op -----------------------------------------------------------------------------


def _same(writer: _Writer, node: Apply, operands: Values) -> str:
    return writer.add(SAME[type(node.op)], *operands)


def _cast(writer: _Writer, node: Apply, operands: Values) -> str:
    return writer.cast(operands[0], dtype_of(node.outputs[0]))


def _identity(writer: _Writer, node: Apply, operands: Values) -> str:
    return operands[0]


def _square(writer: _Writer, node: Apply, operands: Values) -> str:
    return writer.add("Mul", operands[0], operands[0])


def _minus_one(writer: _Writer, node: Apply, operands: Values) -> str:
    one = writer.like(1, node.outputs[0])
    return writer.add("Sub", writer.add("Exp", operands[0]), one)


def _log_of_more(writer: _Writer, node: Apply, operands: Values) -> str:
    one = writer.like(1, node.outputs[0])
    return writer.add("Log", writer.add("Add", operands[0], one))


def _logarithm(base: float) -> Rule:
    def rule(writer: _Writer, node: Apply, operands: Values) -> str:
        scale = writer.like(1 / np.log(base), node.outputs[0])
        return writer.add("Mul", writer.add("Log", operands[0]), scale)

    return rule


def _power_of_two(writer: _Writer, node: Apply, operands: Values) -> str:
    return writer.add("Pow", writer.like(2, node.outputs[0]), operands[0])


def _erfc(writer: _Writer, node: Apply, operands: Values) -> str:
    one = writer.like(1, node.outputs[0])
    return writer.add("Sub", one, writer.add("Erf", operands[0]))


def _trunc(writer: _Writer, node: Apply, operands: Values) -> str:
    size = writer.add("Floor", writer.add("Abs", operands[0]))
    return writer.add("Mul", writer.add("Sign", operands[0]), size)


def _quotient(writer: _Writer, node: Apply, operands: Values) -> str:
    if not dtype_of(node.outputs[0]).startswith("float"):
        raise no_form(node, " for integers, whose quotients ONNX rounds towards 0")
    return writer.add("Floor", writer.add("Div", *operands))


def _remainder(writer: _Writer, node: Apply, operands: Values) -> str:
    if not dtype_of(node.outputs[0]).startswith("float"):
        return writer.add("Mod", *operands)
    whole = writer.add("Floor", writer.add("Div", *operands))
    return writer.add("Sub", operands[0], writer.add("Mul", whole, operands[1]))


def _different(writer: _Writer, node: Apply, operands: Values) -> str:
    return writer.add("Not", writer.add("Equal", *operands))


def _logic(writer: _Writer, node: Apply, operands: Values) -> str:
    word = LOGIC[type(node.op)]
    return writer.add(word if dtype_of(node.outputs[0]) == "bool" else f"Bitwise{word}", *operands)


def _inverted(writer: _Writer, node: Apply, operands: Values) -> str:
    return writer.add("Not" if dtype_of(node.outputs[0]) == "bool" else "BitwiseNot", *operands)


def _second(writer: _Writer, node: Apply, operands: Values) -> str:
    whole = writer.add("Shape", operands[0])
    return writer.add("Expand", operands[1], whole)


def _reduced(writer: _Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, reduce.Sum | reduce.Max | reduce.Min)
    (x,), (out,) = node.inputs, node.outputs
    value = operands[0]
    if isinstance(node.op, reduce.Sum) and node.op.acc_dtype != dtype_of(x):
        value = writer.cast(value, node.op.acc_dtype)
    axes = writer.numbers(*node.op.axes)
    word = next(REDUCED[k] for k in type(node.op).__mro__ if k in REDUCED)
    made = writer.add(word, value, axes, keepdims=0)
    summed = isinstance(node.op, reduce.Sum) and node.op.acc_dtype != dtype_of(out)
    return writer.cast(made, dtype_of(out)) if summed else made


def _logical(writer: _Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, reduce.All | reduce.Any_)
    word = "ReduceMin" if isinstance(node.op, reduce.All) else "ReduceMax"
    held = writer.cast(writer.cast(operands[0], "bool"), "int32")
    made = writer.add(word, held, writer.numbers(*node.op.axes), keepdims=0)
    return writer.cast(made, "bool")


def _position(writer: _Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, reduce.Argmax | reduce.Argmin)
    word = "ArgMax" if isinstance(node.op, reduce.Argmax) else "ArgMin"
    ndim = node.inputs[0].type.ndim  # type: ignore[attr-defined]
    axes = node.op.axes
    if len(axes) == 1:
        return writer.add(word, operands[0], axis=axes[0], keepdims=0)
    if len(axes) != ndim:
        raise no_form(node, " over several axes of more")
    flat = writer.add("Reshape", operands[0], writer.numbers(-1))
    return writer.add(word, flat, axis=0, keepdims=0)


def _dimshuffle(writer: _Writer, node: Apply, operands: Values) -> str:
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


def _reshape(writer: _Writer, node: Apply, operands: Values) -> str:
    wide = [writer.cast(size, "int64") for size in operands[1:]]
    return writer.add("Reshape", operands[0], writer.vector(wide), allowzero=1)


def _alloc(writer: _Writer, node: Apply, operands: Values) -> str:
    wide = [writer.cast(size, "int64") for size in operands[1:]]
    return writer.add("Expand", operands[0], writer.vector(wide))


def _size(writer: _Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, shape.ShapeI)
    axis = node.op.axis
    sizes = writer.add("Shape", operands[0], start=axis, end=axis + 1)
    return writer.add("Squeeze", sizes, writer.numbers(0))


def _vector(writer: _Writer, node: Apply, operands: Values) -> str:
    return writer.vector(operands)


def _count(writer: _Writer, size: str) -> str:
    """The numbers 0, 1, ... below a size."""
    zero, one = writer.constant(np.int64(0)), writer.constant(np.int64(1))
    return writer.add("Range", zero, writer.cast(size, "int64"), one)


def _arange(writer: _Writer, node: Apply, operands: Values) -> str:
    dtype = dtype_of(node.outputs[0])
    start, step = (writer.cast(value, dtype) for value in operands[:2])
    places = writer.cast(_count(writer, operands[2]), dtype)
    return writer.add("Add", writer.add("Mul", places, step), start)


def _eye(writer: _Writer, node: Apply, operands: Values) -> str:
    rows = writer.add("Unsqueeze", _count(writer, operands[0]), writer.numbers(1))
    shifted = writer.add("Add", rows, writer.cast(operands[2], "int64"))
    held = writer.add("Equal", shifted, _count(writer, operands[1]))
    return writer.cast(held, dtype_of(node.outputs[0]))


def _product(writer: _Writer, a: str, b: str, op: linalg.Dot | linalg.Gemm) -> str:
    left = writer.add("Transpose", a, perm=[1, 0]) if op.trans_a else a
    right = writer.add("Transpose", b, perm=[1, 0]) if op.trans_b else b
    return writer.add("MatMul", left, right)


def _dot(writer: _Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, linalg.Dot)
    return _product(writer, operands[0], operands[1], node.op)


def _gemm(writer: _Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, linalg.Gemm)
    c, a, b, alpha, beta = operands
    scaled = writer.add("Mul", alpha, _product(writer, a, b, node.op))
    return writer.add("Add", scaled, writer.add("Mul", beta, c))


def _join(writer: _Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, join.Join)
    return writer.add("Concat", *operands, axis=node.op.axis)


def _running(writer: _Writer, node: Apply, operands: Values) -> str:
    return writer.add("CumSum", operands[0], writer.constant(np.int64(-1)))


def _part(writer: _Writer, node: Apply, operands: Values) -> str:
    return _taken(writer, node, operands[0], list(zip(operands[1:], node.inputs[1:], strict=True)))


def _taken(writer: _Writer, node: Apply, value: str, given: Sequence[Numbered]) -> str:
    """The part of a value that the pattern and the numbers of an indexing op say."""
    assert isinstance(node.op, subtensor.Subtensor | subtensor.IncSubtensor)
    numbers = iter(given)
    single: list[tuple[int, str]] = []
    spans: list[Span] = []
    new: list[int] = []
    axis = place = 0
    for part in node.op.parts:
        if part.kind == NEW:
            new.append(place)
        elif part.kind == AT:
            single.append((len(spans), next(numbers)[0]))
        else:
            start, stop = (next(numbers)[0] if has else None for has in part.has[:2])
            step = _known_step(node, next(numbers)) if part.has[2] else None
            spans.append(Span(axis, start, stop, step))
        axis += part.kind != NEW
        place += part.kind != AT
    value = _sliced(writer, value, [span for span in spans if any(span[1:])])
    for number, (before, index) in reversed(list(enumerate(single))):
        wide = writer.cast(index, "int64")
        value = writer.add("Gather", value, wide, axis=before + number)
    return writer.add("Unsqueeze", value, writer.numbers(*new)) if new else value


def _known_step(node: Apply, pair: Numbered) -> tuple[str, int]:
    value, var = pair
    if not isinstance(var, Constant):
        raise no_form(node, ", which has to know the sign of a step")
    return value, int(var.data)


def _sliced(writer: _Writer, value: str, spans: Sequence[Span]) -> str:
    if not spans:
        return value
    starts, ends, steps = list[str](), list[str](), list[str]()
    for _, start, stop, step in spans:
        back = step is not None and step[1] < 0
        first, last = (FAR, -FAR) if back else (0, FAR)
        starts.append(writer.cast(start, "int64") if start else writer.constant(np.int64(first)))
        ends.append(writer.cast(stop, "int64") if stop else writer.constant(np.int64(last)))
        steps.append(writer.cast(step[0], "int64") if step else writer.constant(np.int64(1)))
    axes = writer.numbers(*(span.axis for span in spans))
    bounds = writer.vector(starts), writer.vector(ends)
    return writer.add("Slice", value, *bounds, axes, writer.vector(steps))


def _looked_up(writer: _Writer, node: Apply, operands: Values) -> str:
    return _gathered(writer, node, operands[0], operands[1:], node.inputs[1:])


def _gathered(
    writer: _Writer, node: Apply, value: str, indices: Values, variables: Sequence[Variable]
) -> str:
    """The elements of a value at index arrays."""
    assert isinstance(node.op, lookup.AdvancedSubtensor | lookup.AdvancedIncSubtensor)
    parts = node.op.parts
    if any(part.kind == NEW or any(part.has) for part in parts):
        raise no_form(node, " when slices stand beside index arrays")
    places = [n for n, part in enumerate(parts) if part.kind == AT]
    indices = [writer.cast(index, "int64") for index in indices]
    if len(places) == 1:
        return writer.add("Gather", value, indices[0], axis=places[0])
    if places != list(range(len(places))):
        raise no_form(node, " when a whole axis stands before index arrays")
    common = writer.add("Shape", writer.add("Max", *indices))
    last = writer.numbers(-1)
    ends = [writer.add("Unsqueeze", writer.add("Expand", i, common), last) for i in indices]
    return writer.add("GatherND", value, writer.add("Concat", *ends, axis=-1))


def _written(writer: _Writer, node: Apply, operands: Values) -> str:
    """x[...] set or increased: the same part of the numbers 0, 1, ... tells where, in x's row."""
    assert isinstance(node.op, subtensor.IncSubtensor | lookup.AdvancedIncSubtensor)
    x, y, *numbers = operands
    whole = writer.add("Shape", x)
    size = writer.add("Size", x)
    order = writer.add("Reshape", _count(writer, size), whole, allowzero=1)
    if isinstance(node.op, subtensor.IncSubtensor):
        where = _taken(writer, node, order, list(zip(numbers, node.inputs[2:], strict=True)))
    else:
        where = _gathered(writer, node, order, numbers, node.inputs[2:])
    row = writer.numbers(-1)
    wide = writer.add("Expand", y, writer.add("Shape", where))
    flat = [writer.add("Reshape", value, row) for value in (x, where, wide)]
    how = {} if node.op.sets else {"reduction": "add"}
    made = writer.add("ScatterElements", *flat, axis=0, **how)
    return writer.add("Reshape", made, whole, allowzero=1)


def _convolution(writer: _Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, convolution.Conv)
    op, filters = node.op, operands[1]
    reach = [(size - 1) * step for size, step in zip(_taps(node), op.dilation, strict=True)]
    border = [_zeros(side, far) for side, far in zip(op.border, reach, strict=True)]
    if op.flip:
        axes = range(2, 2 + len(reach))
        spans = [Span(axis, None, None, (writer.constant(np.int64(-1)), -1)) for axis in axes]
        filters = _sliced(writer, filters, spans)
    return writer.add(
        "Conv",
        operands[0],
        filters,
        strides=list(op.stride),
        dilations=list(op.dilation),
        group=op.groups,
        pads=[before for before, _ in border] + [behind for _, behind in border],
    )


def _taps(node: Apply) -> Sequence[int]:
    """The sizes of a kernel, which the borders of a convolution depend on."""
    filters = node.inputs[1]
    known = filters.type.shape if isinstance(filters.type, TensorType) else ()
    if isinstance(filters, SharedVariable):
        known = filters.get_value(borrow=True).shape
    taps = [size for size in known[2:] if isinstance(size, int)]
    if len(taps) < len(known) - 2:
        raise no_form(node, " unless the sizes of its filters are known")
    return taps


def _zeros(side: str | tuple[int, int], reach: int) -> tuple[int, int]:
    if isinstance(side, str):
        return ((reach + 1) // 2,) * 2 if side == "half" else (reach, reach)
    return side


def _pooled(writer: _Writer, node: Apply, operands: Values) -> str:
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


RULES: dict[type, Rule] = {
    **dict.fromkeys(SAME, _same),
    **dict.fromkeys(REDUCED, _reduced),
    **dict.fromkeys(LOGIC, _logic),
    cast.Cast: _cast,
    barrier.Barrier: _identity,
    shape.SpecifyShape: _identity,
    arith.Sqr: _square,
    arith.IntDiv: _quotient,
    arith.Mod: _remainder,
    arith.Second: _second,
    elementary.Expm1: _minus_one,
    elementary.Log1p: _log_of_more,
    elementary.Log2: _logarithm(2.0),
    elementary.Log10: _logarithm(10.0),
    elementary.Exp2: _power_of_two,
    elementary.Erfc: _erfc,
    rounding.Trunc: _trunc,
    compare.NEQ: _different,
    logic.Invert: _inverted,
    reduce.All: _logical,
    reduce.Any_: _logical,
    reduce.Argmax: _position,
    reduce.Argmin: _position,
    shape.DimShuffle: _dimshuffle,
    shape.Reshape: _reshape,
    shape.ShapeI: _size,
    shape.MakeVector: _vector,
    create.Alloc: _alloc,
    create.ARange: _arange,
    create.Eye: _eye,
    linalg.Dot: _dot,
    linalg.Gemm: _gemm,
    join.Join: _join,
    cumulative.CumSum: _running,
    convolution.Conv: _convolution,
    pooling.PoolTake: _pooled,
    pooling.PoolSum: _pooled,
    subtensor.Subtensor: _part,
    lookup.AdvancedSubtensor: _looked_up,
    subtensor.IncSubtensor: _written,
    lookup.AdvancedIncSubtensor: _written,
}
