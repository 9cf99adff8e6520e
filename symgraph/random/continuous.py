"""Continuous draws, made of uniform ones; gradients flow to location and scale."""

from __future__ import annotations

import math
from typing import Any

from symgraph.ops.arith import mul, sub
from symgraph.ops.elementary import cos, log, sqrt
from symgraph.ops.random import random_uniform
from symgraph.random.arguments import (
    as_dtype,
    check_positive,
    drawn_as,
    either,
    float_dtype,
    located,
    sizes_of,
)
from symgraph.random.source import Source, State
from symgraph.types import Tensor, Tensors


def standard_uniform(state: State, sizes: Tensors, dtype: str, log_safe: bool = False) -> Tensor:
    """Uniform in [0, 1), or with `log_safe` in (0, 1]."""
    return random_uniform(*state, sizes, drawn_as(dtype), log_safe=log_safe)


def standard_normal(state: State, sizes: Tensors, dtype: str) -> Tensor:
    """Normal of mean 0 and variance 1 (G. Box, M. Muller, 1958): sqrt(-2 log u) cos(2 pi v).

    Its largest size is 6.6 in float32 and 9.4 in float64.
    """
    kind = drawn_as(dtype)
    u = random_uniform(*state, sizes, kind, part=0, log_safe=True)
    v = random_uniform(*state, sizes, kind, part=1)
    return mul(sqrt(mul(log(u), -2.0)), cos(mul(v, 2 * math.pi)))


class Continuous(Source):
    """The continuous distributions.

    All take `size` (an int, ints, scalars or a vector of sizes; None for the shape the parameters
    broadcast to), `ndim` (how many sizes there are, where a vector does not tell) and `dtype` (a
    float; None for that of the parameters, `config.floatX` if they are bare numbers).
    """

    def random(self, size: Any = None, ndim: int | None = None, dtype: Any = None) -> Tensor:
        """Uniform in [0, 1)."""
        return self.uniform(size, ndim=ndim, dtype=dtype)

    def uniform(
        self,
        size: Any = None,
        low: Any = 0.0,
        high: Any = 1.0,
        ndim: int | None = None,
        dtype: str | None = None,
        nstreams: Any = None,
    ) -> Tensor:
        """Uniform in [low, high): low + (high - low) * k/2**24, or k/2**53 of float64.

        `nstreams` is taken for Theano's sake.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).uniform((2, 3), dtype="float32").type
        TensorType(float32, (2, 3))
        """
        sizes, dtype = sizes_of(size, ndim, low, high), float_dtype(dtype, low, high)
        standard = standard_uniform(self.next_state(), sizes, dtype)
        kind = standard.type.dtype
        span = high - low if _numbers(low, high) else sub(as_dtype(high, kind), as_dtype(low, kind))
        return located(standard, low, span, dtype)

    def normal(
        self,
        size: Any = None,
        avg: Any = 0.0,
        std: Any = 1.0,
        ndim: int | None = None,
        dtype: str | None = None,
        nstreams: Any = None,
        *,
        loc: Any = None,
        scale: Any = None,
    ) -> Tensor:
        """Normal of mean `avg` (or `loc`) and standard deviation `std` (or `scale`).

        >>> import symgraph as sg
        >>> avg = sg.shared(5.0)
        >>> draw = sg.RandomStream(1).normal((4,), avg=avg)
        >>> sg.grad(draw.sum(), avg).eval()
        array(4.)
        """
        avg, std = either(avg, loc), either(std, scale)
        check_positive("std", std, zero=True)
        sizes, dtype = sizes_of(size, ndim, avg, std), float_dtype(dtype, avg, std)
        return located(standard_normal(self.next_state(), sizes, dtype), avg, std, dtype)

    def standard_normal(
        self, size: Any = None, ndim: int | None = None, dtype: str | None = None
    ) -> Tensor:
        """Normal of mean 0 and variance 1."""
        return self.normal(size, ndim=ndim, dtype=dtype)


def _numbers(*values: Any) -> bool:
    return all(isinstance(v, int | float) for v in values)
