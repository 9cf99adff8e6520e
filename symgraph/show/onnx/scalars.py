"""Elementwise ops in ONNX."""

from __future__ import annotations

import numpy as np

from symgraph.graph import Apply
from symgraph.ops import (
    arith,
    barrier,
    cast,
    compare,
    elementary,
    logic,
    rounding,
    select,
    specify,
    transfer,
)
from symgraph.show.onnx.writer import Rule, Values, Writer, dtype_of, no_form

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
LOGIC: dict[type, str] = {logic.And: "And", logic.Or: "Or", logic.Xor: "Xor"}


def _same(writer: Writer, node: Apply, operands: Values) -> str:
    return writer.add(SAME[type(node.op)], *operands)


def _modular(writer: Writer, node: Apply, operands: Values) -> str:
    """Sums, differences and products; of unsigned integers in int64, which run times have."""
    dtype = dtype_of(node.outputs[0])
    if not dtype.startswith("uint"):
        return _same(writer, node, operands)
    wide = [writer.cast(operand, "int64") for operand in operands]
    return writer.cast(writer.add(SAME[type(node.op)], *wide), dtype)


def _cast(writer: Writer, node: Apply, operands: Values) -> str:
    return writer.cast(operands[0], dtype_of(node.outputs[0]))


def _identity(writer: Writer, node: Apply, operands: Values) -> str:
    return operands[0]


def _square(writer: Writer, node: Apply, operands: Values) -> str:
    return writer.add("Mul", operands[0], operands[0])


def _minus_one(writer: Writer, node: Apply, operands: Values) -> str:
    one = writer.like(1, node.outputs[0])
    return writer.add("Sub", writer.add("Exp", operands[0]), one)


def _log_of_more(writer: Writer, node: Apply, operands: Values) -> str:
    one = writer.like(1, node.outputs[0])
    return writer.add("Log", writer.add("Add", operands[0], one))


def _logarithm(base: float) -> Rule:
    def rule(writer: Writer, node: Apply, operands: Values) -> str:
        scale = writer.like(1 / np.log(base), node.outputs[0])
        return writer.add("Mul", writer.add("Log", operands[0]), scale)

    return rule


def _power_of_two(writer: Writer, node: Apply, operands: Values) -> str:
    return writer.add("Pow", writer.like(2, node.outputs[0]), operands[0])


def _erfc(writer: Writer, node: Apply, operands: Values) -> str:
    one = writer.like(1, node.outputs[0])
    return writer.add("Sub", one, writer.add("Erf", operands[0]))


def _trunc(writer: Writer, node: Apply, operands: Values) -> str:
    size = writer.add("Floor", writer.add("Abs", operands[0]))
    return writer.add("Mul", writer.add("Sign", operands[0]), size)


def _quotient(writer: Writer, node: Apply, operands: Values) -> str:
    if not dtype_of(node.outputs[0]).startswith("float"):
        raise no_form(node, " for integers, whose quotients ONNX rounds towards 0")
    return writer.add("Floor", writer.add("Div", *operands))


def _remainder(writer: Writer, node: Apply, operands: Values) -> str:
    if not dtype_of(node.outputs[0]).startswith("float"):
        return writer.add("Mod", *operands)
    whole = writer.add("Floor", writer.add("Div", *operands))
    return writer.add("Sub", operands[0], writer.add("Mul", whole, operands[1]))


def _different(writer: Writer, node: Apply, operands: Values) -> str:
    return writer.add("Not", writer.add("Equal", *operands))


def _logic(writer: Writer, node: Apply, operands: Values) -> str:
    word = LOGIC[type(node.op)]
    return writer.add(word if dtype_of(node.outputs[0]) == "bool" else f"Bitwise{word}", *operands)


def _inverted(writer: Writer, node: Apply, operands: Values) -> str:
    return writer.add("Not" if dtype_of(node.outputs[0]) == "bool" else "BitwiseNot", *operands)


def _second(writer: Writer, node: Apply, operands: Values) -> str:
    whole = writer.add("Shape", operands[0])
    return writer.add("Expand", operands[1], whole)


RULES: dict[type, Rule] = {
    **dict.fromkeys(SAME, _same),
    **dict.fromkeys((arith.Add, arith.Sub, arith.Mul), _modular),
    **dict.fromkeys(LOGIC, _logic),
    cast.Cast: _cast,
    barrier.Barrier: _identity,
    transfer.Transfer: _identity,
    specify.SpecifyShape: _identity,
    specify.MatchSizes: _identity,
    specify.SpecifySizes: _identity,
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
}
