"""What an array holds, in a line: its size, its range, how much of it is not a number."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np


class Summary(NamedTuple):
    """Shape and dtype of a value; least, greatest and mean of what is finite; NaNs, infinities."""

    shape: tuple[int, ...]
    dtype: str
    least: Any
    most: Any
    mean: Any
    nans: int
    infinities: int

    @property
    def words(self) -> str:
        """The numbers as text, those that are not finite counted."""
        parts = []
        if self.least is not None and self.least == self.most:
            parts = [short(self.least)]
        elif self.least is not None:
            parts = [f"{short(self.least)} to {short(self.most)}, mean {short(self.mean)}"]
        parts += [f"{self.nans} NaN"] if self.nans else []
        parts += [f"{self.infinities} infinite"] if self.infinities else []
        return ", ".join(parts)


def summary_of(value: Any) -> Summary:
    """What a value holds; there is no least and greatest of complex numbers.

    >>> summary_of([1.0, 4.0, float("nan")]).words
    '1 to 4, mean 2.5, 1 NaN'
    """
    array = np.asarray(value)
    floats = array.dtype.kind in "fc"
    finite = array[np.isfinite(array)] if floats else array
    ordered = finite.size and array.dtype.kind in "fiub"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean that overflows is infinite
        mean = float(finite.mean(dtype=np.float64)) if ordered else None
    return Summary(
        array.shape,
        str(array.dtype),
        finite.min().item() if ordered else None,
        finite.max().item() if ordered else None,
        mean,
        int(np.isnan(array).sum()) if floats else 0,
        int(np.isinf(array).sum()) if floats else 0,
    )


def short(number: Any) -> str:
    """A number in few figures, "" for None."""
    return "" if number is None else f"{number:.6g}" if isinstance(number, float) else str(number)
