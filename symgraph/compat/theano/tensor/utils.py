"""`theano.tensor.utils`."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

__all__ = ["hash_from_ndarray"]


def hash_from_ndarray(data: Any) -> str:
    """The SHA-256 of an array's dtype, shape and elements."""
    array = np.ascontiguousarray(data)
    head = f"{array.dtype}{array.shape}".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()
