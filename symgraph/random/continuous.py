"""Continuous draws, made of uniform ones; gradients flow to location and scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import abs_, add, mod, mul, neg, sub, true_div
from symgraph.ops.cast import cast
from symgraph.ops.compare import lt
from symgraph.ops.draws import random_truncated_normal, random_von_mises
from symgraph.ops.elementary import cos, exp, log, log1p, sqrt, tan
from symgraph.ops.linalg import dot
from symgraph.ops.random import random_uniform
from symgraph.ops.select import switch
from symgraph.ops.shape import shape_i, transpose
from symgraph.ops.triangular import cholesky
from symgraph.random.arguments import (
    as_dtype,
    check_order,
    check_positive,
    checked_shape,
    drawn_as,
    either,
    float_dtype,
    located,
    sizes_of,
)
from symgraph.random.source import Source, State
from symgraph.types import Tensor, Tensors, as_tensor_variable

TAU = 2 * math.pi


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
    return mul(sqrt(mul(log(u), -2.0)), cos(mul(v, TAU)))


def _coin_and_half(state: State, sizes: Tensors, dtype: str) -> tuple[Tensor, Tensor]:
    """A fair coin, and a number in (0, 1/2], dense towards 0.

    Together they give both ends of (0, 1) in full detail.
    """
    kind = drawn_as(dtype)
    coin = lt(random_uniform(*state, sizes, kind, part=1), 0.5)
    return coin, mul(random_uniform(*state, sizes, kind, part=0, log_safe=True), 0.5)


def standard_laplace(state: State, sizes: Tensors, dtype: str) -> Tensor:
    """An exponential number with a random sign."""
    coin, half = _coin_and_half(state, sizes, dtype)
    size = log(mul(half, 2))
    return switch(coin, size, neg(size))


def standard_logistic(state: State, sizes: Tensors, dtype: str) -> Tensor:
    """log(u / (1 - u)), of u or 1 - u."""
    coin, half = _coin_and_half(state, sizes, dtype)
    odds = sub(log(half), log1p(neg(half)))
    return switch(coin, odds, neg(odds))


def standard_gumbel(state: State, sizes: Tensors, dtype: str) -> Tensor:
    """-log(-log(u))."""
    coin, half = _coin_and_half(state, sizes, dtype)
    return neg(log(neg(switch(coin, log(half), log1p(neg(half))))))


def standard_cauchy(state: State, sizes: Tensors, dtype: str) -> Tensor:
    """1 / tan(pi u), of u or 1 - u."""
    coin, half = _coin_and_half(state, sizes, dtype)
    slope = true_div(1, tan(mul(half, math.pi)))
    return switch(coin, slope, neg(slope))


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
        truncate: bool = False,
        *,
        loc: Any = None,
        scale: Any = None,
    ) -> Tensor:
        """Normal of mean `avg` (or `loc`) and standard deviation `std` (or `scale`).

        With `truncate` as `truncated_normal`.

        >>> import symgraph as sg
        >>> avg = sg.shared(5.0)
        >>> draw = sg.RandomStream(1).normal((4,), avg=avg)
        >>> sg.grad(draw.sum(), avg).eval()
        array(4.)
        """
        avg, std = either(avg, loc), either(std, scale)
        if truncate:
            return self.truncated_normal(size, avg, std, ndim, dtype)
        std = check_positive("std", std, zero=True)
        sizes, dtype = sizes_of(size, ndim, avg, std), float_dtype(dtype, avg, std)
        return located(standard_normal(self.next_state(), sizes, dtype), avg, std, dtype)

    def standard_normal(
        self, size: Any = None, ndim: int | None = None, dtype: str | None = None
    ) -> Tensor:
        """Normal of mean 0 and variance 1."""
        return self.normal(size, ndim=ndim, dtype=dtype)

    def truncated_normal(
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
        lower: Any = -2.0,
        upper: Any = 2.0,
    ) -> Tensor:
        """Normal, but only from avg + lower * std to avg + upper * std.

        The bounds, in standard deviations, have no gradient.

        >>> from symgraph import RandomStream
        >>> x = RandomStream(1).truncated_normal((1000,), avg=5.0, lower=0.0, upper=1.0)
        >>> [x.min().eval() >= 5, x.max().eval() <= 6]
        [np.True_, np.True_]
        """
        avg, std = either(avg, loc), either(std, scale)
        std = check_positive("std", std, zero=True)
        check_order(("lower", lower), ("upper", upper), late=False)
        dtype = float_dtype(dtype, avg, std)
        sizes = sizes_of(size, ndim, avg, std, lower, upper)
        standard = random_truncated_normal(*self.next_state(), sizes, lower, upper)
        return located(cast(standard, drawn_as(dtype)), avg, std, dtype)

    def lognormal(
        self,
        mean: Any = 0.0,
        sigma: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """exp of a normal number of that mean and standard deviation."""
        return exp(self.normal(size, mean, sigma, ndim, dtype))

    def multivariate_normal(
        self,
        mean: Any,
        cov: Any,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Normal vectors of a mean vector and a covariance matrix, along a last axis.

        `size` and `ndim` are those of the places, so the result has one axis more. The draw is
        mean + L z, where L is the Cholesky factor of `cov` and z is standard normal; so gradients
        flow to both. A covariance that is not positive definite is a `MatrixError` when it runs.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).multivariate_normal([0.0, 9.0], [[2.0, 1.0], [1.0, 2.0]], (3,)).type
        TensorType(float64, (3, 2))
        """
        mean, cov = as_tensor_variable(mean), as_tensor_variable(cov)
        if (mean.type.ndim, cov.type.ndim) != (1, 2):
            raise GraphTypeError("multivariate_normal takes a mean vector and a covariance matrix")
        dtype = float_dtype(dtype, mean, cov)
        sizes = [*(sizes_of(size, ndim) if size is not None else []), shape_i(mean, 0)]
        z = standard_normal(self.next_state(), sizes, dtype)
        kind = z.type.dtype
        factor = cholesky(as_dtype(cov, kind))
        return cast(add(dot(z, transpose(factor)), as_dtype(mean, kind)), dtype)

    def halfnormal(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """loc + scale * |z|, z standard normal."""
        return self._located(
            lambda *how: abs_(standard_normal(*how)), loc, scale, size, ndim, dtype
        )

    def laplace(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Of the density exp(-|x - loc| / scale) / (2 scale)."""
        return self._located(standard_laplace, loc, scale, size, ndim, dtype)

    def logistic(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Of the distribution function sigmoid((x - loc) / scale)."""
        return self._located(standard_logistic, loc, scale, size, ndim, dtype)

    def gumbel(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Of the distribution function exp(-exp(-(x - loc) / scale))."""
        return self._located(standard_gumbel, loc, scale, size, ndim, dtype)

    def cauchy(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Of the density scale / (pi (scale**2 + (x - loc)**2)): it has no mean."""
        return self._located(standard_cauchy, loc, scale, size, ndim, dtype)

    def halfcauchy(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """loc + scale * |c|, c standard Cauchy."""
        return self._located(
            lambda *how: abs_(standard_cauchy(*how)), loc, scale, size, ndim, dtype
        )

    def triangular(
        self,
        left: Any,
        mode: Any,
        right: Any,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """From left to right, of a density that rises to `mode` and falls from there, in lines.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).triangular(2.0, 2.5, 3.0, (1000,)).mean().eval().round(1)
        np.float64(2.5)
        """
        right = check_order(("left", left), ("right", right))
        dtype = float_dtype(dtype, left, mode, right)
        sizes, kind = sizes_of(size, ndim, left, mode, right), drawn_as(dtype)
        u = standard_uniform(self.next_state(), sizes, dtype)
        left, mode, right = (as_dtype(v, kind) for v in (left, mode, right))
        rise = left + sqrt(u * (right - left) * (mode - left))
        fall = right - sqrt((1 - u) * (right - left) * (right - mode))
        out = switch(lt(u * (right - left), mode - left), rise, fall)
        return cast(checked_shape(out, u), dtype)

    def vonmises(
        self,
        mu: Any = 0.0,
        kappa: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Angles in [-pi, pi] about `mu`, of a density proportional to exp(kappa cos(x - mu)).

        No gradient flows to `kappa`.
        """
        check_positive("kappa", kappa, zero=True, late=False)
        dtype = float_dtype(dtype, mu, kappa)
        angle = random_von_mises(*self.next_state(), sizes_of(size, ndim, mu, kappa), kappa)
        turned = angle if mu == 0 else angle + as_dtype(mu, "float64")
        return cast(checked_shape(mod(turned + math.pi, TAU) - math.pi, angle), dtype)

    def _located(
        self,
        standard: Callable[[State, Tensors, str], Tensor],
        loc: Any,
        scale: Any,
        size: Any,
        ndim: int | None,
        dtype: str | None,
    ) -> Tensor:
        """loc + scale * what `standard` draws."""
        scale = check_positive("scale", scale, zero=True)
        sizes, dtype = sizes_of(size, ndim, loc, scale), float_dtype(dtype, loc, scale)
        return located(standard(self.next_state(), sizes, dtype), loc, scale, dtype)


def _numbers(*values: Any) -> bool:
    return all(isinstance(v, int | float) for v in values)
