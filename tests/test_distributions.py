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
from symgraph.random import RandomStream

COUNT = 40_000
LEVEL = 1e-3
Draw = Callable[[RandomStream], Any]

CONTINUOUS: dict[str, tuple[Draw, Any]] = {
    "uniform float32": (lambda s: s.uniform(COUNT, dtype="float32"), st.uniform()),
    "uniform": (lambda s: s.uniform(COUNT, -2.0, 5.0), st.uniform(-2, 7)),
    "normal float32": (lambda s: s.normal(COUNT, dtype="float32"), st.norm()),
    "normal": (lambda s: s.normal(COUNT, 3.0, 0.5), st.norm(3, 0.5)),
}
DISCRETE: dict[str, tuple[Draw, Any]] = {
    "bernoulli": (lambda s: s.bernoulli(0.3, COUNT), st.bernoulli(0.3)),
    "integers": (lambda s: s.integers(-3, 8, COUNT), st.randint(-3, 8)),
    "random_integers": (lambda s: s.random_integers(COUNT, 1, 6), st.randint(1, 7)),
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
    values = np.arange(law.ppf(1e-4), law.ppf(1 - 1e-4) + 1)
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
