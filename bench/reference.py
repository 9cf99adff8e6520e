"""What rows need of NumPy, in float64, and data for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Data = Callable[[np.random.Generator], Sequence[np.ndarray]]


def normals(*shapes: tuple[int, ...], scale: float = 1.0) -> Data:
    """Data of a row: normal numbers, float32."""
    return lambda rng: [rng.normal(scale=scale, size=shape).astype("f4") for shape in shapes]


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def logsumexp(x: np.ndarray) -> np.ndarray:
    top = x.max(axis=-1)
    return np.log(np.exp(x - top[..., None]).sum(axis=-1)) + top


def cross_entropy(scores: np.ndarray, labels: np.ndarray) -> tuple[Any, np.ndarray]:
    """The mean cross-entropy, and its gradient by the scores."""
    rows = np.arange(len(labels))
    slope = softmax(scores)
    slope[rows, labels] -= 1
    return (logsumexp(scores) - scores[rows, labels]).mean(), slope / len(labels)


def standard(x: np.ndarray, epsilon: float = 1e-5) -> tuple[np.ndarray, np.ndarray]:
    """Rows made to have mean 0 and variance 1, and their standard deviations."""
    deviation = np.sqrt(x.var(axis=-1, keepdims=True) + epsilon)
    return (x - x.mean(axis=-1, keepdims=True)) / deviation, deviation


def standard_slope(slope: np.ndarray, z: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """The gradient of `standard` by its input, from that by its output `z`."""
    mean, along = slope.mean(-1, keepdims=True), (slope * z).mean(-1, keepdims=True)
    return (slope - mean - z * along) / deviation
