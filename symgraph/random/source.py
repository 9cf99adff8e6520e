"""Where draws take their bits from: shared states that count the calls.

Each draw of a stream has a state of its own: a key made of the stream's seed and of the number of
the draw in the stream, and how often a function has made the draw. The states are shared
variables, so they are saved, copied and swapped like parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from symgraph.errors import ParameterError
from symgraph.shared import TensorSharedVariable, shared
from symgraph.types import Tensor, constant

Seed = int | Sequence[int] | None


class State(NamedTuple):
    """What one draw is a function of: its key and its number, uint64 scalars."""

    key: Tensor
    draw: Tensor


class Source:
    """Hands out a fresh state for each draw.

    Attributes
    ----------
    state_updates
        For each draw made so far its state, a shared vector of two uint64, and its next value.
    """

    def __init__(self, seed: Seed = None) -> None:
        self.state_updates: list[tuple[TensorSharedVariable, Tensor]] = []
        self._seeds = _sequence(seed)

    def seed(self, seed: Seed = None) -> None:
        """Start every draw anew from a seed; from the stream's own seed if it is None."""
        if seed is not None:
            self._seeds = _sequence(seed)
        for number, (state, _) in enumerate(self.state_updates):
            state.set_value(self._start(number))

    def updates(self) -> list[tuple[TensorSharedVariable, Tensor]]:
        """The updates of all states, as `function` takes them."""
        return list(self.state_updates)

    def gen(self, draw: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What `draw(state, *args, **kwargs)` returns for a state that no other draw has."""
        return draw(self.next_state(), *args, **kwargs)

    def next_state(self) -> State:
        """The state of the next draw, a shared variable that counts the calls of functions."""
        state = shared(self._start(len(self.state_updates)), name="random_state", shape=(2,))
        state.default_update = state + constant(np.array([0, 1], np.uint64))
        self.state_updates.append((state, state.default_update))
        return State(state[0], state[1])

    def _start(self, number: int) -> np.ndarray[Any, Any]:
        own = np.random.SeedSequence(self._seeds.entropy, spawn_key=(number,))
        return np.array([own.generate_state(1, np.uint64)[0], 0], np.uint64)


def _sequence(seed: Seed) -> np.random.SeedSequence:
    try:
        return np.random.SeedSequence(seed)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"a seed is an int from 0 on, or several, not {seed!r}") from error
