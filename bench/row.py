"""What a row of the table is: data, a definition in NumPy, one builder per framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bench.measure import Measure, speed
from bench.peers import Peer

Builder = Callable[..., Callable[[], Any]]


@dataclass(frozen=True, eq=False)
class Row:
    """One computation, to be measured in every framework.

    Parameters
    ----------
    name
        What it is called on the command line.
    title
        What it is called in the table.
    data
        The arrays it works on, from a random generator.
    numpy
        Its definition: from those arrays in float64, the results of the first calls.
    tolerance
        The error allowed, relative to the largest element of the result.
    chained
        Whether calls depend on each other, so that only the last of a round is waited for.
    summary
        What of a result is compared with NumPy's; where numbers are random, averages of them.
    measure
        What is measured.
    builders
        For a peer's name, a function of its `lib` and the arrays that returns what is called.
    """

    name: str
    title: str
    data: Callable[[np.random.Generator], Sequence[np.ndarray]]
    numpy: Callable[..., Sequence[Any]]
    tolerance: float = 1e-5
    chained: bool = False
    summary: Callable[[np.ndarray], np.ndarray] = lambda result: result
    measure: Measure = speed
    builders: dict[str, Builder] = field(default_factory=dict)

    def built_for(self, *peers: Peer) -> Callable[[Builder], Builder]:
        """Decorates the builder of some peers."""

        def register(builder: Builder) -> Builder:
            self.builders.update({peer.name: builder for peer in peers})
            return builder

        return register

    def measured(self, name: str, title: str, measure: Measure) -> Row:
        """The same computation as another row, something else measured."""
        return replace(self, name=name, title=title, measure=measure)

    def arrays(self) -> Sequence[np.ndarray]:
        """The data, the same in every process."""
        return self.data(np.random.default_rng(1))

    def error(self, results: Sequence[Any]) -> float:
        """The largest error of the first results, relative to the largest element."""
        exact = self.numpy(*(a.astype("f8") if a.dtype.kind == "f" else a for a in self.arrays()))
        pairs = zip(map(self._compared, results), map(self._compared, exact), strict=True)
        return max(
            float(np.max(np.abs(found - right)) / np.max(np.abs(right))) for found, right in pairs
        )

    def _compared(self, result: Any) -> np.ndarray:
        return self.summary(np.asarray(result, "f8"))

    @property
    def checked_calls(self) -> int:
        """How many calls are checked against NumPy."""
        return 3 if self.chained else 1
