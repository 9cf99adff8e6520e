"""Discrete draws: whole numbers, through which no gradient flows."""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import add, maximum, neg, sub, true_div
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq, ge, lt
from symgraph.ops.counts import (
    random_binomial,
    random_hypergeometric,
    random_multinomial,
    random_poisson,
)
from symgraph.ops.create import arange
from symgraph.ops.cumulative import cumsum
from symgraph.ops.elementary import log1p
from symgraph.ops.random import below, random_bits
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.rounding import ceil
from symgraph.ops.shape import shape_i, shape_padright
from symgraph.random.arguments import (
    as_dtype,
    check_order,
    check_positive,
    check_probability,
    checked_shape,
    drawn_as,
    either,
    float_dtype,
    integer_dtype,
    sizes_of,
)
from symgraph.random.continuous import standard_uniform
from symgraph.random.positive import Positive, standard_exponential
from symgraph.types import FLOATS, Tensor, as_tensor_variable


class Discrete(Positive):
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
        p = check_probability("p", p)
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
        high = as_tensor_variable(check_order(("low", low), ("high", high)))
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

    def binomial(
        self,
        size: Any = None,
        n: Any = 1,
        p: Any = 0.5,
        ndim: int | None = None,
        dtype: str = "int64",
        nstreams: Any = None,
        prob: Any = None,
    ) -> Tensor:
        """How many of `n` trials succeed, each with probability `p` (or `prob`).

        With one trial, as `bernoulli`, it fuses into its readers.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).binomial((3,), n=5, p=1.0).eval()
        array([5, 5, 5])
        """
        p = either(p, prob)
        if isinstance(n, int) and n == 1:
            return self.bernoulli(p, size, ndim, dtype)
        check_probability("p", p, late=False)
        check_positive("n", n, zero=True, late=False)
        sizes = sizes_of(size, ndim, n, p)
        return cast(random_binomial(*self.next_state(), sizes, n, p), integer_dtype(dtype))

    def hypergeometric(
        self,
        ngood: Any,
        nbad: Any,
        nsample: Any,
        size: Any = None,
        ndim: int | None = None,
        dtype: str = "int64",
    ) -> Tensor:
        """How many of `nsample` things, drawn without replacement, are of the `ngood` good ones.

        The others are `nbad` bad ones. Counts lie below 1e9, and no more are drawn than there are.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).hypergeometric(3, 2, 5, size=(4,)).eval()
        array([3, 3, 3, 3])
        """
        for name, count in (("ngood", ngood), ("nbad", nbad), ("nsample", nsample)):
            check_positive(name, count, zero=True, late=False)
        sizes = sizes_of(size, ndim, ngood, nbad, nsample)
        found = random_hypergeometric(*self.next_state(), sizes, ngood, nbad, nsample)
        return cast(found, integer_dtype(dtype))

    def poisson(
        self,
        size: Any = None,
        lam: Any = 1.0,
        ndim: int | None = None,
        dtype: str = "int64",
    ) -> Tensor:
        """How often something happens whose mean number is `lam`.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).poisson((2, 3), lam=4.0).type
        TensorType(int64, (2, 3))
        """
        check_positive("lam", lam, zero=True, late=False)
        sizes = sizes_of(size, ndim, lam)
        return cast(random_poisson(*self.next_state(), sizes, lam), integer_dtype(dtype))

    def geometric(
        self, p: Any, size: Any = None, ndim: int | None = None, dtype: str = "int64"
    ) -> Tensor:
        """How many trials it takes to succeed, each with probability `p` above 0.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).geometric(1.0, (3,)).eval()
        array([1, 1, 1])
        """
        p = check_probability("p", p)
        p = check_positive("p", p)
        e = standard_exponential(self.next_state(), sizes_of(size, ndim, p), "float64")
        trials = ceil(true_div(e, neg(log1p(neg(as_dtype(p, "float64"))))))
        return cast(checked_shape(maximum(trials, 1), e), integer_dtype(dtype))

    def negative_binomial(
        self, n: Any, p: Any, size: Any = None, ndim: int | None = None, dtype: str = "int64"
    ) -> Tensor:
        """How many trials fail until `n` succeed, each with probability `p`; n need not be whole.

        A Poisson number whose mean is a gamma number.
        """
        p = check_probability("p", p)
        p = check_positive("p", p)
        odds = true_div(sub(1, as_dtype(p, "float64")), as_dtype(p, "float64"))
        sizes = sizes_of(size, ndim, n, p)
        lam = self.gamma(as_dtype(n, "float64"), odds, sizes or ())
        return self.poisson(sizes or (), lam, dtype=dtype)

    def categorical(
        self, p: Any, size: Any = None, ndim: int | None = None, dtype: str = "int64"
    ) -> Tensor:
        """The number of one of k outcomes, whose probabilities lie along the last axis of `p`.

        They need not sum to 1. `size` and `ndim` are those of the places of the outcomes.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).categorical([0.0, 1.0, 0.0], size=(4,)).eval()
        array([1, 1, 1, 1])
        """
        p = check_positive("p", p, zero=True)
        p = as_tensor_variable(p)
        if not p.type.ndim:
            raise GraphTypeError("categorical takes a vector of probabilities, not a scalar")
        sizes, kind = sizes_of(size, ndim, p[..., 0]), drawn_as(float_dtype(None, p))
        u = standard_uniform(self.next_state(), sizes, kind)
        sums = cumsum(cast(p, kind), axis=-1)
        passed = ge(shape_padright(u * sums[..., -1]), sums[..., :-1])
        return cast(
            checked_shape(sum_over(passed, axis=-1, dtype="int64"), u), integer_dtype(dtype)
        )

    def multinomial(
        self,
        size: Any = None,
        n: Any = 1,
        pvals: Any = (0.5, 0.5),
        ndim: int | None = None,
        dtype: str = "int64",
        nstreams: Any = None,
    ) -> Tensor:
        """How often each of k outcomes occurs in `n` trials; the outcomes lie along the last axis.

        `pvals` holds their probabilities along its last axis; the last outcome gets what the others
        leave. `size` and `ndim` are those of the places, so the result has one axis more.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).multinomial((2,), n=3, pvals=[1.0, 0.0]).eval()
        array([[3, 0],
               [3, 0]])
        """
        check_probability("pvals", pvals, late=False)
        pvals, dtype = as_tensor_variable(pvals), integer_dtype(dtype)
        outcomes = shape_i(pvals, pvals.type.ndim - 1)
        if isinstance(n, int) and n == 1:
            chosen = self.categorical(pvals, size, ndim)
            return cast(eq(shape_padright(chosen), arange(outcomes)), dtype)
        check_positive("n", n, zero=True, late=False)
        sizes = [*sizes_of(size, ndim, n, pvals[..., 0]), outcomes]
        return cast(random_multinomial(*self.next_state(), sizes, n, pvals), dtype)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
