"""`theano.ifelse`."""

from __future__ import annotations

from typing import Any, ClassVar

from symgraph.compat.standins.base import OpClass
from symgraph.dataclass import dataclass
from symgraph.graph import Op
from symgraph.ifelse import ifelse
from symgraph.ops import ifelse as own

__all__ = ["IfElse", "ifelse"]


@dataclass(frozen=True)
class IfElse(OpClass):
    """`IfElse(n)(condition, *values)`: the first n of 2 n values, or the others."""

    own: ClassVar[tuple[type[Op], ...]] = (own.IfElse, own.Branches)
    n_outs: int
    as_view: bool = False
    gpu: bool = False
    name: str | None = None

    def apply(self, condition: Any, *values: Any) -> Any:
        """The value taken, or a list of them."""
        found = ifelse(condition, values[: self.n_outs], values[self.n_outs :])
        return found[0] if self.n_outs == 1 else found
