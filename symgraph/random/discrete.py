"""Discrete draws: whole numbers, through which no gradient flows."""

from __future__ import annotations

from typing import Any

from symgraph.ops.arith import add, sub
from symgraph.ops.cast import cast
from symgraph.ops.compare import lt
from symgraph.ops.random import below, random_bits
from symgraph.random.arguments import (
    as_dtype,
    check_probability,
    checked_shape,
    drawn_as,
    float_dtype,
    integer_dtype,
    known,
    require,
    sizes_of,
)
from symgraph.random.continuous import standard_uniform
from symgraph.random.source import Source
from symgraph.types import FLOATS, Tensor, as_tensor_variable


class Discrete(Source):
    """The discrete distributions; arguments are those of the continuous ones.

    `dtype` may be any real dtype, int64 by default.
    """

    def bernoulli(
        self, p: Any = 0.5, size: Any = None, ndim: int | None = None, dtype: str = "int64"
    ) -> Tensor:
        """1 with probability `p`, else 0.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).bernoulli(1.0, size=3).eval()
        array([1, 1, 1])
        """
        check_probability("p", p)
        dtype = integer_dtype(dtype)
        wish = dtype if dtype in FLOATS and _is_number(p) else None
        sizes, kind = sizes_of(size, ndim, p), drawn_as(float_dtype(wish, p))
        standard = standard_uniform(self.next_state(), sizes, kind)
        hit = checked_shape(lt(standard, as_dtype(p, kind)), standard)
        return cast(hit, dtype)

    def integers(
        self,
        low: Any,
        high: Any = None,
        size: Any = None,
        dtype: str = "int64",
        endpoint: bool = False,
        ndim: int | None = None,
    ) -> Tensor:
        """Whole numbers from `low` on, below `high`; from 0 on, below `low`, if it is None.

        With `endpoint`, `high` is one of them.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).integers(5, 6, size=(2,)).eval()
        array([5, 5])
        """
        low, high = (0, low) if high is None else (low, high)
        low, high = (cast(as_tensor_variable(v), "int64") for v in (low, high))
        high = add(high, 1) if endpoint else high
        least, most = known(low), known(high)
        if least is not None and most is not None:
            require(bool((least < most).all()), f"there are no integers from {low} below {high}")
        bits = random_bits(*self.next_state(), sizes_of(size, ndim, low, high))
        offset = below(bits, cast(sub(high, low), "uint64"))
        out = add(low, cast(offset, "int64"))
        return cast(checked_shape(out, bits), integer_dtype(dtype))

    def random_integers(
        self,
        size: Any = None,
        low: Any = 0,
        high: Any = 1,
        ndim: int | None = None,
        dtype: str = "int64",
    ) -> Tensor:
        """Whole numbers from `low` to `high`, both included."""
        return self.integers(low, high, size, dtype, endpoint=True, ndim=ndim)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
