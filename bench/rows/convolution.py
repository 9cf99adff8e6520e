"""Convolutions in training: a LeNet, and one layer in the middle of a large network."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bench.peers import JAX, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.reference import cross_entropy
from bench.row import function_row, step_row

RATE = 0.1
PEERS = SYMGRAPH, JAX, TORCH, TORCH_COMPILE  # PyTensor has no such convolution
SHAPES = (20, 1, 5, 5), (20,), (50, 20, 5, 5), (50,), (800, 500), (500,), (500, 10), (10,)
IMAGES, FILTERS = (8, 64, 56, 56), (64, 64, 3, 3)
RATES = 2e4, 1.0  # of the images, which are a parameter here too, and of the filters


def correlate(x, w):
    windows = sliding_window_view(x, w.shape[2:], (2, 3))
    return np.tensordot(windows, w, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)


def to_filters(x, g):
    return correlate(x.swapaxes(0, 1), g.swapaxes(0, 1)).swapaxes(0, 1)


def to_images(w, g):
    rows, columns = (n - 1 for n in w.shape[2:])
    framed = np.pad(g, ((0, 0), (0, 0), (rows, rows), (columns, columns)))
    return correlate(framed, w[..., ::-1, ::-1].swapaxes(0, 1))


def pool(x):
    n, c, rows, columns = x.shape
    return x.reshape(n, c, rows // 2, 2, columns // 2, 2).max((3, 5))


def unpool(x, g):
    wide = [np.repeat(np.repeat(a, 2, 2), 2, 3) for a in (pool(x), g)]
    return wide[1] * (x == wide[0])


def data(batch):
    """Images, labels and first parameters."""

    def draw(rng):
        images = rng.random((batch, 1, 28, 28)).astype("f4")
        labels = rng.integers(0, 10, batch).astype("i4")
        # Biases that are not 0 keep the largest of a window apart from the others.
        parameters = [
            (rng.normal(size=s) * (np.prod(s[1:]) if len(s) == 4 else s[0]) ** -0.5).astype("f4")
            for s in SHAPES
        ]
        return images, labels, *parameters

    return draw


def lenet_cost(lib, x, y, w1, b1, w2, b2, w3, b3, w4, b4):
    for w, b in (w1, b1), (w2, b2):
        x = lib.relu(lib.max_pool(lib.conv2d(x, w) + b[:, None, None]))
    h = lib.relu(x.reshape((x.shape[0], -1)) @ w3 + b3)
    return lib.cross_entropy(h @ w4 + b4, y)


def lenet_slopes(x, y, w1, b1, w2, b2, w3, b3, w4, b4):
    """The cost, and its gradients by the parameters."""
    a1 = correlate(x, w1) + b1[:, None, None]
    h1 = np.maximum(pool(a1), 0)
    a2 = correlate(h1, w2) + b2[:, None, None]
    h2 = np.maximum(pool(a2), 0)
    flat = h2.reshape(len(y), -1)
    h3 = np.maximum(flat @ w3 + b3, 0)
    cost, d4 = cross_entropy(h3 @ w4 + b4, y)
    d3 = d4 @ w4.T * (h3 > 0)
    d2 = unpool(a2, (d3 @ w3.T).reshape(h2.shape) * (h2 > 0))
    d1 = unpool(a1, to_images(w2, d2) * (h1 > 0))
    return cost, [
        *(to_filters(x, d1), d1.sum((0, 2, 3)), to_filters(h1, d2), d2.sum((0, 2, 3))),
        *(flat.T @ d3, d3.sum(0), h3.T @ d4, d4.sum(0)),
    ]


def layer_data(rng):
    """Images and filters."""
    images = rng.normal(size=IMAGES).astype("f4")
    return images, (rng.normal(size=FILTERS) / 24).astype("f4")


def layer_cost(lib, x, w):
    return (lib.conv2d(x, w, same=True) ** 2).mean()


def layer_slopes(x, w):
    framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = correlate(framed, w)
    g = 2 * y / y.size
    return (y**2).mean(), [to_images(w, g)[..., 1:-1, 1:-1], to_filters(framed, g)]


LENET, LARGE = (
    step_row(
        name,
        f"LeNet training step, batch {batch}",
        data(batch),
        lenet_cost,
        lenet_slopes,
        [RATE] * len(SHAPES),
        PEERS,
        tolerance=1e-4,
    )
    for name, batch in (("lenet", 64), ("lenet-500", 500))
)
LAYER = step_row(
    "convolution",
    "3x3 convolution 64 -> 64 of (8, 64, 56, 56), both gradients",
    layer_data,
    layer_cost,
    layer_slopes,
    RATES,
    PEERS,
)
FORWARD = function_row(
    "convolution-forward",
    "3x3 convolution 64 -> 64 of (8, 64, 56, 56)",
    layer_data,
    lambda lib, x, w: lib.conv2d(x, w, same=True),
    lambda x, w: [correlate(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), w)],
    PEERS,
)
ROWS = [LENET, LARGE, FORWARD, LAYER]
