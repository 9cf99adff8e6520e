"""Ops made of Python functions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.graph import Apply, Op, Type
from symgraph.types import TensorType


@dataclass(frozen=True, eq=True, repr=False)
class FromFunctionOp(Op):
    """Runs a Python function of arrays; it has no gradient."""

    function: Callable[..., Any]
    itypes: tuple[Type, ...]
    otypes: tuple[Type, ...]
    shapes: Callable[..., Any] | None = None

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> Sequence[Any] | None:
        """The sizes of the outputs, if the user says how to compute them."""
        return None if self.shapes is None else self.shapes(node, input_shapes)

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Call the function; its results are converted to the types promised."""
        results = self.function(*inputs)
        found = results if isinstance(results, list | tuple) else (results,)
        if len(found) != len(self.otypes):
            raise GraphTypeError(f"{self} returned {len(found)} values, not {len(self.otypes)}")
        for cell, kind, value in zip(output_storage, self.otypes, found, strict=True):
            cell[0] = kind.filter(value)

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle holds the place of the op, or of its function, in a module."""
        module, name = self.function.__module__, self.function.__qualname__
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is self:  # the decorator put the op in the function's place
            return _found, (module, name)
        if found is not self.function:
            raise GraphTypeError(
                f"{self} cannot be pickled: its function, {module}.{name}, is not found there by"
                " this name; define it at the top of a module that can be imported"
            )
        return type(self), (self.function, self.itypes, self.otypes, self.shapes)

    def __str__(self) -> str:
        return f"FromFunctionOp{{{self.function.__name__}}}"


def as_op(
    itypes: Any, otypes: Any, infer_shape: Callable[..., Any] | None = None
) -> Callable[[Callable[..., Any]], FromFunctionOp]:
    """A decorator that makes an op of a Python function of arrays.

    Parameters
    ----------
    itypes, otypes
        The types of its inputs and outputs: a `Type`, a constructor such as `T.dmatrix`, or a
        list of them.
    infer_shape
        A function of the node and the shapes of its inputs (tuples of scalar variables) that
        returns the shapes of its outputs; with it a size is known without calling `function`.

    >>> import symgraph.tensor as T
    >>> @as_op(itypes=[T.dvector], otypes=[T.dvector])
    ... def backwards(x):
    ...     return x[::-1].copy()
    >>> backwards(T.constant([1.0, 2.0])).eval()
    array([2., 1.])
    """
    inputs, outputs = tuple(map(_as_type, _many(itypes))), tuple(map(_as_type, _many(otypes)))
    return lambda function: FromFunctionOp(function, inputs, outputs, infer_shape)


def _found(module: str, name: str) -> Any:
    """What a module holds by a name; pickles call it."""
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _many(items: Any) -> Sequence[Any]:
    return items if isinstance(items, list | tuple) else [items]


def _as_type(item: Any) -> Type:
    kind = getattr(item, "type", item)
    if not isinstance(kind, TensorType):
        raise GraphTypeError(f"as_op takes tensor types such as T.dmatrix, not {item!r}")
    return kind
