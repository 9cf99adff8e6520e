"""What a scan asks its function to store: next values of shared variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from symgraph.errors import DuplicateUpdateError, UpdateError
from symgraph.graph import Variable, ancestors, toposort
from symgraph.ops.scan import Scan
from symgraph.ops.shape import DimShuffle
from symgraph.shared import SharedVariable


class OrderedUpdates(dict[Variable, Variable]):
    """Shared variables and their next values, in order; two of them are joined with `+`.

    Raises
    ------
    UpdateError
        For a key that is not a shared variable.
    DuplicateUpdateError
        When two next values of one variable are joined.

    >>> import symgraph as sg
    >>> a, b = sg.shared(0.0, name="a"), sg.shared(0.0, name="b")
    >>> OrderedUpdates({a: a + 1}) + {b: b + 2}
    {a: Add.0, b: Add.0}
    """

    def __init__(self, pairs: Any = ()) -> None:
        super().__init__()
        self.update(pairs)

    def __setitem__(self, shared: Variable, value: Variable) -> None:
        if not isinstance(shared, SharedVariable):
            raise UpdateError(f"{shared!r} is updated, but only shared variables keep a value")
        if shared in self and self[shared] is not value:
            raise DuplicateUpdateError(
                f"{shared}, made at {shared.made_at}, is updated twice; combine the two updates"
            )
        super().__setitem__(shared, value)

    def update(self, pairs: Any = (), /, **_: Any) -> None:
        """Take more pairs, from a mapping or an iterable."""
        for shared, value in _pairs(pairs):
            self[shared] = value

    def __add__(self, other: Any) -> OrderedUpdates:
        joined = OrderedUpdates(self)
        joined.update(other)
        return joined

    def __radd__(self, other: Any) -> OrderedUpdates:
        return OrderedUpdates(other) + self


def default_updates(
    roots: Iterable[Variable], stop: Iterable[Variable] = ()
) -> dict[SharedVariable, Variable]:
    """Next values of the shared variables behind `roots` that have a default update.

    What lies behind `stop` is computed elsewhere.

    Of one that the steps of a loop update, what the loop makes of it: else a draw in the next call
    would begin one step later, not where the last call's draws ended.
    """
    found: dict[SharedVariable, Variable] = {}
    roots, fence = list(roots), list(stop)
    for node in toposort(roots, fence):
        if isinstance(node.op, Scan):
            ends = node.op.outputs(node.outputs).states
            for initial, end in zip(node.op.inputs(node.inputs).initials, ends, strict=True):
                made = initial.owner
                if made is not None and isinstance(made.op, DimShuffle) and _moves(made.inputs[0]):
                    found.setdefault(made.inputs[0], end[0])
    for var in ancestors(roots, fence):
        if _moves(var):
            found.setdefault(var, var.default_update)
    return found


def _moves(var: Variable) -> TypeGuard[SharedVariable]:
    return isinstance(var, SharedVariable) and var.default_update is not None


def _pairs(pairs: Any) -> Iterable[tuple[Any, Any]]:
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    for pair in items:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise UpdateError(f"updates are pairs (shared variable, next value), not {pair!r}")
        yield tuple(pair)
