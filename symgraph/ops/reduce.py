"""Reductions: sum, prod, max, min, argmax, argmin, any, all, and what is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.families import Example, Reduce, Sample
from symgraph.graph import Variable
from symgraph.kernel import Expr, Lit, call, cast, lit
from symgraph.types import CONTINUOUS


@dataclass(frozen=True, repr=False)
class Sum(Reduce):
    """Sum over `axes`, accumulated in `acc_dtype` (float64 for float32, as in Theano)."""

    dtype: str
    acc_dtype: str

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The declared dtype."""
        return (self.dtype,)

    def acc_dtypes(self, dtype: str) -> tuple[str, ...]:
        """The declared accumulator dtype."""
        return (self.acc_dtype,)

    def start(self, dtype: str) -> tuple[Lit, ...]:
        """Zero."""
        return (lit(0, self.acc_dtype),)

    def step(self, accs: tuple[Expr, ...], x: Expr, position: Expr) -> tuple[Expr, ...]:
        """One more term, in any order."""
        return (call("add_any_order", accs[0], cast(x, self.acc_dtype)),)

    def reference(self, x: Any) -> Any:
        """NumPy's sum."""
        return np.sum(x, axis=self.axes, dtype=self.acc_dtype)

    def L_op(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        output_grads: Sequence[Variable],
    ) -> Sequence[Variable | None]:
        """Every term gets the cotangent."""
        return [spread(output_grads[0], inputs[0], self.axes)]
