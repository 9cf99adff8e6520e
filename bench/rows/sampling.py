"""Random draws: alone, in a training step, in a Gibbs chain.

No two frameworks draw the same numbers, so what is compared with NumPy are averages, of enough
numbers to know them to half a percent.
"""

import numpy as np
import scipy.special

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.row import Row

COUNT = 10**7
STEPS = 15  # of the chain
VISIBLE, HIDDEN, CHAINS = 784, 500, 20
BATCH, RATE, KEPT = 128, np.float32(0.1), np.float32(0.5)
TOLERANCE = 5e-3


def moments(x):
    """Averages that a change of a percent moves by more than half of one."""
    return np.array([np.mean(np.abs(x)), np.mean(np.square(x))])


NORMALS = Row(
    "normals",
    "1e7 normal numbers",
    data=lambda rng: [],
    numpy=lambda: [np.random.default_rng(2).standard_normal(COUNT)],
    tolerance=TOLERANCE,
    summary=moments,
)


@NORMALS.built_for(SYMGRAPH, PYTENSOR)
def theano_normals(lib):
    f = lib.sg.function([], lib.stream(1).normal(size=(COUNT,)))
    return lambda: f()


@NORMALS.built_for(JAX)
def jax_normals(lib):
    @lib.jax.jit
    def draw(key):
        key, now = lib.jax.random.split(key)
        return lib.jax.random.normal(now, (COUNT,)), key

    state = [lib.jax.random.key(1)]

    def run():
        numbers, state[0] = draw(state[0])
        return numbers

    return run


@NORMALS.built_for(TORCH, TORCH_COMPILE)
def torch_normals(lib):
    return lib.compile(lambda: lib.torch.randn(COUNT))


def network(rng):
    """Images, labels and parameters; the output layer starts at 0, so first costs hardly vary."""
    images = rng.random((BATCH, VISIBLE)).astype("f4")
    labels = rng.integers(0, 10, BATCH).astype("i4")
    W1 = rng.normal(scale=VISIBLE**-0.5, size=(VISIBLE, HIDDEN)).astype("f4")
    return images, labels, W1, np.zeros((HIDDEN, 10), "f4")


def costs(x, y, W1, W2):
    """The costs of the first three steps, with masks of NumPy's."""
    rng, rows, found = np.random.default_rng(2), np.arange(len(y)), []
    for _ in range(3):
        h, mask = np.tanh(x @ W1), rng.random((BATCH, HIDDEN)) < KEPT
        kept = h * mask / KEPT
        scores = kept @ W2
        found.append(-scipy.special.log_softmax(scores, axis=1)[rows, y].mean())
        ds = scipy.special.softmax(scores, axis=1)
        ds[rows, y] -= 1
        ds /= len(y)
        dh = ds @ W2.T * mask / KEPT * (1 - h**2)
        W1, W2 = W1 - RATE * (x.T @ dh), W2 - RATE * (kept.T @ ds)
    return found


DROPOUT = Row(
    "dropout",
    "784-500-10 training step with dropout, batch 128",
    network,
    costs,
    tolerance=TOLERANCE,
    chained=True,
)


@DROPOUT.built_for(SYMGRAPH, PYTENSOR)
def theano_dropout(lib, images, labels, *arrays):
    T = lib.T
    x, y = T.fmatrix("x"), T.ivector("y")
    parameters = W1, W2 = [lib.sg.shared(array) for array in arrays]
    h = T.tanh(T.dot(x, W1))
    mask = T.cast(lib.stream(1).bernoulli(p=KEPT, size=h.shape), "float32")
    cost = lib.cross_entropy(T.dot(h * mask / KEPT, W2), y)
    gradients = T.grad(cost, parameters)
    updates = [(p, p - RATE * d) for p, d in zip(parameters, gradients, strict=True)]
    step = lib.sg.function([x, y], cost, updates=updates)
    return lambda: step(images, labels)


@DROPOUT.built_for(JAX)
def jax_dropout(lib, images, labels, *parameters):
    jax, jnp = lib.jax, lib.jnp

    def cost_of(parameters, key, x, y):
        W1, W2 = parameters
        h = jnp.tanh(x @ W1)
        kept = jnp.where(jax.random.bernoulli(key, KEPT, h.shape), h / KEPT, 0)
        return -jax.nn.log_softmax(kept @ W2)[jnp.arange(len(y)), y].mean()

    def step(parameters, key, x, y):
        key, now = jax.random.split(key)
        cost, gradients = jax.value_and_grad(cost_of)(parameters, now, x, y)
        return cost, [p - RATE * d for p, d in zip(parameters, gradients, strict=True)], key

    step = jax.jit(step, donate_argnums=0)
    # Donated arrays are given up, and the row's own data must survive.
    state = [[jnp.array(p, copy=True) for p in parameters], jax.random.key(1)]

    def run():
        cost, *state[:] = step(*state, images, labels)
        return cost

    return run


@DROPOUT.built_for(TORCH, TORCH_COMPILE)
def torch_dropout(lib, images, labels, *arrays):
    parameters = W1, W2 = [array.clone().requires_grad_() for array in arrays]
    optimizer = lib.torch.optim.SGD(parameters, lr=float(RATE))

    def cost_of(x, y):
        kept = lib.F.dropout(lib.torch.tanh(x @ W1), 1 - float(KEPT))
        return lib.F.cross_entropy(kept @ W2, y)

    forward = lib.compile(cost_of)

    def run():
        optimizer.zero_grad()
        cost = forward(images, labels)
        cost.backward()
        optimizer.step()
        return cost.detach()

    return run


def machine(rng):
    """A restricted Boltzmann machine, and where its chains start."""
    W = rng.normal(scale=0.05, size=(VISIBLE, HIDDEN)).astype("f4")
    biases = [rng.normal(scale=0.5, size=n).astype("f4") for n in (VISIBLE, HIDDEN)]
    return (rng.random((CHAINS, VISIBLE)) < 0.5).astype("f4"), W, *biases


def chain(v, W, b, c):
    """The probabilities of the visible units after some steps of the chain."""
    rng, p = np.random.default_rng(2), v
    for _ in range(STEPS):
        h = rng.random((CHAINS, HIDDEN)) < scipy.special.expit(v @ W + c)
        p = scipy.special.expit(h @ W.T + b)
        v = rng.random((CHAINS, VISIBLE)) < p
    return [p]


GIBBS = Row(
    "gibbs",
    "Gibbs chain of a 784-500 Boltzmann machine, 20 chains, 15 steps",
    machine,
    chain,
    tolerance=TOLERANCE,
    summary=moments,
)


@GIBBS.built_for(SYMGRAPH)
def scanned_gibbs(lib, start, W, b, c):
    T, stream = lib.T, lib.stream(1)
    weights, visible, hidden = (lib.sg.shared(array) for array in (W, b, c))
    first = T.fmatrix("v")

    def step(v):
        on = stream.bernoulli(p=T.sigmoid(T.dot(v, weights) + hidden))
        p = T.sigmoid(T.dot(T.cast(on, "float32"), weights.T) + visible)
        return T.cast(stream.bernoulli(p=p), "float32"), p

    (_, p), updates = lib.sg.scan(step, outputs_info=[first, None], n_steps=STEPS)
    f = lib.sg.function([first], p[-1], updates=updates)
    return lambda: f(start)


@GIBBS.built_for(PYTENSOR)
def unrolled_gibbs(lib, start, W, b, c):
    T, stream = lib.T, lib.stream(1)
    weights, visible, hidden = (lib.sg.shared(array) for array in (W, b, c))
    first = v = T.fmatrix("v")
    for _ in range(STEPS):
        on = stream.bernoulli(p=T.sigmoid(T.dot(v, weights) + hidden))
        p = T.sigmoid(T.dot(T.cast(on, "float32"), weights.T) + visible)
        v = T.cast(stream.bernoulli(p=p), "float32")
    f = lib.sg.function([first], p)
    return lambda: f(start)


@GIBBS.built_for(JAX)
def jax_gibbs(lib, start, W, b, c):
    jax = lib.jax

    def draw(key, p):
        return jax.random.bernoulli(key, p).astype("float32")

    @jax.jit
    def run_chain(key, v):
        key, now = jax.random.split(key)

        def step(k, carried):
            v, _ = carried
            first, second = jax.random.split(jax.random.fold_in(now, k))
            h = draw(first, jax.nn.sigmoid(v @ W + c))
            p = jax.nn.sigmoid(h @ W.T + b)
            return draw(second, p), p

        return jax.lax.fori_loop(0, STEPS, step, (v, v))[1], key

    state = [jax.random.key(1)]

    def run():
        p, state[0] = run_chain(state[0], start)
        return p

    return run


@GIBBS.built_for(TORCH, TORCH_COMPILE)
def torch_gibbs(lib, start, W, b, c):
    torch = lib.torch

    def run_chain(v):
        for _ in range(STEPS):
            h = torch.bernoulli(torch.sigmoid(v @ W + c))
            p = torch.sigmoid(h @ W.T + b)
            v = torch.bernoulli(p)
        return p

    compiled = lib.compile(run_chain)
    return lambda: compiled(start)


ROWS = [NORMALS, DROPOUT, GIBBS]
