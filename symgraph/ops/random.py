"""Random bits and uniform numbers: functions of a key, the number of a draw, and a position.

The generator is Philox 4x32-10 (J. Salmon and others, Parallel random numbers: as easy as 1, 2, 3,
SC 2011). Its counter holds the row-major position of an element and the number of the draw. So an
element needs no other element: draws fuse into their readers, and are the same whatever the number
of threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.dtype_rules import logical
from symgraph.errors import GraphTypeError
from symgraph.families import Elemwise, Example, Positional, Read
from symgraph.kernel import Expr, call, cast, lit
from symgraph.ops.cast import cast as cast_to
from symgraph.ops.create import size_samples
from symgraph.ops.shape import scalars_of
from symgraph.types import Arg, Dims, Tensor, Tensors

__all__ = ["below", "random_bits", "random_uniform"]

WORD = "uint64"
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
KEY_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
ROUNDS = 10


def philox(place: Any, draw: Any, key: Any) -> tuple[Any, Any]:
    """Philox 4x32-10 of the counter (place, draw), each two words, low first, and of a key.

    Takes and returns arrays of uint64: the first two words of the result, and the others.
    """
    x0, x1, x2, x3 = place & LOW, place >> HALF, draw & LOW, draw >> HALF
    k0, k1 = key & LOW, key >> HALF
    for _ in range(ROUNDS):
        a, b = x0 * MULTIPLIERS[0], x2 * MULTIPLIERS[1]
        x0, x1, x2, x3 = b >> HALF ^ x1 ^ k0, b & LOW, a >> HALF ^ x3 ^ k1, a & LOW
        k0, k1 = (k0 + KEY_STEPS[0]) & LOW, (k1 + KEY_STEPS[1]) & LOW
    return x0 | x1 << HALF, x2 | x3 << HALF


def _word(value: int) -> Expr:
    return lit(value, WORD)


@dataclass(frozen=True, repr=False)
class _Draw(Positional):
    """Inputs: a key, the number of the draw (both uint64 scalars), the sizes."""

    sized = True

    def prepare(self, *inputs: Any) -> Tensors:
        """The operands checked."""
        key, draw, *sizes = inputs
        state = [cast_to(key, WORD), cast_to(draw, WORD)]
        for var in state:
            if var.type.ndim:
                raise GraphTypeError(f"{self} takes a key and a number, but {var} is {var.type}")
        return [*state, *scalars_of(sizes)]

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes given."""
        return tuple(size.value for size in args[2:])

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """Nothing flows to keys and sizes."""
        return [None] * len(inputs)

    @staticmethod
    def _halves(key: Any, draw: Any, sizes: Sequence[Any]) -> tuple[Any, Any]:
        shape = tuple(int(n) for n in sizes)
        if any(n < 0 for n in shape):
            raise ValueError("negative dimensions are not allowed")
        places = np.arange(int(np.prod(shape)), dtype=WORD).reshape(shape)
        return philox(places, np.uint64(draw), np.uint64(key))


@dataclass(frozen=True, repr=False)
class RandomBits(_Draw):
    """64 random bits an element (uint64), the first or the second half of Philox's 128."""

    half: int = 0

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """uint64."""
        return (WORD,)

    def at(self, place: Expr, args: Sequence[Arg], read: Read, dtype: str) -> Expr:
        """A half of Philox's result for the position."""
        name = "philox_high" if self.half else "philox"
        return call(name, cast(place, WORD), read(1, ()), read(0, ()))

    def reference(self, key: Any, draw: Any, *sizes: Any) -> Any:
        """The same, by NumPy."""
        return self._halves(key, draw, sizes)[self.half]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Both halves, several ranks, nothing."""
        state = size_samples(7, 3)
        yield Example(cls(0), (*state, *size_samples(5)))
        yield Example(cls(1), (*state, *size_samples(2, 3)))
        yield Example(cls(0), state)
        yield Example(cls(0), (*state, *size_samples(0, 2)))


@dataclass(frozen=True, repr=False)
class RandomUniform(_Draw):
    """Uniform floats: whole multiples of 2**-24 (float32) or 2**-53 in [0, 1).

    With `log_safe` in (0, 1], of 31 or 63 bits, dense towards 0: what logarithms are taken of.
    `part` tells which of Philox's words is used, of 32 bits for float32 and 64 for float64.
    """

    dtype: str
    part: int = 0
    log_safe: bool = False

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The declared dtype."""
        return (self.dtype,)

    def at(self, place: Expr, args: Sequence[Arg], read: Read, dtype: str) -> Expr:
        """The upper bits of the word as a fraction."""
        single = dtype == "float32"
        half, upper = divmod(self.part, 2) if single else (self.part, 1)
        word = RandomBits(half).at(place, args, read, WORD)
        width = 32 if single else 64
        kept = width - 1 if self.log_safe else 24 if single else 53
        shift = width - kept + (32 if single and upper else 0)
        if single and not upper:
            word = word & _word(int(LOW))
        whole = cast(cast(call("shr", word, _word(shift)), "int32" if single else "int64"), dtype)
        return (whole + 0.5 if self.log_safe else whole) * 2.0**-kept

    def reference(self, key: Any, draw: Any, *sizes: Any) -> Any:
        """The same, by NumPy."""
        halves = self._halves(key, draw, sizes)
        if self.dtype == "float32":
            word, width, exact = halves[self.part // 2], 32, 24
            word = word >> HALF if self.part % 2 else word & LOW
        else:
            word, width, exact = halves[self.part], 64, 53
        kept = width - 1 if self.log_safe else exact
        kind = np.dtype(self.dtype).type
        whole = (word >> np.uint64(width - kept)).astype(self.dtype)
        return (whole + kind(0.5) if self.log_safe else whole) * kind(2.0**-kept)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Every word of both dtypes, several ranks, nothing."""
        state = size_samples(11, 2)
        for part, sizes in enumerate(((6,), (2, 3), (3, 1, 2), ())):
            yield Example(cls("float32", part), (*state, *size_samples(*sizes)))
        yield Example(cls("float32", 1, True), (*state, *size_samples(4)))
        yield Example(cls("float64", 0), (*state, *size_samples(5)))
        yield Example(cls("float64", 1, True), (*state, *size_samples(2, 2)))
        yield Example(cls("float64", 1), (*state, *size_samples(0)))


def words(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """Integers, taken as uint64."""
    logical(*dtypes)
    return (WORD,) * len(dtypes), WORD


class Below(Elemwise):
    """A whole number below a bound, of 64 random bits: their product with it, over 2**64.

    Its values differ in probability by less than bound / 2**64 (D. Lemire, Fast random integer
    generation in an interval, 2019).
    """

    nin, dtypes = 2, words
    domains = ("int",)

    def scalar(self, bits: Expr, bound: Expr) -> Expr:
        """The upper half of a product of 64-bit numbers, by products of 32-bit ones."""
        half = _word(32)

        def parts(x: Expr) -> tuple[Expr, Expr]:
            return call("shr", x, half), x & _word(int(LOW))

        (a, b), (c, d) = parts(bits), parts(bound)
        middle = a * d + call("shr", b * d, half)
        high, low = parts(middle)
        return a * c + high + call("shr", b * c + low, half)

    @staticmethod
    def reference(bits: Any, bound: Any) -> Any:
        """The same, by NumPy."""
        a, b, c, d = bits >> HALF, bits & LOW, bound >> HALF, bound & LOW
        middle = a * d + (b * d >> HALF)
        return a * c + (middle >> HALF) + (b * c + (middle & LOW) >> HALF)


below: Elemwise = Below()


def random_bits(key: Any, draw: Any, sizes: Any, half: int = 0) -> Tensor:
    """64 random bits an element (uint64), a function of a key, the number of a draw, a position.

    >>> random_bits(0, 0, (2,)).eval()[0] == 0xE169C58D6627E8D5
    np.True_
    """
    return RandomBits(half)(key, draw, *scalars_of(sizes))


def random_uniform(
    key: Any, draw: Any, sizes: Any, dtype: str, part: int = 0, log_safe: bool = False
) -> Tensor:
    """Uniform numbers in [0, 1), or with `log_safe` in (0, 1].

    >>> random_uniform(1, 0, (3,), "float32").type
    TensorType(float32, (3,))
    """
    return RandomUniform(dtype, part, log_safe)(key, draw, *scalars_of(sizes))
