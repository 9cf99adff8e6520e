"""Inputs for the examples that stand beside rules."""

from __future__ import annotations

from typing import Any

from symgraph.types import TensorType


def scalar(name: str = "a", dtype: str = "float64") -> Any:
    """A scalar."""
    return TensorType(dtype, ())(name)


def vector(*sizes: int | None, name: str = "v", dtype: str = "float64") -> Any:
    """A vector, of unknown size unless given."""
    return TensorType(dtype, sizes or (None,))(name)


def matrix(*sizes: int | None, name: str = "m", dtype: str = "float64") -> Any:
    """A matrix, of unknown sizes unless given."""
    return TensorType(dtype, sizes or (None, None))(name)
