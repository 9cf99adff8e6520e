"""Continuous draws of positive numbers, and what is made of gamma numbers."""

from __future__ import annotations

from typing import Any

from symgraph.ops.activations import softmax
from symgraph.ops.arith import add, mul, neg, true_div
from symgraph.ops.cast import cast
from symgraph.ops.compare import lt
from symgraph.ops.draws import random_gamma
from symgraph.ops.elementary import exp, expm1, log, sigmoid, sqrt
from symgraph.ops.select import switch
from symgraph.ops.shape import shape_i
from symgraph.random.arguments import (
    as_dtype,
    check_positive,
    checked_shape,
    float_dtype,
    known,
    located,
    sizes_of,
)
from symgraph.random.continuous import standard_normal, standard_uniform
from symgraph.random.source import Source, State
from symgraph.types import Tensor, Tensors, as_tensor_variable


def standard_exponential(state: State, sizes: Tensors, dtype: str) -> Tensor:
    """-log(u)."""
    return neg(log(standard_uniform(state, sizes, dtype, log_safe=True)))


class Positive(Source):
    """Distributions of positive numbers; arguments are those of `Continuous`.

    Gradients flow to scales, and to the parameters that stand in a formula (`weibull`, `pareto`);
    asked for by the shape of a gamma number, or what is made of one, they are an error.
    """

    def exponential(
        self,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Of the density exp(-x / scale) / scale.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).exponential(2.0, (10_000,)).mean().eval().round(1)
        np.float64(2.0)
        """
        scale = check_positive("scale", scale, zero=True)
        sizes, dtype = sizes_of(size, ndim, scale), float_dtype(dtype, scale)
        return located(standard_exponential(self.next_state(), sizes, dtype), 0, scale, dtype)

    def standard_exponential(
        self, size: Any = None, ndim: int | None = None, dtype: str | None = None
    ) -> Tensor:
        """Of the density exp(-x)."""
        return self.exponential(1.0, size, ndim, dtype)

    def rayleigh(
        self,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """The length of a vector of two normal numbers of standard deviation `scale`."""
        scale = check_positive("scale", scale, zero=True)
        sizes, dtype = sizes_of(size, ndim, scale), float_dtype(dtype, scale)
        standard = standard_exponential(self.next_state(), sizes, dtype)
        return located(sqrt(mul(standard, 2.0)), 0, scale, dtype)

    def weibull(
        self, a: Any, size: Any = None, ndim: int | None = None, dtype: str | None = None
    ) -> Tensor:
        """e**(1/a), e standard exponential."""
        e, a, dtype = self._exponential_and("a", a, size, ndim, dtype)
        return cast(checked_shape(e ** true_div(1, a), e), dtype)

    def pareto(
        self, a: Any, size: Any = None, ndim: int | None = None, dtype: str | None = None
    ) -> Tensor:
        """exp(e/a) - 1, e standard exponential: Pareto's second law (Lomax), as NumPy's."""
        e, a, dtype = self._exponential_and("a", a, size, ndim, dtype)
        return cast(checked_shape(expm1(true_div(e, a)), e), dtype)

    def power(
        self, a: Any, size: Any = None, ndim: int | None = None, dtype: str | None = None
    ) -> Tensor:
        """u**(1/a), u uniform."""
        e, a, dtype = self._exponential_and("a", a, size, ndim, dtype)
        return cast(checked_shape(exp(neg(true_div(e, a))), e), dtype)

    def wald(
        self,
        mean: Any,
        scale: Any,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Inverse Gaussian numbers (J. Michael, W. Schucany, R. Haas, 1976)."""
        mean = check_positive("mean", mean)
        scale = check_positive("scale", scale)
        sizes, dtype = sizes_of(size, ndim, mean, scale), float_dtype(dtype, mean, scale)
        z = standard_normal(self.next_state(), sizes, dtype)
        u = standard_uniform(self.next_state(), sizes, dtype)
        mean, scale = (as_dtype(v, z.type.dtype) for v in (mean, scale))
        w = mean * z * z / (2 * scale)
        ratio = true_div(1, 1 + w + sqrt(w * (w + 2)))  # of the smaller root to the mean
        return cast(
            checked_shape(mean * switch(lt(u * (1 + ratio), 1), ratio, 1 / ratio), z), dtype
        )

    def gamma(
        self,
        shape: Any,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Of a density proportional to x**(shape - 1) exp(-x / scale).

        >>> from symgraph import RandomStream
        >>> RandomStream(1).gamma(0.5, 2.0, (3,)).type
        TensorType(float64, (3,))
        """
        scale = check_positive("scale", scale, zero=True)
        sizes, dtype = sizes_of(size, ndim, shape, scale), float_dtype(dtype, shape, scale)
        base, boost = self._gamma_parts(sizes, shape)
        standard = base if boost is None else mul(base, exp(boost))
        return located(standard, 0, scale, dtype)

    def standard_gamma(
        self, shape: Any, size: Any = None, ndim: int | None = None, dtype: str | None = None
    ) -> Tensor:
        """Of a density proportional to x**(shape - 1) exp(-x)."""
        return self.gamma(shape, 1.0, size, ndim, dtype)

    def invgamma(
        self,
        shape: Any,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """scale / g, g standard gamma."""
        scale = check_positive("scale", scale, zero=True)
        sizes, dtype = sizes_of(size, ndim, shape, scale), float_dtype(dtype, shape, scale)
        return located(exp(neg(self._log_gamma(sizes, shape))), 0, scale, dtype)

    def chisquare(
        self, df: Any, size: Any = None, ndim: int | None = None, dtype: str | None = None
    ) -> Tensor:
        """The sum of `df` squares of standard normal numbers; `df` need not be whole."""
        return self.gamma(_half(df), 2.0, size, ndim, float_dtype(dtype, df))

    def beta(
        self,
        a: Any,
        b: Any,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Of a density proportional to x**(a - 1) (1 - x)**(b - 1)."""
        sizes, dtype = sizes_of(size, ndim, a, b), float_dtype(dtype, a, b)
        logs = [self._log_gamma(sizes, v) for v in (a, b)]
        return cast(sigmoid(logs[0] - logs[1]), dtype)

    def f(
        self,
        dfnum: Any,
        dfden: Any,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """The ratio of two chi-square numbers, each over its degrees of freedom."""
        sizes, dtype = sizes_of(size, ndim, dfnum, dfden), float_dtype(dtype, dfnum, dfden)
        above, below = (self._chisquare_ratio(sizes, df) for df in (dfnum, dfden))
        return cast(true_div(above, below), dtype)

    def t(
        self,
        df: Any,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        ndim: int | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Student's t: loc + scale * z / sqrt(c / df), z standard normal, c chi-square.

        >>> import symgraph as sg
        >>> loc = sg.shared(1.0)
        >>> sg.grad(sg.RandomStream(1).t(3.0, loc, size=(2,)).sum(), loc).eval()
        array(2.)
        """
        scale = check_positive("scale", scale, zero=True)
        sizes, dtype = sizes_of(size, ndim, df, loc, scale), float_dtype(dtype, df, loc, scale)
        z = standard_normal(self.next_state(), sizes, "float64")
        return located(true_div(z, sqrt(self._chisquare_ratio(sizes, df))), loc, scale, dtype)

    def standard_t(
        self, df: Any, size: Any = None, ndim: int | None = None, dtype: str | None = None
    ) -> Tensor:
        """Student's t about 0."""
        return self.t(df, 0.0, 1.0, size, ndim, dtype)

    def dirichlet(
        self, alpha: Any, size: Any = None, ndim: int | None = None, dtype: str | None = None
    ) -> Tensor:
        """Vectors of probabilities, along the last axis, for vectors `alpha` above 0.

        `size` and `ndim` are those of the vectors' places.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).dirichlet([1.0, 2.0], size=(5,)).sum(axis=1).eval().round(6)
        array([1., 1., 1., 1., 1.])
        """
        alpha, dtype = as_tensor_variable(alpha), float_dtype(dtype, alpha)
        sizes = [*sizes_of(size, ndim, alpha[..., 0]), shape_i(alpha, alpha.type.ndim - 1)]
        return cast(softmax(self._log_gamma(sizes, alpha)), dtype)

    def _exponential_and(
        self, name: str, value: Any, size: Any, ndim: int | None, dtype: str | None
    ) -> tuple[Tensor, Tensor, str]:
        """A standard exponential draw, a positive parameter in its dtype, the dtype asked for."""
        value = check_positive(name, value)
        sizes, dtype = sizes_of(size, ndim, value), float_dtype(dtype, value)
        standard = standard_exponential(self.next_state(), sizes, dtype)
        return standard, as_dtype(value, standard.type.dtype), dtype

    def _gamma_parts(self, sizes: Tensors, shape: Any) -> tuple[Tensor, Tensor | None]:
        """Gamma numbers of shapes from 1 on, and the logarithm of what makes smaller ones of them.

        A gamma number for a is one for a + 1, times u**(1/a).
        """
        check_positive("the shape of a gamma number", shape, late=False)
        a, value = as_dtype(shape, "float64"), known(shape)
        if value is not None and (value >= 1).all():
            return random_gamma(*self.next_state(), sizes, a), None
        small = lt(a, 1)
        base = random_gamma(*self.next_state(), sizes, switch(small, add(a, 1), a))
        e = standard_exponential(self.next_state(), sizes, "float64")
        return base, switch(small, neg(true_div(e, a)), 0)

    def _log_gamma(self, sizes: Tensors, shape: Any) -> Tensor:
        """The logarithm of standard gamma numbers: those of small shapes underflow."""
        base, boost = self._gamma_parts(sizes, shape)
        return log(base) if boost is None else add(log(base), boost)

    def _chisquare_ratio(self, sizes: Tensors, df: Any) -> Tensor:
        """Chi-square numbers over their degrees of freedom."""
        log_ratio = self._log_gamma(sizes, _half(df)) - log(as_dtype(_half(df), "float64"))
        return exp(log_ratio)


def _half(df: Any) -> Any:
    return df / 2 if isinstance(df, int | float) else true_div(df, 2)
