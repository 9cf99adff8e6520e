"""Steps of gradient descent: a softmax regression, and networks with tanh and softmax."""

from itertools import pairwise

import numpy as np

from bench.reference import cross_entropy
from bench.row import step_row

RATE = 0.1


def data(batch, sizes):
    """Images, labels and first parameters: a matrix and a vector per layer."""

    def draw(rng):
        images = rng.random((batch, sizes[0])).astype("f4")
        labels = rng.integers(0, sizes[-1], batch).astype("i4")
        layers = [
            (rng.normal(scale=n**-0.5, size=(n, m)).astype("f4"), np.zeros(m, "f4"))
            for n, m in pairwise(sizes)
        ]
        return images, labels, *(array for layer in layers for array in layer)

    return draw


def cost(lib, x, y, *parameters):
    *hidden, (W, b) = zip(parameters[::2], parameters[1::2], strict=True)
    for V, c in hidden:
        x = lib.m.tanh(x @ V + c)
    return lib.cross_entropy(x @ W + b, y)


def slopes(x, y, *parameters):
    """The cost, and its gradients by the parameters."""
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    inputs = [x]
    for W, b in layers[:-1]:
        inputs.append(np.tanh(inputs[-1] @ W + b))
    value, d = cross_entropy(inputs[-1] @ layers[-1][0] + layers[-1][1], y)
    found = []
    for (W, _), h in zip(reversed(layers), reversed(inputs), strict=True):
        found = [h.T @ d, d.sum(0), *found]
        d = d @ W.T * (1 - h**2)
    return value, found


def network(name, batch, *sizes, title=""):
    shape = "-".join(map(str, sizes))
    return step_row(
        name,
        title or f"{shape} training step, batch {batch}",
        data(batch, sizes),
        cost,
        slopes,
        [RATE] * 2 * (len(sizes) - 1),
    )


STEP = network("mlp-20", 20, 784, 500, 10)
ROWS = [
    network("regression", 600, 784, 10, title="softmax regression 600 x 784 x 10, training step"),
    STEP,
    network("mlp-128", 128, 784, 500, 10),
    network("mlp-1024", 128, 784, 1024, 1024, 10),
]
