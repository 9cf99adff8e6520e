"""What a row has to do at least: arithmetic that must be done, memory that must be moved.

Multiplications and additions of matrix products and convolutions are counted, 2 for each pair,
and bytes of inputs and outputs where they are more than a cache holds. What needs few of either
has no floor.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple


class Work(NamedTuple):
    """Operations on float32, and bytes read and written."""

    operations: float = 0.0
    bytes: float = 0.0


def layers(batch: int, *sizes: int) -> Work:
    """A training step: each product, and those of its gradients; the first has no input's."""
    products = [2 * batch * n * m for n, m in pairwise(sizes)]
    return Work(3 * sum(products) - products[0])


def arrays(count: float, size: int) -> Work:
    """So many arrays of float32 read or written once."""
    return Work(bytes=4 * count * size)


def lenet(batch: int) -> Work:
    """A training step: two convolutions, two layers."""
    first, second = 24 * 24 * 20 * 25, 8 * 8 * 50 * 20 * 25
    return Work(2 * batch * (2 * first + 3 * (second + 800 * 500 + 500 * 10)))


LAYER = 2 * 8 * 56 * 56 * 64 * 64 * 9  # of the large convolution
TOKENS = 8 * 128
ENCODER = 2 * TOKENS * (4 * 256 * 256 + 2 * 256 * 1024 + 2 * 128 * 256)
LSTM = 2 * 100 * 32 * (64 + 128) * 512

FLOORS = {
    "chain-1e6": arrays(4, 10**6),
    "chain-1e7": arrays(4, 10**7),
    "axpby": arrays(4, 10**7),
    "sum-0": arrays(1, 4096 * 4096),
    "sum-1": arrays(1, 4096 * 4096),
    "moments": arrays(1, 4096 * 1024),
    "logsumexp": arrays(1, 4096 * 1000),
    "softmax": arrays(2, 4096 * 1000),
    "layer-norm": arrays(2, 4096 * 1024),
    "matmul-512": Work(2 * 512**3),
    "matmul-1024": Work(2 * 1024**3),
    "matmul-2048": Work(2 * 2048**3),
    "batched-products": Work(256 * 2 * 64**3),
    "dense": Work(2 * 32 * 128 * 512),
    "regression": layers(600, 784, 10),
    "mlp-20": layers(20, 784, 500, 10),
    "mlp-128": layers(128, 784, 500, 10),
    "mlp-1024": layers(128, 784, 1024, 1024, 10),
    "lenet": lenet(64),
    "lenet-500": lenet(500),
    "convolution-forward": Work(LAYER),
    "convolution": Work(3 * LAYER),
    "encoder": Work(3 * ENCODER),
    "lstm": Work(LSTM),
    "lstm-step": Work(3 * LSTM),
    "normals": arrays(1, 10**7),
    "dropout": layers(128, 784, 500, 10),
    "gibbs": Work(15 * 2 * 2 * 20 * 784 * 500),
}
