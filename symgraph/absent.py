"""What stands where there is no gradient: types of variables that hold nothing.

Symgraph's ops return None where nothing flows. Ops written for Theano return variables of these
types instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.errors import InputTypeError
from symgraph.graph import Constant, Op, Type, Variable

__all__ = ["DisconnectedType", "NullType", "grad_not_implemented", "grad_undefined"]


@dataclass(frozen=True)
class _Nothing(Type):
    """A type without values."""

    def filter(self, value: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """An error: there are no values."""
        raise InputTypeError(f"cannot be a value of {self}, which has none")


@dataclass(frozen=True)
class DisconnectedType(_Nothing):
    """Of what an output does not depend on: `DisconnectedType()()` as a gradient is None."""


@dataclass(frozen=True)
class NullType(_Nothing):
    """Of a gradient that does not exist; to use it is an error."""

    why_null: str = "no gradient is defined"


_Nothing.variable_class, _Nothing.constant_class = Variable, Constant


def grad_undefined(op: Op, x_pos: int, x: Variable, comment: str = "") -> Variable:
    """What an op's `grad` returns for an input by which its output has no derivative.

    It is an error only if the gradient is asked for.
    """
    return _null(op, x_pos, x, "has no mathematical meaning", comment)


def grad_not_implemented(op: Op, x_pos: int, x: Variable, comment: str = "") -> Variable:
    """What an op's `grad` returns for an input whose gradient nobody has written."""
    return _null(op, x_pos, x, "is not implemented", comment)


def _null(op: Op, place: int, x: Variable, what: str, comment: str) -> Variable:
    text = f"the gradient of {op} by its input {place} ({x}) {what}"
    return NullType(f"{text}: {comment}" if comment else text)()


def without_nothing(parts: Sequence[Any]) -> list[Any]:
    """Gradients with None for those of `DisconnectedType`."""
    return [
        None if isinstance(getattr(part, "type", None), DisconnectedType) else part
        for part in parts
    ]
