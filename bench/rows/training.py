"""Steps of gradient descent: a 784-500-10 network with tanh and softmax.

The rows of the start and of the memory measure the same step.
"""

from itertools import pairwise

import numpy as np
import scipy.special

from bench.measure import memory, startup
from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.row import Row

RATE = 0.1
SIZES = 784, 500, 10


def batch_of(count):
    """The data of a row: images, labels and first parameters."""

    def data(rng):
        images = rng.random((count, SIZES[0])).astype("f4")
        labels = rng.integers(0, SIZES[2], count).astype("i4")
        W1, W2 = (
            rng.normal(scale=rows**-0.5, size=(rows, columns)).astype("f4")
            for rows, columns in pairwise(SIZES)
        )
        return images, labels, W1, np.zeros(SIZES[1], "f4"), W2, np.zeros(SIZES[2], "f4")

    return data


def costs(x, y, W1, b1, W2, b2):
    """The costs of the first three steps."""
    found, rows = [], np.arange(len(y))
    for _ in range(3):
        h = np.tanh(x @ W1 + b1)
        scores = h @ W2 + b2
        found.append(-scipy.special.log_softmax(scores, axis=1)[rows, y].mean())
        ds = scipy.special.softmax(scores, axis=1)
        ds[rows, y] -= 1
        ds /= len(y)
        dh = ds @ W2.T * (1 - h**2)
        steps = x.T @ dh, dh.sum(0), h.T @ ds, ds.sum(0)
        W1, b1, W2, b2 = (p - RATE * d for p, d in zip((W1, b1, W2, b2), steps, strict=True))
    return found


STEP = Row("mlp-20", "784-500-10 training step, batch 20", batch_of(20), costs, chained=True)


@STEP.built_for(SYMGRAPH, PYTENSOR)
def theano(lib, images, labels, *arrays):
    T = lib.T
    x, y = T.fmatrix("x"), T.ivector("y")
    parameters = [lib.sg.shared(array) for array in arrays]
    W1, b1, W2, b2 = parameters
    cost = lib.cross_entropy(T.dot(T.tanh(T.dot(x, W1) + b1), W2) + b2, y)
    rate = np.float32(RATE)
    gradients = T.grad(cost, parameters)
    updates = [(p, p - rate * d) for p, d in zip(parameters, gradients, strict=True)]
    step = lib.sg.function([x, y], cost, updates=updates)
    return lambda: step(images, labels)


@STEP.built_for(JAX)
def jax(lib, images, labels, *parameters):
    def cost_of(parameters, x, y):
        W1, b1, W2, b2 = parameters
        scores = lib.jnp.tanh(x @ W1 + b1) @ W2 + b2
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


@STEP.built_for(TORCH, TORCH_COMPILE)
def torch(lib, images, labels, *arrays):
    parameters = [array.clone().requires_grad_() for array in arrays]
    optimizer = lib.torch.optim.SGD(parameters, lr=RATE)

    def cost_of(x, y):
        W1, b1, W2, b2 = parameters
        return lib.F.cross_entropy(lib.torch.tanh(x @ W1 + b1) @ W2 + b2, y)

    forward = lib.compile(cost_of)

    def run():
        optimizer.zero_grad()
        cost = forward(images, labels)
        cost.backward()
        optimizer.step()
        return cost.detach()

    return run


LARGE = Row(
    "mlp-128",
    "784-500-10 training step, batch 128",
    batch_of(128),
    costs,
    chained=True,
    builders=STEP.builders,
)
ROWS = [
    STEP,
    LARGE,
    STEP.measured("start", "first result of that step, batch 20", startup),
    STEP.measured("memory", "rise of peak memory over 10,000 such steps", memory),
]
