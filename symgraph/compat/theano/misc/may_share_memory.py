"""`theano.misc.may_share_memory`."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["may_share_memory"]


def may_share_memory(a: Any, b: Any, raise_other_type: bool = True) -> bool:
    """Whether two arrays may share memory; what is no array shares none, or is a TypeError."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return bool(np.may_share_memory(a, b))
    if raise_other_type:
        raise TypeError(f"arrays may share memory, a {type(a).__name__} and {type(b).__name__} not")
    return False
