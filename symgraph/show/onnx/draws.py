"""Random draws in ONNX, the same numbers: Philox in 64-bit integers.

Words are kept as int64, which ONNX multiplies and adds modulo 2**64; only shifts need uint64.
"""

from __future__ import annotations

import numpy as np

from symgraph.graph import Apply
from symgraph.ops import random
from symgraph.show.onnx.arrays import count
from symgraph.show.onnx.writer import Rule, Values, Writer, dtype_of

WORD = "int64"


class Words:
    """Arithmetic of 64-bit words."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.low_mask = self.number(int(random.LOW))

    def number(self, value: int) -> str:
        """A word."""
        return self.writer.constant(np.array(value).astype(np.uint64).astype(np.int64))

    def shifted(self, x: str, places: int, way: str = "RIGHT") -> str:
        """A word shifted, zeros coming in."""
        by = self.writer.constant(np.uint64(places))
        moved = self.writer.add("BitShift", self.writer.cast(x, "uint64"), by, direction=way)
        return self.writer.cast(moved, WORD)

    def low(self, x: str) -> str:
        """The lower half of a word."""
        return self.writer.add("BitwiseAnd", x, self.low_mask)

    def high(self, x: str) -> str:
        """The upper half of a word."""
        return self.shifted(x, 32)

    def xor(self, *words: str) -> str:
        """The bits that an odd number of words have."""
        whole, *rest = words
        for word in rest:
            whole = self.writer.add("BitwiseXor", whole, word)
        return whole

    def joined(self, low: str, high: str) -> str:
        """A word of two halves."""
        return self.writer.add("BitwiseOr", low, self.shifted(high, 32, "LEFT"))

    def philox(self, place: str, draw: str, key: str) -> tuple[str, str]:
        """As `ops.random.philox`: the two halves of its result."""
        add, multiply = "Add", "Mul"
        x0, x1, x2, x3 = self.low(place), self.high(place), self.low(draw), self.high(draw)
        k0, k1 = self.low(key), self.high(key)
        factors = [self.number(int(m)) for m in random.MULTIPLIERS]
        steps = [self.number(int(m)) for m in random.KEY_STEPS]
        for _ in range(random.ROUNDS):
            a, b = (
                self.writer.add(multiply, x, factor)
                for x, factor in zip((x0, x2), factors, strict=True)
            )
            x0, x1 = self.xor(self.high(b), x1, k0), self.low(b)
            x2, x3 = self.xor(self.high(a), x3, k1), self.low(a)
            k0, k1 = (
                self.low(self.writer.add(add, k, step))
                for k, step in zip((k0, k1), steps, strict=True)
            )
        return self.joined(x0, x1), self.joined(x2, x3)


def _halves(words: Words, operands: Values) -> tuple[str, str]:
    """Philox's result for each position of an array of the sizes given."""
    writer = words.writer
    key, draw = (writer.cast(word, WORD) for word in operands[:2])
    sizes = writer.vector([writer.cast(size, WORD) for size in operands[2:]])
    whole = writer.add("ReduceProd", sizes, keepdims=0)
    places = writer.add("Reshape", count(writer, whole), sizes, allowzero=1)
    return words.philox(places, draw, key)


def _bits(writer: Writer, node: Apply, operands: Values) -> str:
    assert isinstance(node.op, random.RandomBits)
    return writer.cast(_halves(Words(writer), operands)[node.op.half], "uint64")


def _uniform(writer: Writer, node: Apply, operands: Values) -> str:
    op, words = node.op, Words(writer)
    assert isinstance(op, random.RandomUniform)
    halves = _halves(words, operands)
    if op.dtype == "float32":
        word, width, exact = halves[op.part // 2], 32, 24
        word = words.high(word) if op.part % 2 else words.low(word)
    else:
        word, width, exact = halves[op.part], 64, 53
    kept = width - 1 if op.log_safe else exact
    out = node.outputs[0]
    whole = writer.cast(words.shifted(word, width - kept), dtype_of(out))
    if op.log_safe:
        whole = writer.add("Add", whole, writer.like(0.5, out))
    return writer.add("Mul", whole, writer.like(2.0**-kept, out))


def _below(writer: Writer, node: Apply, operands: Values) -> str:
    """The upper half of a product of words, by halves, as `ops.random.Below`."""
    words = Words(writer)
    bits, bound = (writer.cast(operand, WORD) for operand in operands)

    def product(x: str, y: str) -> str:
        return writer.add("Mul", x, y)

    def total(*terms: str) -> str:
        whole, *rest = terms
        for term in rest:
            whole = writer.add("Add", whole, term)
        return whole

    a, b, c, d = words.high(bits), words.low(bits), words.high(bound), words.low(bound)
    middle = total(product(a, d), words.high(product(b, d)))
    carried = words.high(total(product(b, c), words.low(middle)))
    return writer.cast(total(product(a, c), words.high(middle), carried), "uint64")


RULES: dict[type, Rule] = {
    random.RandomBits: _bits,
    random.RandomUniform: _uniform,
    random.Below: _below,
}
