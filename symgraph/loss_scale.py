"""Loss scaling: small gradients of float16 programs are kept from vanishing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.gradient import grad
from symgraph.graph import Variable
from symgraph.ops.arith import maximum, minimum, mul, true_div
from symgraph.ops.cast import cast
from symgraph.ops.closeness import isfinite
from symgraph.ops.compare import ge
from symgraph.ops.logic import and_
from symgraph.ops.reduce import all as all_of
from symgraph.ops.select import switch
from symgraph.shared import SharedVariable, shared
from symgraph.types import Tensor

WIDE = "float32"


class LossScale:
    """A factor for the cost of a program with float16 in it, adapted while it trains.

    float16 has no numbers below 6e-8, where many gradients lie. The cost is multiplied by a scale
    before it is differentiated, and gradients are divided by it, in float32 (Micikevicius et al.,
    "Mixed precision training", 2018). A step in which a gradient is not finite is left out, and
    the scale halved; after `interval` good steps it is doubled. All of it is part of the graph, so
    a training step stays one call.

    Keep parameters in float32 and compute with `T.cast(W, "float16")`.

    Parameters
    ----------
    initial
        The scale to begin with.
    factor
        What the scale is multiplied or divided by.
    interval
        How many good steps in a row make it larger.
    least, most
        The bounds of the scale.

    Attributes
    ----------
    value
        The scale, a shared float32 scalar.
    steps
        How many good steps there were since it last changed, a shared int32 scalar.

    Raises
    ------
    GraphTypeError
        The numbers do not fit each other.

    >>> import symgraph as sg, symgraph.tensor as T
    >>> x, W = T.fvector("x"), sg.shared(np.ones(2, "float32"), "W")
    >>> scale = LossScale()
    >>> cost = T.cast(T.cast(x * W, "float16").sum(), "float32")
    >>> gradients = scale.grad(cost, [W])
    >>> step = sg.function([x], cost, updates=scale.guard([(W, W - gradients[0])], gradients))
    >>> step([1.0, 2.0]), W.get_value()
    (array(3., dtype=float32), array([ 0., -1.], dtype=float32))
    """

    def __init__(
        self,
        initial: float = 2.0**15,
        factor: float = 2.0,
        interval: int = 2000,
        least: float = 1.0,
        most: float = 2.0**24,
    ) -> None:
        if not (0 < least <= initial <= most and factor > 1 and interval >= 1):
            raise GraphTypeError(
                "a loss scale needs 0 < least <= initial <= most, factor > 1, interval >= 1;"
                f" not {least}, {initial}, {most}, {factor}, {interval}"
            )
        self.factor, self.interval, self.least, self.most = factor, interval, least, most
        self.value = shared(np.asarray(initial, WIDE), name="loss_scale")
        self.steps = shared(np.asarray(0, "int32"), name="good_steps")

    def grad(self, cost: Any, wrt: Sequence[Variable], **options: Any) -> list[Tensor]:
        """The gradients of `cost`, a scalar, by way of the scale.

        They are float32 for parameters of float16, else of the parameter's dtype. Keywords are
        passed to `grad`.
        """
        scaled = mul(cast(cost, WIDE) if cost.type.dtype == "float16" else cost, self.value)
        return [true_div(_wide(g), self.value) for g in grad(scaled, list(wrt), **options)]

    def guard(
        self,
        updates: Iterable[tuple[SharedVariable, Any]] | Mapping[SharedVariable, Any],
        gradients: Sequence[Tensor],
    ) -> list[tuple[SharedVariable, Tensor]]:
        """The updates of a step, made only if all gradients are finite; and those of the scale.

        New values are cast to the dtypes of their shared variables.
        """
        pairs = list(updates.items() if isinstance(updates, Mapping) else updates)
        good = self.finite(gradients)
        kept = [(s, switch(good, cast(new, s.type.dtype), s)) for s, new in pairs]
        return [*kept, *self._next(good)]

    @staticmethod
    def finite(gradients: Sequence[Tensor]) -> Tensor:
        """Whether every element of all gradients is finite: a bool scalar."""
        return reduce(and_, [all_of(isfinite(g)) for g in gradients])

    def _next(self, good: Tensor) -> list[tuple[SharedVariable, Tensor]]:
        grown = ge(self.steps + 1, self.interval)
        larger = minimum(mul(self.value, self.factor), self.most)
        smaller = maximum(true_div(self.value, self.factor), self.least)
        value = switch(good, switch(grown, larger, self.value), smaller)
        steps = switch(and_(good, ge(self.interval - 1, self.steps + 1)), self.steps + 1, 0)
        return [(self.value, cast(value, WIDE)), (self.steps, cast(steps, "int32"))]


def _wide(gradient: Tensor) -> Tensor:
    return cast(gradient, WIDE) if gradient.type.dtype == "float16" else gradient
