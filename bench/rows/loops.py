"""Loops: recurrences of numbers and vectors, a recurrent network forward and in training."""

import numpy as np

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH
from bench.row import Row

STEPS, BATCH, INPUT, HIDDEN = 100, 32, 64, 128
RATE = 0.1
LONG = 100_000


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# --- a recurrence of numbers ---------------------------------------------------------------------


def numbers(rng):
    return [(rng.random(LONG) * 0.1).astype("f4")]


def tent(x):
    """The last of s = 0.9 s + x (1 - s)."""
    s = 0.0
    for value in x:
        s = 0.9 * s + value * (1 - s)
    return [s]


SCALAR = Row(
    "recurrence",
    "recurrence of a number, 100,000 steps",
    numbers,
    tent,
    tolerance=1e-4,
)


@SCALAR.built_for(SYMGRAPH, PYTENSOR)
def scalar_theano(lib, values):
    x = lib.T.fvector("x")
    step = lambda v, s: np.float32(0.9) * s + v * (np.float32(1) - s)
    states, _ = scan(lib, step, x, [lib.T.constant(np.float32(0))])
    f = lib.sg.function([x], states[-1])
    return lambda: f(values)


@SCALAR.built_for(JAX)
def scalar_jax(lib, values):
    def step(s, v):
        s = lib.jnp.float32(0.9) * s + v * (1 - s)
        return s, None

    f = lib.jax.jit(lambda x: lib.jax.lax.scan(step, lib.jnp.float32(0), x)[0])
    return lambda: f(values)


@SCALAR.built_for(TORCH)
def scalar_torch(lib, values):
    def run():
        s = lib.torch.zeros(())
        for v in values.unbind():
            s = 0.9 * s + v * (1 - s)
        return s

    return run


# --- a recurrence of vectors, with its gradient --------------------------------------------------


def rows(rng):
    return [rng.random((1000, 100)).astype("f4")]


def running(x):
    """The gradient of the sum of squares of s = 0.5 s + x by x."""
    states, s = np.zeros_like(x), np.zeros(x.shape[1])
    for t, row in enumerate(x):
        s = states[t] = 0.5 * s + row
    back, g = np.zeros_like(x), np.zeros(x.shape[1])
    for t in reversed(range(len(x))):
        g = back[t] = 0.5 * g + 2 * states[t]
    return [back]


VECTOR = Row("running-sum", "running sum over (1000, 100), with gradient", rows, running)


@VECTOR.built_for(SYMGRAPH, PYTENSOR)
def vector_theano(lib, values):
    x = lib.T.fmatrix("x")
    states, _ = scan(lib, lambda v, s: np.float32(0.5) * s + v, x, [lib.T.zeros_like(x[0])])
    f = lib.sg.function([x], lib.T.grad((states**2).sum(), x))
    return lambda: f(values)


@VECTOR.built_for(JAX)
def vector_jax(lib, values):
    def cost(x):
        def step(s, v):
            s = lib.jnp.float32(0.5) * s + v
            return s, s

        return (lib.jax.lax.scan(step, lib.jnp.zeros_like(x[0]), x)[1] ** 2).sum()

    f = lib.jax.jit(lib.jax.grad(cost))
    return lambda: f(values)


@VECTOR.built_for(TORCH)
def vector_torch(lib, values):
    x = values.clone().requires_grad_()

    def run():
        s, states = lib.torch.zeros(x.shape[1]), []
        for row in x:
            s = 0.5 * s + row
            states.append(s)
        (slope,) = lib.torch.autograd.grad((lib.torch.stack(states) ** 2).sum(), [x])
        return slope

    return run


# --- a recurrent network -------------------------------------------------------------------------


def sequences(rng):
    """Inputs, wanted last states, and the three parameters of a layer of LSTM."""
    shapes = (INPUT, 4 * HIDDEN), (HIDDEN, 4 * HIDDEN), (4 * HIDDEN,)
    return [
        rng.normal(size=(STEPS, BATCH, INPUT)).astype("f4"),
        rng.normal(size=(BATCH, HIDDEN)).astype("f4"),
        *(rng.normal(scale=0.1, size=shape).astype("f4") for shape in shapes),
    ]


def gates_of(z, c, sigmoid, tanh):
    """The next output and state from the sums of a step."""
    i, f, o = (sigmoid(z[:, k * HIDDEN : (k + 1) * HIDDEN]) for k in range(3))
    c = f * c + i * tanh(z[:, 3 * HIDDEN :])
    return o * tanh(c), c


def last_state(x, y, W, U, b):
    h = c = np.zeros((x.shape[1], HIDDEN))
    for row in x:
        h, c = gates_of(row @ W + h @ U + b, c, sigmoid, np.tanh)
    return [h]


def gradients(x, y, W, U, b):
    """The cost, and the gradients of a layer by going back through its steps."""
    h = c = np.zeros((x.shape[1], HIDDEN))
    kept = []
    for row in x:
        z = row @ W + h @ U + b
        parts = [sigmoid(z[:, k * HIDDEN : (k + 1) * HIDDEN]) for k in range(3)]
        g = np.tanh(z[:, 3 * HIDDEN :])
        kept.append((row, h, c, *parts, g))
        h, c = gates_of(z, c, sigmoid, np.tanh)
        kept[-1] += (np.tanh(c),)
    cost, dh = ((h - y) ** 2).mean(), 2 * (h - y) / h.size
    dc, sums = 0.0, [np.zeros_like(p) for p in (W, U, b)]
    for row, before, c, i, f, o, g, t in reversed(kept):
        dc = dc + dh * o * (1 - t**2)
        dz = np.concatenate(
            [dc * g * i * (1 - i), dc * c * f * (1 - f), dh * t * o * (1 - o), dc * i * (1 - g**2)],
            axis=1,
        )
        sums = [sums[0] + row.T @ dz, sums[1] + before.T @ dz, sums[2] + dz.sum(0)]
        dh, dc = dz @ U.T, dc * f
    return cost, sums


def costs(x, y, *parameters):
    """The costs of the first three steps."""
    found = []
    for _ in range(3):
        cost, slopes = gradients(x, y, *parameters)
        found.append(cost)
        parameters = [p - RATE * d for p, d in zip(parameters, slopes, strict=True)]
    return found


FORWARD = Row("lstm", "LSTM forward, 100 steps, batch 32, 64 to 128", sequences, last_state)
STEP = Row(
    "lstm-step",
    "LSTM training step, 100 steps, batch 32, 64 to 128",
    sequences,
    costs,
    chained=True,
)


def scan(lib, step, rows, starts):
    """The outputs of a scan; newer PyTensors return them without updates if asked."""
    return lib.sg.scan(step, rows, starts)


def layer_theano(lib, x, W, U, b):
    """The last output of a layer, in Theano's words."""
    T, sigmoid = lib.T, getattr(lib.T, "sigmoid", None) or lib.T.nnet.sigmoid
    zeros = T.zeros((x.shape[1], HIDDEN), dtype="float32")

    def step(row, h, c):
        return gates_of(T.dot(row, W) + T.dot(h, U) + b, c, sigmoid, T.tanh)

    (states, _), _ = scan(lib, step, x, [zeros, zeros])
    return states[-1]


@FORWARD.built_for(SYMGRAPH, PYTENSOR)
def forward_theano(lib, x, y, *arrays):
    inputs = lib.T.ftensor3("x")
    shared = [lib.sg.shared(array) for array in arrays]
    f = lib.sg.function([inputs], layer_theano(lib, inputs, *shared))
    return lambda: f(x)


@STEP.built_for(SYMGRAPH, PYTENSOR)
def step_theano(lib, x, y, *arrays):
    inputs, wanted = lib.T.ftensor3("x"), lib.T.fmatrix("y")
    shared = [lib.sg.shared(array) for array in arrays]
    cost = ((layer_theano(lib, inputs, *shared) - wanted) ** 2).mean()
    slopes, rate = lib.T.grad(cost, shared), np.float32(RATE)
    updates = [(p, p - rate * d) for p, d in zip(shared, slopes, strict=True)]
    f = lib.sg.function([inputs, wanted], cost, updates=updates)
    return lambda: f(x, y)


def layer_jax(lib, parameters, x):
    W, U, b = parameters
    zeros = lib.jnp.zeros((x.shape[1], HIDDEN), "float32")

    def step(state, row):
        h, c = state
        z = row @ W + h @ U + b
        return gates_of(z, c, lib.jax.nn.sigmoid, lib.jnp.tanh), None

    return lib.jax.lax.scan(step, (zeros, zeros), x)[0][0]


@FORWARD.built_for(JAX)
def forward_jax(lib, x, y, *parameters):
    f = lib.jax.jit(lambda parameters, x: layer_jax(lib, parameters, x))
    return lambda: f(parameters, x)


@STEP.built_for(JAX)
def step_jax(lib, x, y, *parameters):
    def cost_of(parameters, x, y):
        return ((layer_jax(lib, parameters, x) - y) ** 2).mean()

    def step(parameters, x, y):
        cost, slopes = lib.jax.value_and_grad(cost_of)(parameters, x, y)
        return cost, [p - RATE * d for p, d in zip(parameters, slopes, strict=True)]

    step = lib.jax.jit(step, donate_argnums=0)
    state = [lib.jnp.array(p, copy=True) for p in parameters]

    def run():
        cost, state[:] = step(state, x, y)
        return cost

    return run


def layer_torch(lib, x, W, U, b):
    h = c = lib.torch.zeros(x.shape[1], HIDDEN)
    for row in x @ W + b:
        h, c = gates_of(row + h @ U, c, lib.torch.sigmoid, lib.torch.tanh)
    return h


@FORWARD.built_for(TORCH)
def forward_torch(lib, x, y, *arrays):
    def run():
        with lib.torch.no_grad():
            return layer_torch(lib, x, *arrays)

    return run


@STEP.built_for(TORCH)
def step_torch(lib, x, y, *arrays):
    parameters = [array.clone().requires_grad_() for array in arrays]
    optimizer = lib.torch.optim.SGD(parameters, lr=RATE)

    def run():
        optimizer.zero_grad()
        cost = ((layer_torch(lib, x, *parameters) - y) ** 2).mean()
        cost.backward()
        optimizer.step()
        return cost.detach()

    return run


ROWS = [SCALAR, VECTOR, FORWARD, STEP]
