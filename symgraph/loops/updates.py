"""What a scan asks its function to store: next values of shared variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from symgraph.errors import DuplicateUpdateError, UpdateError
from symgraph.graph import Variable
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


def _pairs(pairs: Any) -> Iterable[tuple[Any, Any]]:
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    for pair in items:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise UpdateError(f"updates are pairs (shared variable, next value), not {pair!r}")
        yield tuple(pair)
