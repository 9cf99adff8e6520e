"""Convolutions in training: a LeNet, and one layer in the middle of a large network."""

import numpy as np
import scipy.special
from numpy.lib.stride_tricks import sliding_window_view

from bench.peers import JAX, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.row import Row

RATE = 0.1
BATCH = 64
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


def data(rng):
    """Images, labels and first parameters."""
    images = rng.random((BATCH, 1, 28, 28)).astype("f4")
    labels = rng.integers(0, 10, BATCH).astype("i4")
    # Biases that are not 0 keep the largest of a window apart from the others.
    parameters = [
        (rng.normal(size=s) * (np.prod(s[1:]) if len(s) == 4 else s[0]) ** -0.5).astype("f4")
        for s in SHAPES
    ]
    return images, labels, *parameters


def costs(x, y, *parameters):
    """The costs of the first three steps."""
    found, rows = [], np.arange(len(y))
    for _ in range(3):
        w1, b1, w2, b2, w3, b3, w4, b4 = parameters
        a1 = correlate(x, w1) + b1[:, None, None]
        h1 = np.maximum(pool(a1), 0)
        a2 = correlate(h1, w2) + b2[:, None, None]
        h2 = np.maximum(pool(a2), 0)
        flat = h2.reshape(len(y), -1)
        h3 = np.maximum(flat @ w3 + b3, 0)
        scores = h3 @ w4 + b4
        found.append(-scipy.special.log_softmax(scores, axis=1)[rows, y].mean())
        d4 = scipy.special.softmax(scores, axis=1)
        d4[rows, y] -= 1
        d4 /= len(y)
        d3 = d4 @ w4.T * (h3 > 0)
        d2 = unpool(a2, (d3 @ w3.T).reshape(h2.shape) * (h2 > 0))
        d1 = unpool(a1, to_images(w2, d2) * (h1 > 0))
        steps = [
            *(to_filters(x, d1), d1.sum((0, 2, 3)), to_filters(h1, d2), d2.sum((0, 2, 3))),
            *(flat.T @ d3, d3.sum(0), h3.T @ d4, d4.sum(0)),
        ]
        parameters = [p - RATE * d for p, d in zip(parameters, steps, strict=True)]
    return found


LENET = Row("lenet", "LeNet training step, batch 64", data, costs, tolerance=1e-4, chained=True)


@LENET.built_for(SYMGRAPH)
def theano(lib, images, labels, *arrays):
    T = lib.T
    x, y = T.ftensor4("x"), T.ivector("y")
    parameters = [lib.sg.shared(array) for array in arrays]
    w1, b1, w2, b2, w3, b3, w4, b4 = parameters

    def layer(x, w, b):
        maps = T.nnet.conv2d(x, w, filter_flip=False) + b.dimshuffle("x", 0, "x", "x")
        return T.nnet.relu(T.signal.pool.pool_2d(maps, (2, 2), ignore_border=True))

    flat = layer(layer(x, w1, b1), w2, b2).flatten(2)
    cost = lib.cross_entropy(T.dot(T.nnet.relu(T.dot(flat, w3) + b3), w4) + b4, y)
    rate = np.float32(RATE)
    gradients = T.grad(cost, parameters)
    updates = [(p, p - rate * d) for p, d in zip(parameters, gradients, strict=True)]
    step = lib.sg.function([x, y], cost, updates=updates)
    return lambda: step(images, labels)


@LENET.built_for(JAX)
def jax(lib, images, labels, *parameters):
    def layer(x, w, b):
        maps = lib.jax.lax.conv(x, w, (1, 1), "VALID") + b[:, None, None]
        window = (1, 1, 2, 2)
        largest = lib.jax.lax.reduce_window(maps, -np.inf, lib.jax.lax.max, window, window, "VALID")
        return lib.jax.nn.relu(largest)

    def cost_of(parameters, x, y):
        w1, b1, w2, b2, w3, b3, w4, b4 = parameters
        flat = layer(layer(x, w1, b1), w2, b2).reshape(len(x), -1)
        scores = lib.jax.nn.relu(flat @ w3 + b3) @ w4 + b4
        logs = lib.jax.nn.log_softmax(scores)
        return -logs[lib.jnp.arange(len(y)), y].mean()

    def step(parameters, x, y):
        cost, gradients = lib.jax.value_and_grad(cost_of)(parameters, x, y)
        return cost, [p - RATE * d for p, d in zip(parameters, gradients, strict=True)]

    step = lib.jax.jit(step, donate_argnums=0)
    # Donated arrays are given up, and the row's own data must survive.
    state = [lib.jnp.array(p, copy=True) for p in parameters]

    def run():
        cost, state[:] = step(state, images, labels)
        return cost

    return run


@LENET.built_for(TORCH, TORCH_COMPILE)
def torch(lib, images, labels, *arrays):
    parameters = [array.clone().requires_grad_() for array in arrays]
    optimizer = lib.torch.optim.SGD(parameters, lr=RATE)

    def cost_of(x, y):
        w1, b1, w2, b2, w3, b3, w4, b4 = parameters
        h1 = lib.F.relu(lib.F.max_pool2d(lib.F.conv2d(x, w1, b1), 2))
        h2 = lib.F.relu(lib.F.max_pool2d(lib.F.conv2d(h1, w2, b2), 2))
        return lib.F.cross_entropy(lib.F.relu(h2.flatten(1) @ w3 + b3) @ w4 + b4, y)

    forward = lib.compile(cost_of)

    def run():
        optimizer.zero_grad()
        cost = forward(images, labels)
        cost.backward()
        optimizer.step()
        return cost.detach()

    return run


def layer_data(rng):
    """Images and filters."""
    images = rng.normal(size=IMAGES).astype("f4")
    return images, (rng.normal(size=FILTERS) / 24).astype("f4")


def layer_costs(x, w):
    """The costs of the first three steps."""
    found = []
    for _ in range(3):
        framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        y = correlate(framed, w)
        found.append((y**2).mean())
        g = 2 * y / y.size
        steps = to_images(w, g)[..., 1:-1, 1:-1], to_filters(framed, g)
        x, w = (p - rate * d for p, rate, d in zip((x, w), RATES, steps, strict=True))
    return found


LAYER = Row(
    "convolution",
    "3x3 convolution 64 -> 64 of (8, 64, 56, 56), both gradients",
    layer_data,
    layer_costs,
    chained=True,
)


@LAYER.built_for(SYMGRAPH)
def theano_layer(lib, *arrays):
    T = lib.T
    parameters = [lib.sg.shared(array) for array in arrays]
    y = T.nnet.conv2d(*parameters, border_mode="half", filter_flip=False)
    cost = T.sqr(y).mean()
    steps = zip(parameters, RATES, T.grad(cost, parameters), strict=True)
    return lib.sg.function([], cost, updates=[(p, p - np.float32(r) * d) for p, r, d in steps])


@LAYER.built_for(JAX)
def jax_layer(lib, *arrays):
    def cost_of(parameters):
        return (lib.jax.lax.conv(*parameters, (1, 1), "SAME") ** 2).mean()

    def step(parameters):
        cost, gradients = lib.jax.value_and_grad(cost_of)(parameters)
        steps = zip(parameters, RATES, gradients, strict=True)
        return cost, [p - rate * d for p, rate, d in steps]

    step = lib.jax.jit(step, donate_argnums=0)
    state = [lib.jnp.array(p, copy=True) for p in arrays]

    def run():
        cost, state[:] = step(state)
        return cost

    return run


@LAYER.built_for(TORCH, TORCH_COMPILE)
def torch_layer(lib, *arrays):
    parameters = [array.clone().requires_grad_() for array in arrays]
    groups = [{"params": [p], "lr": rate} for p, rate in zip(parameters, RATES, strict=True)]
    optimizer = lib.torch.optim.SGD(groups)
    forward = lib.compile(lambda: (lib.F.conv2d(*parameters, padding=1) ** 2).mean())

    def run():
        optimizer.zero_grad()
        cost = forward()
        cost.backward()
        optimizer.step()
        return cost.detach()

    return run


ROWS = [LENET, LAYER]
