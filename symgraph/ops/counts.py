"""Draws of whole numbers by rejection: Poisson, binomial, multinomial; and random orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.families import Example
from symgraph.later import LaterFunctions
from symgraph.ops.create import size_samples
from symgraph.ops.random import below
from symgraph.ops.sampled import Array, Words, _Sampled, fixed, fraction, outside
from symgraph.ops.shape import scalars_of
from symgraph.types import Arg, Dims, Tensor, Tensors, unify

scipy_special = LaterFunctions("scipy.special")
__all__ = [
    "random_binomial",
    "random_hypergeometric",
    "random_multinomial",
    "random_permutation",
    "random_poisson",
]


@dataclass(frozen=True, repr=False)
class RandomPoisson(_Sampled):
    """Poisson numbers of rates from 0 on, below 1e18; another one is an error.

    From a rate of 10 on W. Hormann's PTRS (The transformed rejection method for generating Poisson
    random variables, 1993), below by the distribution function.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.samplers:poisson"
    reads: ClassVar[int | None] = 3
    failure = outside("element", "the rate lies in [0, 1e18)")
    parameters: ClassVar[tuple[str, ...]] = ("float64",)

    def sample(self, words: Words, *parameters: Any) -> Array:
        """The small rates and the large ones."""
        rate = np.broadcast_to(parameters[0], words.shape)
        self.check((rate >= 0) & (rate < 1e18))
        few = counted(words, np.exp(-rate), lambda k: rate / k)
        many = words.accepted(_poisson_attempt, np.maximum(rate, 10))
        return np.where(rate < 10, few, many)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Small and large rates, one for each, none."""
        state = size_samples(5, 0)
        yield Example(cls(), (*state, fixed((), "value:3"), *size_samples(5)))
        yield Example(cls(), (*state, fixed((), "value:400"), *size_samples(2, 3)))
        yield Example(cls(), (*state, fixed((4,), "positive"), *size_samples(4)))
        yield Example(cls(), (*state, fixed((), "value:0"), *size_samples(0)))


def counted(words: Words, mass: Array, ratio: Callable[[int], Array]) -> Array:
    """How many masses, each the one before times `ratio(k)`, fit below a uniform number."""
    u = fraction(words.of(0)[0]).reshape(words.shape)
    k, mass, total = np.zeros(words.shape), np.broadcast_to(mass, words.shape), 0
    more = u > mass
    while more.any():
        total += 1
        u = np.where(more, u - mass, u)
        k = np.where(more, total, k)
        mass = mass * ratio(total)
        more = more & (u > mass) & (mass > 0)
    return k


def _poisson_attempt(first: Array, second: Array, rate: Array) -> tuple[Array, Array]:
    b = 0.931 + 2.53 * np.sqrt(rate)
    a = 0.02483 * b - 0.059
    inverse_alpha, v_r = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)
    u, v = fraction(first) - 0.5, fraction(second)
    us = 0.5 - np.abs(u)
    x = np.floor((2 * a / us + b) * u + rate + 0.43)
    height = np.log(v * inverse_alpha / (a / (us * us) + b))
    below = height <= x * np.log(rate) - rate - scipy_special.gammaln(np.maximum(x, 0) + 1)
    possible = (x >= 0) & ((us >= 0.013) | (v <= us))
    return x, ((us >= 0.07) & (v <= v_r)) | (possible & below)


@dataclass(frozen=True, repr=False)
class RandomBinomial(_Sampled):
    """Binomial numbers of counts (int64) and probabilities; others than those are an error.

    From a mean of 10 on W. Hormann's BTRS (The generation of binomial random variates, 1993), below
    by the distribution function; what is drawn is the rarer of the two outcomes.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.samplers:binomial"
    reads: ClassVar[int | None] = 4
    failure = outside("element", "n is 0 or more, p lies in [0, 1]")
    parameters: ClassVar[tuple[str, ...]] = ("int64", "float64")

    def sample(self, words: Words, *parameters: Any) -> Array:
        """The rarer outcome, few and many."""
        n, chance = (np.broadcast_to(p, words.shape) for p in parameters)
        self.check((n >= 0) & (chance >= 0) & (chance <= 1))
        return binomial(words, n, chance)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Few and many, probable and not, one for each, none."""
        state, n = size_samples(5, 0), size_samples(1000)
        yield Example(cls(), (*state, *size_samples(7), fixed((), "probability"), *size_samples(5)))
        yield Example(cls(), (*state, *n, fixed((2, 3), "probability"), *size_samples(2, 3)))
        yield Example(cls(), (*state, *n, fixed((), "value:0.001"), *size_samples(3)))
        yield Example(cls(), (*state, *n, fixed((), "value:1"), *size_samples(0)))


def binomial(words: Words, n: Array, chance: Array) -> Array:
    """Binomial numbers, by NumPy."""
    p = np.minimum(chance, 1 - chance)
    few = n * p < 10
    count, odds = np.where(few, n, 0), p / (1 - p)
    small = counted(
        words,
        np.where(few, np.exp(n * np.log1p(-p)), 2),
        lambda k: np.where(k <= count, odds * (count - k + 1) / k, 0),
    )
    large = words.accepted(_binomial_attempt, np.where(few, 40, n), np.where(few, 0.5, p))
    rarer = np.where(few, small, large)
    return np.where(chance <= 0.5, rarer, n - rarer)


def _binomial_attempt(first: Array, second: Array, n: Array, p: Array) -> tuple[Array, Array]:
    spread = np.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = 0.0248 * b + 0.01 * p - 0.0873
    v_r, alpha, m = 0.92 - 4.2 / b, (2.83 + 5.1 / b) * spread, np.floor((n + 1) * p)
    u, v = fraction(first) - 0.5, fraction(second)
    us = 0.5 - np.abs(u)
    x = np.floor((2 * a / us + b) * u + n * p + 0.5)
    inside = np.clip(x, 0, n)
    top = scipy_special.gammaln(m + 1) + scipy_special.gammaln(n - m + 1)
    bottom = scipy_special.gammaln(inside + 1) + scipy_special.gammaln(n - inside + 1)
    height = np.log(v * alpha / (a / (us * us) + b))
    below = height <= top - bottom + (x - m) * np.log(p / (1 - p))
    return x, ((us >= 0.07) & (v <= v_r)) | ((x == inside) & below)


@dataclass(frozen=True, repr=False)
class RandomMultinomial(_Sampled):
    """Rows of multinomial numbers: how often each of k outcomes occurs in n trials.

    `n` has the sizes without the last, or is a scalar; the probabilities have all, or are a vector.
    Outcome after outcome gets a binomial number of the trials left; the last gets the rest.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.samplers:multinomial"
    reads: ClassVar[int | None] = 4
    failure = outside("row", "n is 0 or more, probabilities lie in [0, 1]")
    parameters: ClassVar[tuple[str, ...]] = ("int64", "float64")

    def _spread(self, parameter: Tensor, sizes: Tensors) -> Tensor:
        if parameter.type.dtype == "int64":
            return super()._spread(parameter, sizes[:-1])
        return super()._spread(parameter, sizes) if parameter.type.ndim > 1 else parameter

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes given; the last is that of the probabilities."""
        dims = super().out_shape(*args)
        return (*dims[:-1], unify((dims[-1], args[3].shape[-1]), "multinomial: outcomes"))

    def sample(self, words: Words, *parameters: Any) -> Array:
        """Outcome after outcome."""
        chances = np.broadcast_to(parameters[1], words.shape)
        left, mass = np.broadcast_to(parameters[0], words.shape[:-1]), np.ones(())
        self.check((left >= 0) & ((chances >= 0) & (chances <= 1)).all(axis=-1))
        out = np.zeros(words.shape, np.int64)
        for j in range(words.shape[-1] - 1):
            share = np.where(mass > 0, np.minimum(chances[..., j] / mass, 1), 0)
            out[..., j] = binomial(words.at(words.places[..., j]), left, share)
            left, mass = left - out[..., j], mass - chances[..., j]
        out[..., -1:] = left[..., None]
        return out

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A vector of probabilities, a matrix, none."""
        state, n = size_samples(5, 0), size_samples(50)
        thirds, counts = fixed((3,), "value:0.3"), fixed((2,), "value:90", "int64")
        yield Example(cls(), (*state, *n, thirds, *size_samples(4, 3)))
        yield Example(cls(), (*state, counts, fixed((2, 3), "value:0.2"), *size_samples(2, 3)))
        yield Example(cls(), (*state, *n, thirds, *size_samples(0, 3)))


@dataclass(frozen=True, repr=False)
class RandomPermutation(_Sampled):
    """Rows that hold the whole numbers from 0 on, below their length, in random order.

    R. Durstenfeld's shuffle (1964), as it builds up the order.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.samplers:permutation"
    reads: ClassVar[int | None] = 2

    def sample(self, words: Words, *parameters: Any) -> Array:
        """Number after number, in all rows at once."""
        out, width = np.zeros(words.shape, np.int64), words.shape[-1]
        bits = words.of(0)[0]
        for j in range(width):
            other = below.reference(bits[..., j], np.uint64(j + 1)).astype(np.int64)[..., None]
            out[..., j : j + 1] = np.take_along_axis(out, other, axis=-1)
            np.put_along_axis(out, other, j, axis=-1)
        return out

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One row, several, nothing."""
        state = size_samples(8, 2)
        for sizes in ((7,), (3, 4), (0,), (2, 0), (0, 2)):
            yield Example(cls(), (*state, *size_samples(*sizes)))


@dataclass(frozen=True, repr=False)
class RandomHypergeometric(_Sampled):
    """How many of so many things drawn are good: counts of good and bad ones, how many are drawn.

    Masses are added from the likeliest number outwards until they reach a uniform number.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.samplers:hypergeometric"
    reads: ClassVar[int | None] = 5
    failure = outside("element", "counts lie in [0, 1e9), and no more are drawn than there are")
    parameters: ClassVar[tuple[str, ...]] = ("int64", "int64", "int64")

    def sample(self, words: Words, *parameters: Any) -> Array:
        """All elements at once, those found put aside."""
        good, bad, taken = (np.broadcast_to(p, words.shape).astype("f8") for p in parameters)
        fine = (good >= 0) & (good < 1e9) & (bad >= 0) & (bad < 1e9) & (taken >= 0)
        self.check(fine & (taken <= good + bad))
        low, high = np.maximum(taken - bad, 0), np.minimum(taken, good)
        mode = np.clip(np.floor((taken + 1) * (good + 1) / (good + bad + 2)), low, high)
        above = below = np.exp(_height(good, bad, taken, mode))
        u, found, up, down = fraction(words.of(0)[0]).reshape(words.shape) - above, mode, mode, mode
        while (open_ := (u > 0) & (above + below > LEAST_MASS)).any():
            above = above * (good - up) * (taken - up) / ((up + 1) * (bad - taken + up + 1))
            up, u = up + 1, u - np.where(open_, above, 0)
            found = np.where(open_ & (u <= 0), up, found)
            open_ = open_ & (u > 0)
            rest = bad - taken + down
            below = below * down * rest / ((good - down + 1) * (taken - down + 1))
            down, u = down - 1, u - np.where(open_, below, 0)
            found = np.where(open_ & (u <= 0), down, found)
        return found

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Few and many, all drawn, none."""
        state = size_samples(5, 0)
        for counts in ((7, 5, 4), (3000, 900, 500), (3, 2, 5), (0, 4, 2)):
            yield Example(cls(), (*state, *size_samples(*counts), *size_samples(2, 3)))
        yield Example(cls(), (*state, *size_samples(5, 5, 5), *size_samples(0)))


LEAST_MASS = 1e-20  # what lies beyond cannot be told from rounding errors


def _height(good: Array, bad: Array, taken: Array, hits: Array) -> Array:
    """The logarithm of the mass of so many hits."""
    lg = scipy_special.gammaln
    chosen = lg(good + 1) - lg(hits + 1) - lg(good - hits + 1)
    others = lg(bad + 1) - lg(taken - hits + 1) - lg(bad - taken + hits + 1)
    ways = lg(good + bad + 1) - lg(taken + 1) - lg(good + bad - taken + 1)
    height: Array = chosen + others - ways
    return height


def random_poisson(key: Any, draw: Any, sizes: Any, rate: Any) -> Tensor:
    """Poisson numbers (int64)."""
    return RandomPoisson()(key, draw, rate, *scalars_of(sizes))


def random_binomial(key: Any, draw: Any, sizes: Any, n: Any, p: Any) -> Tensor:
    """Binomial numbers (int64)."""
    return RandomBinomial()(key, draw, n, p, *scalars_of(sizes))


def random_hypergeometric(
    key: Any, draw: Any, sizes: Any, good: Any, bad: Any, taken: Any
) -> Tensor:
    """Hypergeometric numbers (int64)."""
    return RandomHypergeometric()(key, draw, good, bad, taken, *scalars_of(sizes))


def random_multinomial(key: Any, draw: Any, sizes: Any, n: Any, pvals: Any) -> Tensor:
    """Multinomial numbers (int64), outcomes along the last axis."""
    return RandomMultinomial()(key, draw, n, pvals, *scalars_of(sizes))


def random_permutation(key: Any, draw: Any, sizes: Any) -> Tensor:
    """Orders (int64) of the last axis.

    >>> sorted(random_permutation(1, 0, (4,)).eval().tolist())
    [0, 1, 2, 3]
    """
    return RandomPermutation()(key, draw, *scalars_of(sizes))
