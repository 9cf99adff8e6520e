"""`theano.tensor.type_other`: None and slices as values."""

from __future__ import annotations

from typing import Any

from symgraph.compat.theano.gof.type import Generic
from symgraph.graph import Constant

__all__ = ["NoneConst", "NoneTypeT", "make_slice", "none_type_t"]


class NoneTypeT(Generic):
    """The type of None."""

    def filter(self, value: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """None, and nothing else."""
        if value is not None:
            raise TypeError(f"{value!r} is not None")
        return None


none_type_t = NoneTypeT()
NoneConst = Constant(none_type_t, None, name="NoneConst")


def make_slice(start: Any, stop: Any = None, step: Any = None) -> slice:
    """A slice: bounds may be variables; a slice itself is given back."""
    return start if isinstance(start, slice) else slice(start, stop, step)
