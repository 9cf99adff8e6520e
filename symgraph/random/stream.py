"""`RandomStream`: all distributions over one source."""

from __future__ import annotations

from symgraph.random.continuous import Continuous
from symgraph.random.orders import Orders
from symgraph.random.source import Seed

__all__ = ["MRG_RandomStreams", "RandomStream", "RandomStreams"]


class RandomStream(Continuous, Orders):
    """Makes random variables: symbolic draws that differ from call to call.

    Parameters
    ----------
    seed
        A whole number from 0 on, or a sequence of them; None for one that no one knows.

    The numbers depend on the seed, on which draw of the stream they are, and on how often it was
    made; not on the number of threads nor on what else a function computes. The names Theano has
    take its arguments, `size` first, those of NumPy alone take NumPy's order; where both name a
    parameter differently, both keywords are taken.

    A draw is made anew by each call of a function, since its state counts the calls by an update
    of its own; `function(..., no_default_updates=True)` leaves the state, so calls repeat.

    >>> import symgraph as sg
    >>> stream = sg.RandomStream(seed=7)
    >>> f = sg.function([], stream.integers(0, 1000, size=3))
    >>> first, second = f(), f()
    >>> bool((first == second).all())
    False
    >>> stream.seed(7)
    >>> bool((f() == first).all())
    True
    """


RandomStreams = RandomStream


class MRG_RandomStreams(RandomStream):  # noqa: N801 - Theano's name
    """A `RandomStream` whose seed is 12345 unless given, as Theano's of this name."""

    def __init__(self, seed: Seed = 12345) -> None:
        super().__init__(seed)
