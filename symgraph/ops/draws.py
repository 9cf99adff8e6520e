"""Continuous draws by rejection: gamma, truncated normal, von Mises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.families import Example
from symgraph.ops.create import size_samples
from symgraph.ops.sampled import (
    ONE,
    TAU,
    Array,
    Words,
    _Real,
    fixed,
    fraction,
    normal_of,
    outside,
)
from symgraph.ops.shape import scalars_of
from symgraph.types import Tensor

__all__ = ["random_gamma", "random_truncated_normal", "random_von_mises"]


@dataclass(frozen=True, repr=False)
class RandomGamma(_Real):
    """Standard gamma numbers for shapes from 1 on; another one is an error.

    G. Marsaglia, W. Tsang, A simple method for generating gamma variables, ACM TOMS 26, 2000.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.samplers:gamma"
    reads: ClassVar[int | None] = 3
    failure = outside("element", "the shape is 1 or more, and finite")
    parameters: ClassVar[tuple[str, ...]] = ("float64",)

    def sample(self, words: Words, *parameters: Any) -> Array:
        """A normal number, and a uniform one that decides on it."""

        def attempt(first: Array, second: Array, d: Array) -> tuple[Array, Array]:
            x = normal_of(first)
            v = (1 + x / np.sqrt(9 * d)) ** 3
            bound = 0.5 * x * x + d * (1 - v + np.log(np.where(v > 0, v, 1)))
            return d * v, (v > 0) & (np.log(fraction(second)) < bound)

        d = np.broadcast_to(parameters[0], words.shape) - 1 / 3
        self.check((d >= 2 / 3) & (d < np.inf))
        return words.accepted(attempt, d)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One shape for all, one for each, none."""
        state = size_samples(3, 1)
        yield Example(cls(), (*state, fixed((), "above1"), *size_samples(4)))
        yield Example(cls(), (*state, fixed((3,), "above1"), *size_samples(2, 3)))
        yield Example(cls(), (*state, fixed((), "above1"), *size_samples(0)))


@dataclass(frozen=True, repr=False)
class RandomTruncatedNormal(_Real):
    """Standard normal numbers between bounds, the first below the second or it is an error.

    C. Robert, Simulation of truncated normal variables, 1995: far out exponential numbers are
    tried, in a narrow interval uniform ones, else normal ones.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.samplers:truncated_normal"
    reads: ClassVar[int | None] = 4
    failure = outside("element", "the lower bound is below the upper one")
    parameters: ClassVar[tuple[str, ...]] = ("float64", "float64")

    def sample(self, words: Words, *parameters: Any) -> Array:
        """In the half where the bound that is nearer to 0 is the lower one."""
        low, high = (np.broadcast_to(p, words.shape) for p in parameters)
        mirrored = np.abs(high) < np.abs(low)
        a, b = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
        self.check(low < high)
        x = words.accepted(_truncated_attempt, a, b)
        return np.where(mirrored, -x, x)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Around 0, at one side, far out, narrow, none."""
        state = size_samples(8, 0)
        for low, high in ((-2, 2), (-5, 1), (0, 40), (30, 31), (-1, 0)):
            bounds = fixed((), f"value:{low}"), fixed((), f"value:{high}")
            yield Example(cls(), (*state, *bounds, *size_samples(4)))
        bounds = fixed((3,), "value:-1"), fixed((2, 3), "positive")
        yield Example(cls(), (*state, *bounds, *size_samples(2, 3)))
        yield Example(cls(), (*state, *bounds[:1] * 2, *size_samples(0, 3)))


def _truncated_attempt(first: Array, second: Array, low: Array, high: Array) -> tuple[Array, Array]:
    root = np.sqrt(low * low + 4)
    rate = (low + root) / 2
    tail = (low > 0) & (high - low > np.exp((low * low - low * root + 2) / 4) / rate)
    flat = ~tail & (high - low < np.sqrt(TAU))
    u, v = fraction(first), np.log(fraction(second))
    far, even = low - np.log(u) / rate, low + (high - low) * u
    bell = np.sqrt(-2 * v) * np.cos(TAU * u)
    x = np.where(tail, far, np.where(flat, even, bell))
    height = np.where(tail, -((x - rate) ** 2) / 2, (np.maximum(low, 0) ** 2 - x * x) / 2)
    return x, np.where(tail | flat, v <= height, x >= low) & (x <= high)


@dataclass(frozen=True, repr=False)
class RandomVonMises(_Real):
    """Angles about 0 of a concentration from 0 on; another one is an error.

    D. Best, N. Fisher, Efficient simulation of the von Mises distribution, 1979.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.samplers:von_mises"
    reads: ClassVar[int | None] = 3
    failure = outside("element", "the concentration is 0 or more")
    parameters: ClassVar[tuple[str, ...]] = ("float64",)

    def sample(self, words: Words, *parameters: Any) -> Array:
        """Concentrated angles, and even ones."""
        kappa = np.broadcast_to(parameters[0], words.shape)
        self.check(kappa >= 0)
        even = np.pi * (2 * fraction(words.of(0)[0]) - 1)
        about_0 = words.accepted(_von_mises_attempt, np.where(kappa > 1e-8, kappa, 1))
        return np.where(kappa > 1e-8, about_0, even)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Several concentrations, none at all, nothing."""
        state = size_samples(8, 0)
        for kappa in ("value:2", "value:0", "value:0.0001", "value:300"):
            yield Example(cls(), (*state, fixed((), kappa), *size_samples(4)))
        yield Example(cls(), (*state, fixed((3,), "positive"), *size_samples(2, 3)))
        yield Example(cls(), (*state, fixed((), "positive"), *size_samples(0)))


def _von_mises_attempt(first: Array, second: Array, kappa: Array) -> tuple[Array, Array]:
    root = 1 + np.sqrt(1 + 4 * kappa * kappa)
    rho = np.where(kappa > 1e-4, (root - np.sqrt(2 * root)) / (2 * kappa), kappa / 2)
    r = (1 + rho * rho) / (2 * rho)
    z, v = np.cos(np.pi * fraction(first)), fraction(second)
    f = (1 + r * z) / (r + z)
    c = kappa * (r - f)
    angle = np.arccos(np.clip(f, -1, 1))
    fine = (c * (2 - c) > v) | (np.log(c / v) + 1 >= c)
    return np.where(first & ONE == ONE, angle, -angle), fine


def random_gamma(key: Any, draw: Any, sizes: Any, shape: Any) -> Tensor:
    """Standard gamma numbers (float64) for shapes from 1 on.

    >>> random_gamma(1, 0, (2, 3), 2.5).type
    TensorType(float64, (2, 3))
    """
    return RandomGamma()(key, draw, shape, *scalars_of(sizes))


def random_truncated_normal(key: Any, draw: Any, sizes: Any, low: Any, high: Any) -> Tensor:
    """Standard normal numbers (float64) between bounds."""
    return RandomTruncatedNormal()(key, draw, low, high, *scalars_of(sizes))


def random_von_mises(key: Any, draw: Any, sizes: Any, kappa: Any) -> Tensor:
    """Angles about 0 (float64)."""
    return RandomVonMises()(key, draw, kappa, *scalars_of(sizes))
