"""`theano.misc.safe_asarray`."""

from typing import Any

import numpy as np

from symgraph.types import check_dtype

__all__ = ["_asarray"]


def _asarray(a: Any, dtype: Any, order: Any = None) -> Any:
    """`numpy.asarray`, where "floatX" is a dtype too."""
    return np.asarray(a, dtype=check_dtype(dtype), order=order)
