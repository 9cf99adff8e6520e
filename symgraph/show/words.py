"""Short texts for the parts of a graph; safe to show whatever users put in names."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.graph import Constant, Type, Variable
from symgraph.types import TensorType

INLINE = 6  # elements of a constant that are still written out


def visible(text: str) -> str:
    r"""`text` with control characters, line ends and other invisible ones as escapes.

    >>> print(visible("one\ttwo"))
    one\ttwo
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str, length: int) -> str:
    """`text`, cut to `length` characters with "…" at the end."""
    return text if len(text) <= length else text[: length - 1] + "…"


def value_text(data: Any) -> str:
    """A constant's value: all of a small one, the sizes of a large one."""
    array = np.asarray(data)
    if array.size == 0:
        return f"empty {_sizes(array)}"
    if array.ndim == 0:
        return visible(str(array[()]))
    first = array.flat[0]
    if array.size > 1 and (array == first).all():
        return f"{_sizes(array)} of {first}"
    if array.size <= INLINE:
        text = np.array2string(array, separator=", ", max_line_width=10**6)
        return visible(text.replace("\n", ""))
    return f"{array.dtype} {_sizes(array)}"


def _sizes(array: Any) -> str:
    return f"({', '.join(map(str, array.shape))}{',' if array.ndim == 1 else ''})"


def type_text(kind: Type) -> str:
    """A type in few characters: float32[batch, 784]; a scalar is its dtype."""
    if not isinstance(kind, TensorType):
        return visible(str(kind))
    sizes = ", ".join("?" if size is None else str(size) for size in kind.shape)
    return visible(f"{kind.dtype}[{sizes}]" if kind.ndim else kind.dtype)


def leaf_text(var: Variable) -> str:
    """A variable that nothing computes: its name, its value, or else its type."""
    if var.name is not None:
        return visible(var.name)
    return value_text(var.data) if isinstance(var, Constant) else f"<{type_text(var.type)}>"
