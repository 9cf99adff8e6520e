"""What a row of the table is: data, a definition in NumPy, one builder per framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from bench.measure import Measure, speed
from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE, Peer

Builder = Callable[..., Callable[[], Any]]
EVERYONE = SYMGRAPH, PYTENSOR, JAX, TORCH, TORCH_COMPILE


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
        Its definition: from those arrays in float64, the results of the first calls, all in one
        list.
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

    def exact(self) -> list[np.ndarray]:
        """What NumPy says the first results are."""
        arrays = (a.astype("f8") if a.dtype.kind == "f" else a for a in self.arrays())
        return [np.asarray(result, "f8") for result in self.numpy(*arrays)]

    def error(self, results: Sequence[Any], exact: Sequence[np.ndarray]) -> float:
        """The largest error of results, relative to the largest element."""
        pairs = [
            (self.summary(np.asarray(result, "f8")), self.summary(right))
            for result, right in zip(results, exact, strict=True)
        ]
        return max(float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in pairs)

    def wrong(self, results: Sequence[Any]) -> str | None:
        """What is wrong with the first results, if anything is."""
        if self.name not in EXACT:
            EXACT.clear()  # of one row only: some are large
            EXACT[self.name] = self.exact()
        error = self.error(results, EXACT[self.name])
        if error <= self.tolerance:
            return None
        return f"result off by {error:.1e}, where {self.tolerance:.0e} is allowed"

    @property
    def checked_calls(self) -> int:
        """How many calls are checked against NumPy."""
        return 3 if self.chained else 1


EXACT: dict[str, list[np.ndarray]] = {}


def function_row(
    name: str,
    title: str,
    data: Callable[[np.random.Generator], Sequence[np.ndarray]],
    definition: Callable[..., Any],
    numpy: Callable[..., Sequence[Any]],
    peers: Sequence[Peer] = EVERYONE,
    **options: Any,
) -> Row:
    """A row of a function of arrays: `definition` takes a framework's `lib` and its symbols."""

    def build(lib: Any, *arrays: Any) -> Callable[[], Any]:
        return lib.function(partial(definition, lib), arrays)

    return Row(name, title, data, numpy, builders={p.name: build for p in peers}, **options)


def step_row(
    name: str,
    title: str,
    data: Callable[[np.random.Generator], Sequence[np.ndarray]],
    cost: Callable[..., Any],
    slopes: Callable[..., tuple[Any, Sequence[np.ndarray]]],
    rates: Sequence[float],
    peers: Sequence[Peer] = EVERYONE,
    **options: Any,
) -> Row:
    """A row of steps of gradient descent.

    Parameters
    ----------
    data
        Inputs, and after them the parameters.
    cost
        The cost, from a framework's `lib`, symbols of the inputs, and the parameters.
    slopes
        In NumPy, the cost and its gradients by the parameters.
    rates
        One for each parameter.
    """

    def build(lib: Any, *arrays: Any) -> Callable[[], Any]:
        count = len(arrays) - len(rates)
        return lib.step(partial(cost, lib), arrays[:count], arrays[count:], rates)

    def costs(*arrays: np.ndarray) -> list[Any]:
        count, found = len(arrays) - len(rates), []
        inputs, parameters = arrays[:count], list(arrays[count:])
        for _ in range(3):
            value, found_slopes = slopes(*inputs, *parameters)
            found.append(value)
            pairs = zip(parameters, rates, found_slopes, strict=True)
            parameters = [p - rate * slope for p, rate, slope in pairs]
        return found

    builders = {peer.name: build for peer in peers}
    return Row(name, title, data, costs, chained=True, builders=builders, **options)
