"""`theano.compile.ops.Rebroadcast`: which axes are known to have size 1."""

from __future__ import annotations

from typing import Any

from symgraph.tensor import addbroadcast, unbroadcast

__all__ = ["Rebroadcast"]


class Rebroadcast:
    """`Rebroadcast((0, True), (1, False))(x)`: x, whose axis 0 has size 1 and axis 1 any size."""

    def __init__(self, *axis: tuple[int, bool]) -> None:
        self.axis = dict(axis)

    def __call__(self, x: Any) -> Any:
        """The tensor, its sizes of 1 checked when it runs."""
        ones = [axis for axis, one in self.axis.items() if one]
        others = [axis for axis, one in self.axis.items() if not one]
        return unbroadcast(addbroadcast(x, *ones), *others)
