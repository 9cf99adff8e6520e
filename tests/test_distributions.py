"""Distributions at fixed seeds: Kolmogorov-Smirnov, chi-square, moments, independence.

A fixed seed makes each test repeatable; the level of 1e-3 is what a right generator passes for
all but one seed in a thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import symgraph as sg
import symgraph.tensor as T
from symgraph.random import RandomStream

COUNT = 40_000
LEVEL = 1e-3
Draw = Callable[[RandomStream], Any]


def truncated(stream: RandomStream, lower: float, upper: float) -> Any:
    """A standard normal between bounds."""
    return stream.truncated_normal(COUNT, lower=lower, upper=upper)


def law(p: list[float]) -> Any:
    """The law of the numbers of outcomes of these probabilities."""
    return st.rv_discrete(values=(range(len(p)), p))()


CONTINUOUS: dict[str, tuple[Draw, Any]] = {
    "uniform float32": (lambda s: s.uniform(COUNT, dtype="float32"), st.uniform()),
    "uniform": (lambda s: s.uniform(COUNT, -2.0, 5.0), st.uniform(-2, 7)),
    "normal float32": (lambda s: s.normal(COUNT, dtype="float32"), st.norm()),
    "normal": (lambda s: s.normal(COUNT, 3.0, 0.5), st.norm(3, 0.5)),
    "standard_normal": (lambda s: s.standard_normal(COUNT), st.norm()),
    "truncated_normal": (lambda s: s.truncated_normal(COUNT, 1.0, 3.0), st.truncnorm(-2, 2, 1, 3)),
    "normal, truncate": (lambda s: s.normal(COUNT, truncate=True), st.truncnorm(-2, 2)),
    "far truncated": (lambda s: truncated(s, 6, 20), st.truncnorm(6, 20)),
    "mirrored truncated": (lambda s: truncated(s, -9, -1), st.truncnorm(-9, -1)),
    "narrow truncated": (lambda s: truncated(s, 0.5, 0.9), st.truncnorm(0.5, 0.9)),
    "wide truncated": (lambda s: truncated(s, -1, 8), st.truncnorm(-1, 8)),
    "lognormal": (lambda s: s.lognormal(0.5, 0.3, COUNT), st.lognorm(0.3, scale=np.exp(0.5))),
    "halfnormal": (lambda s: s.halfnormal(1.0, 2.0, COUNT), st.halfnorm(1, 2)),
    "laplace": (lambda s: s.laplace(1.0, 2.0, COUNT), st.laplace(1, 2)),
    "logistic": (lambda s: s.logistic(1.0, 2.0, COUNT), st.logistic(1, 2)),
    "gumbel": (lambda s: s.gumbel(1.0, 2.0, COUNT), st.gumbel_r(1, 2)),
    "cauchy": (lambda s: s.cauchy(1.0, 2.0, COUNT), st.cauchy(1, 2)),
    "halfcauchy": (lambda s: s.halfcauchy(1.0, 2.0, COUNT), st.halfcauchy(1, 2)),
    "triangular": (lambda s: s.triangular(1.0, 2.0, 5.0, COUNT), st.triang(0.25, 1, 4)),
    "vonmises": (lambda s: s.vonmises(0.0, 2.0, COUNT), st.vonmises(2)),
    "vonmises, even": (lambda s: s.vonmises(0.0, 0.0, COUNT), st.uniform(-np.pi, 2 * np.pi)),
    "vonmises, narrow": (lambda s: s.vonmises(0.0, 50.0, COUNT), st.vonmises(50)),
    "exponential": (lambda s: s.exponential(2.0, COUNT), st.expon(scale=2)),
    "exponential float32": (lambda s: s.exponential(size=COUNT, dtype="float32"), st.expon()),
    "rayleigh": (lambda s: s.rayleigh(2.0, COUNT), st.rayleigh(scale=2)),
    "weibull": (lambda s: s.weibull(1.5, COUNT), st.weibull_min(1.5)),
    "pareto": (lambda s: s.pareto(5.0, COUNT), st.lomax(5)),
    "power": (lambda s: s.power(3.0, COUNT), st.powerlaw(3)),
    "wald": (lambda s: s.wald(2.0, 3.0, COUNT), st.invgauss(2 / 3, scale=3)),
    "gamma": (lambda s: s.gamma(2.5, 2.0, COUNT), st.gamma(2.5, scale=2)),
    "gamma, large": (lambda s: s.gamma(1e4, size=COUNT), st.gamma(1e4)),
    "gamma, small": (lambda s: s.gamma(0.1, size=COUNT), st.gamma(0.1)),
    "gamma float32": (lambda s: s.gamma(1.0, size=COUNT, dtype="float32"), st.gamma(1)),
    "invgamma": (lambda s: s.invgamma(5.0, 2.0, COUNT), st.invgamma(5, scale=2)),
    "chisquare": (lambda s: s.chisquare(3, COUNT), st.chi2(3)),
    "beta": (lambda s: s.beta(2.0, 3.0, COUNT), st.beta(2, 3)),
    "beta, small": (lambda s: s.beta(0.01, 0.8, COUNT), st.beta(0.01, 0.8)),
    "f": (lambda s: s.f(6.0, 12.0, COUNT), st.f(6, 12)),
    "t": (lambda s: s.t(9.0, 1.0, 2.0, COUNT), st.t(9, 1, 2)),
    "standard_t": (lambda s: s.standard_t(1.5, COUNT), st.t(1.5)),
    "dirichlet": (lambda s: s.dirichlet([1.0, 2.0, 3.0], COUNT)[:, 1], st.beta(2, 4)),
}
DISCRETE: dict[str, tuple[Draw, Any]] = {
    "bernoulli": (lambda s: s.bernoulli(0.3, COUNT), st.bernoulli(0.3)),
    "integers": (lambda s: s.integers(-3, 8, COUNT), st.randint(-3, 8)),
    "random_integers": (lambda s: s.random_integers(COUNT, 1, 6), st.randint(1, 7)),
    "binomial of one": (lambda s: s.binomial(COUNT, p=0.7), st.bernoulli(0.7)),
    "binomial, few": (lambda s: s.binomial(COUNT, 12, 0.3), st.binom(12, 0.3)),
    "binomial, many": (lambda s: s.binomial(COUNT, 100, 0.8), st.binom(100, 0.8)),
    "binomial, rare": (lambda s: s.binomial(COUNT, 10**6, 1e-5), st.binom(10**6, 1e-5)),
    "poisson, small": (lambda s: s.poisson(COUNT, 0.7), st.poisson(0.7)),
    "poisson, 10": (lambda s: s.poisson(COUNT, 10.0), st.poisson(10)),
    "poisson, large": (lambda s: s.poisson(COUNT, 500.0), st.poisson(500)),
    "geometric": (lambda s: s.geometric(0.2, COUNT), st.geom(0.2)),
    "hypergeometric": (lambda s: s.hypergeometric(30, 50, 20, COUNT), st.hypergeom(80, 30, 20)),
    "hypergeometric, many": (
        lambda s: s.hypergeometric(40_000, 9_000, 7_000, COUNT),
        st.hypergeom(49_000, 40_000, 7_000),
    ),
    "negative_binomial": (lambda s: s.negative_binomial(2.5, 0.3, COUNT), st.nbinom(2.5, 0.3)),
    "categorical": (lambda s: s.categorical([0.2, 0.5, 0.3], COUNT), law([0.2, 0.5, 0.3])),
    "weights": (lambda s: s.categorical([2.0, 5.0, 3.0], COUNT), law([0.2, 0.5, 0.3])),
    "choice": (lambda s: s.choice(COUNT, 7), st.randint(0, 7)),
    "choice, p": (lambda s: s.choice(COUNT, a=3, p=[0.2, 0.5, 0.3]), law([0.2, 0.5, 0.3])),
    "multinomial": (lambda s: s.multinomial(COUNT, 9, [0.2, 0.5, 0.3])[:, 1], st.binom(9, 0.5)),
    "its last": (lambda s: s.multinomial(COUNT, 40, [0.5, 0.2, 0.3])[:, 2], st.binom(40, 0.3)),
    "one-hot": (lambda s: s.multinomial(COUNT, pvals=[0.2, 0.8])[:, 1], st.bernoulli(0.8)),
}


@pytest.fixture(scope="module")
def samples() -> dict[str, np.ndarray]:
    """All draws of this file, of one compiled function."""
    table = CONTINUOUS | DISCRETE
    stream = RandomStream(20)
    f = sg.function([], {name: draw(stream) for name, (draw, _) in table.items()})
    return f()


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous(name: str, samples: dict[str, np.ndarray]) -> None:
    x, law = samples[name].astype("f8"), CONTINUOUS[name][1]
    assert x.shape == (COUNT,)
    assert st.kstest(x, law.cdf).pvalue > LEVEL
    if "vonmises" not in name:  # whose moments SciPy integrates for seconds
        check_moments(x, law)


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete(name: str, samples: dict[str, np.ndarray]) -> None:
    x, law = samples[name], DISCRETE[name][1]
    assert x.dtype == np.int64
    assert chi_square(x, law) > LEVEL
    check_moments(x, law)


def check_moments(x: np.ndarray, law: Any) -> None:
    """Mean and variance within four standard errors, where the law has them."""
    mean, variance, kurtosis = law.stats("mvk")
    if np.isfinite(variance):
        assert abs(x.mean() - mean) < 4 * np.sqrt(variance / len(x))
    if np.isfinite(kurtosis):
        error = variance * np.sqrt((kurtosis + 2) / len(x))
        assert abs(x.var() - variance) < 4 * error


def chi_square(x: np.ndarray, law: Any) -> float:
    """The p-value of counts against probabilities, rare values at both ends put together."""
    values = np.arange(law.ppf(1e-6), law.ppf(1 - 1e-6) + 1)
    expected = law.pmf(values) * len(x)
    common = values[expected >= 10]
    low, high = common[0], common[-1]
    clipped = np.clip(x, low, high)
    counts = np.array([(clipped == v).sum() for v in common])
    shares = law.pmf(common)
    shares[0], shares[-1] = law.cdf(low), law.sf(high - 1)
    return float(st.chisquare(counts, shares / shares.sum() * len(x)).pvalue)


def test_neighbours_calls_and_draws_are_independent() -> None:
    """A chi-square test of pairs on a grid of 8 x 8, for everything that could be tied."""
    one, two = RandomStream(1), RandomStream(2)
    f = sg.function([], [one.uniform(COUNT), one.uniform(COUNT), two.uniform(COUNT)])
    (a, b, c), (later, *_) = f(), f()
    for x, y in [(a[:-1], a[1:]), (a, b), (a, c), (a, later), (b, later), (a, a[::-1])]:
        table = np.histogram2d(x, y, bins=8, range=[(0, 1)] * 2)[0]
        assert st.chisquare(table.ravel()).pvalue > LEVEL


def test_every_bit_is_fair() -> None:
    """The bits of uniform numbers down to the last of 24 or 53."""
    stream = RandomStream(4)
    single, double = sg.function(
        [], [stream.uniform(COUNT, dtype="float32"), stream.uniform(COUNT)]
    )()
    for x, width in ((single.astype("f8") * 2**24, 24), (double * 2.0**53, 53)):
        whole = x.astype("u8")
        assert (whole == x).all()
        ones = np.array([(whole >> np.uint64(k) & np.uint64(1)).sum() for k in range(width)])
        assert (np.abs(ones - COUNT / 2) < 4 * np.sqrt(COUNT) / 2).all()


def test_tails_of_normals_are_there() -> None:
    """Of 4 million normals some 253 exceed 4, and the largest lies where it should."""
    x = RandomStream(6).normal(4_000_000, dtype="float32").eval()
    beyond = int((np.abs(x) > 4).sum())
    assert st.poisson(len(x) * 2 * st.norm.sf(4)).cdf(beyond) > LEVEL
    assert st.poisson(len(x) * 2 * st.norm.sf(4)).sf(beyond) > LEVEL
    assert 4.7 < np.abs(x).max() < 6.5


# --- vectors, orders, choices --------------------------------------------------------------


def test_multinomial_counts_sum_and_covary() -> None:
    p = np.array([0.1, 0.4, 0.2, 0.3])
    n = np.array([5, 60])
    stream = RandomStream(11)
    f = sg.function(
        [], [stream.multinomial((COUNT // 2, 2), n, p), stream.multinomial(None, 9, [p])]
    )
    counts, single = f()
    assert (counts.sum(axis=2) == n).all()
    assert single.shape == (1, 4)
    for k, trials in enumerate(n):
        covariance = np.cov(counts[:, k].T)
        expected = trials * (np.diag(p) - np.outer(p, p))
        np.testing.assert_allclose(covariance, expected, atol=0.05 * trials * 0.25)


def test_dirichlet_sums_to_one_and_covaries() -> None:
    alpha = np.array([0.5, 2.0, 4.0])
    x = RandomStream(12).dirichlet(alpha, COUNT).eval()
    np.testing.assert_allclose(x.sum(axis=1), 1)
    expected = st.dirichlet(alpha).cov()
    np.testing.assert_allclose(np.cov(x.T), expected, atol=2e-3)


def test_normal_vectors_have_their_covariance_and_gradients() -> None:
    mean, cov = np.array([1.0, -2.0, 0.5]), np.array([[2, 0.6, 0], [0.6, 1, -0.3], [0, -0.3, 0.5]])
    m, c = T.dvector("m"), T.dmatrix("c")
    draw = sg.RandomStream(11).multivariate_normal(m, c, (200, 100))
    weights = T.constant(np.arange(3.0))
    total = (draw * weights).sum()
    f = sg.function([m, c], [draw, total, *T.grad(total, [m, c])], no_default_updates=True)
    x, _, to_mean, to_cov = f(mean, cov)
    rows = x.reshape(-1, 3)
    assert np.abs(rows.mean(axis=0) - mean).max() < 4 * np.sqrt(2 / len(rows))
    assert np.abs(np.cov(rows.T) - cov).max() < 5 * np.sqrt(2 * 4 / len(rows))
    np.testing.assert_allclose(to_mean, 20_000 * np.arange(3.0))
    step = 1e-5 * np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    slope = (f(mean, cov + step)[1] - f(mean, cov - step)[1]) / 2e-5
    np.testing.assert_allclose(to_cov[0, 1] + to_cov[1, 0], slope, rtol=1e-5)
    with pytest.raises(sg.errors.MatrixError, match="positive definite"):
        f(mean, -cov)


def test_permutations_are_equally_likely() -> None:
    stream = RandomStream(13)
    rows, shuffled = sg.function(
        [],
        [stream.permutation(COUNT, 4), stream.shuffle_row_elements(np.tile(range(4), (COUNT, 1)))],
    )()
    for orders in (rows, shuffled):
        assert (np.sort(orders, axis=1) == np.arange(4)).all()
        counts = np.unique(orders @ 4 ** np.arange(4), return_counts=True)[1]
        assert len(counts) == 24
        assert st.chisquare(counts).pvalue > LEVEL


def test_choices_without_replacement_follow_their_weights() -> None:
    """The first two of three, against the probability p_i p_j / (1 - p_i)."""
    p = np.array([0.5, 0.3, 0.2])
    pairs = RandomStream(14).multinomial_wo_replacement(n=2, pvals=np.tile(p, (COUNT, 1))).eval()
    assert (pairs[:, 0] != pairs[:, 1]).all()
    expected = [p[i] * p[j] / (1 - p[i]) for i in range(3) for j in range(3) if i != j]
    counts = [(pairs == (i, j)).all(axis=1).sum() for i in range(3) for j in range(3) if i != j]
    assert st.chisquare(counts, np.array(expected) * COUNT).pvalue > LEVEL
    again = RandomStream(14).choice(2, a=None, replace=False, p=np.tile(p, (COUNT, 1))).eval()
    np.testing.assert_array_equal(pairs, again)


def test_choices_and_permutations_of_a_tensor() -> None:
    stream, x = RandomStream(15), sg.tensor.dmatrix("x")
    draws = [
        stream.choice((2, 2), x),
        stream.choice((3,), x, replace=False),
        stream.choice((2, 2), 4, replace=False),
        stream.choice(None, x, replace=False, p=[0.0, 0.0, 1.0]),
        stream.permutation(n=x),
        stream.permutation((2, 3), 5),
        stream.choice(None, 5),
    ]
    rows = np.arange(6.0).reshape(3, 2)
    some, all_rows, places, last, order, wide, one = sg.function([x], draws)(rows)
    assert some.shape == (2, 2, 2)
    assert set(some[..., 0].ravel()) <= {0.0, 2.0, 4.0}
    for found in (all_rows, order):
        np.testing.assert_array_equal(np.sort(found, axis=0), rows)
    assert sorted(places.ravel()) == [0, 1, 2, 3]
    assert last.tolist() == [4.0, 5.0]
    assert wide.shape == (2, 3, 5)
    assert one.shape == ()


def test_draws_of_other_sizes_follow_broadcast_parameters() -> None:
    """Each element has its own parameters, in rows and columns."""
    stream = RandomStream(16)
    rates, shapes = np.array([0.5, 20.0, 300.0]), np.array([[0.3], [1.0], [50.0]])
    draws = [
        stream.poisson((COUNT, 3), rates),
        stream.gamma(shapes, size=(3, COUNT)),
        stream.binomial((COUNT, 3), [1, 20, 1000], [0.5, 0.3, 0.9]),
        stream.beta(2.0, rates, (COUNT, 3)),
        stream.poisson(None, rates),
    ]
    counts, gammas, hits, betas, plain = sg.function([], draws)()
    near(counts.mean(axis=0), rates, np.sqrt(rates))
    near(gammas.mean(axis=1), shapes[:, 0], np.sqrt(shapes[:, 0]))
    near(hits.mean(axis=0), [0.5, 6, 900], np.sqrt([0.25, 4.2, 90]))
    near(betas.mean(axis=0), 2 / (2 + rates), np.ones(3) / 2)
    assert plain.shape == (3,)


def near(found: Any, mean: Any, deviation: Any) -> None:
    """Within four standard errors of the mean."""
    assert (np.abs(found - np.asarray(mean)) < 4 * np.asarray(deviation) / np.sqrt(COUNT)).all()
