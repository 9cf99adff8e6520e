"""What the Python function of a scan returned, in plain form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from symgraph.errors import GraphTypeError
from symgraph.loops.updates import OrderedUpdates
from symgraph.ops.cast import cast
from symgraph.ops.compare import neq
from symgraph.shared import SharedVariable
from symgraph.types import Tensor, as_tensor_variable


class until:  # noqa: N801 - a user's word, written like a function
    """The condition under which a scan ends after the step that computed it.

    Returned last by the function of a scan; `condition` is a scalar, true where it is not 0.
    """

    def __init__(self, condition: Any) -> None:
        variable = as_tensor_variable(condition)
        if variable.type.ndim:
            raise GraphTypeError(
                f"until takes a scalar, but {variable}, made at {variable.made_at}, is"
                f" {variable.type}; reduce it with T.all or T.any"
            )
        whole = variable.type.dtype == "bool"
        self.condition: Tensor = variable if whole else cast(neq(variable, 0), "bool")


class Returned(NamedTuple):
    """The values of a step: outputs, updates of shared variables, whether to stop."""

    outputs: list[Tensor]
    updates: OrderedUpdates
    stop: Tensor | None


def read_returned(value: Any) -> Returned:
    """Sort what a function returned: outputs, updates and `until`, each of which may be absent."""
    items = list(value) if isinstance(value, list | tuple) and not _is_updates(value) else [value]
    stop = items.pop().condition if items and isinstance(items[-1], until) else None
    updates = OrderedUpdates()
    if items and _is_updates(items[-1], last=len(items) > 1):
        updates.update(items.pop())
    if len(items) == 1 and (items[0] is None or isinstance(items[0], list | tuple)):
        items = list(items[0] or ())
    for item in items:
        if isinstance(item, until | Mapping):
            raise GraphTypeError(
                "the function of a scan returns outputs, then updates, then until(condition),"
                f" each of which may be left out; it returned {value!r}"
            )
    return Returned([as_tensor_variable(item) for item in items], updates, stop)


def _is_updates(value: Any, last: bool = False) -> bool:
    """Whether a value can only be updates; an empty list is, if it comes after outputs."""
    if isinstance(value, Mapping):
        return True
    if not isinstance(value, list | tuple):
        return False
    pairs = [isinstance(pair, list | tuple) and len(pair) == 2 for pair in value]
    shared = all(pairs) and all(isinstance(pair[0], SharedVariable) for pair in value)
    return shared and (last or bool(value))
