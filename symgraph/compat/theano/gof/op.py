"""`theano.gof.op`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symgraph.graph import Constant, Op
from symgraph.shared import SharedVariable

__all__ = ["Op", "OpenMPOp", "PureOp", "get_debug_values", "get_test_value"]

OpenMPOp = PureOp = Op


def get_test_value(v: Any) -> Any:
    """The value a variable stands for while a graph is built: its tag's, its own if it has one."""
    if isinstance(v, Constant):
        return v.data
    if isinstance(v, SharedVariable):
        return v.get_value(borrow=True)
    return v.tag.test_value


def get_debug_values(*args: Any) -> Iterator[tuple[Any, ...]]:
    """One tuple of test values if every argument has one, nothing otherwise."""
    try:
        yield tuple(map(get_test_value, args))
    except AttributeError:
        return
