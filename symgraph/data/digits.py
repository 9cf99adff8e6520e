"""The handwritten digits of the UCI repository; `NOTICE.md` beside this file credits them."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from symgraph.config import config

TEST_FRACTION = 5  # one part in five is held out
BRIGHTEST = 16


class Labelled(NamedTuple):
    """Images and what they show, row by row."""

    images: NDArray[Any]
    labels: NDArray[np.int32]


def digits(dtype: DTypeLike | None = None) -> tuple[Labelled, Labelled]:
    """1,797 handwritten digits: 1,438 to learn from, and 359 to test with.

    The split is the same in every call and every process. `images` is (count, 64), row-major 8x8
    pixels in [0, 1] of the given dtype (`config.floatX` if None); `labels` is (count,) int32.

    >>> train, test = digits()
    >>> train.images.shape, test.labels.shape
    ((1438, 64), (359,))
    """
    with (files(__package__) / "digits.npz").open("rb") as stream, np.load(stream) as arrays:
        stored, labels = arrays["images"], arrays["labels"].astype(np.int32)
    images = stored.reshape(len(stored), -1).astype(dtype or config.floatX) / BRIGHTEST
    count = len(images) - len(images) // TEST_FRACTION
    return Labelled(images[:count], labels[:count]), Labelled(images[count:], labels[count:])
