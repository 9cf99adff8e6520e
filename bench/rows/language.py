"""A language model: words looked up, a gated recurrent unit, the next word foretold."""

import numpy as np
import scipy.special

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH
from bench.row import Row

STEPS, BATCH, WORDS, WIDTH, HIDDEN = 35, 32, 1000, 64, 128
RATE = 0.1


def sentences(rng):
    """Words and the words after them, and parameters: table, W, U, b of the unit, output layer."""
    ids = rng.integers(0, WORDS, (STEPS + 1, BATCH)).astype("i4")
    shapes = (WORDS, WIDTH), (WIDTH, 3 * HIDDEN), (HIDDEN, 3 * HIDDEN), (3 * HIDDEN,)
    parameters = [rng.normal(scale=0.1, size=s).astype("f4") for s in (*shapes, (HIDDEN, WORDS))]
    return [ids[:-1], ids[1:], *parameters]


def unit(row, h, U, sigmoid, tanh):
    """The next state from a row of sums and the state before: update, reset, candidate."""
    gates = sigmoid(row[:, : 2 * HIDDEN] + h @ U[:, : 2 * HIDDEN])
    update, reset = gates[:, :HIDDEN], gates[:, HIDDEN:]
    new = tanh(row[:, 2 * HIDDEN :] + (reset * h) @ U[:, 2 * HIDDEN :])
    return update * h + (1 - update) * new, (update, reset, new)


def gradients(ids, wanted, E, W, U, b, V):
    """The cost, and the gradients of all parameters by going back through the steps."""
    h, kept, states = np.zeros((BATCH, HIDDEN)), [], []
    for now in ids:
        before = h
        h, parts = unit(E[now] @ W + b, before, U, scipy.special.expit, np.tanh)
        kept.append((now, before, *parts))
        states.append(h)
    states, labels = np.concatenate(states), wanted.ravel()
    scores, rows = states @ V, np.arange(len(labels))
    cost = -scipy.special.log_softmax(scores, axis=1)[rows, labels].mean()
    d = scipy.special.softmax(scores, axis=1)
    d[rows, labels] -= 1
    d /= len(labels)
    dE, dW, dU, db, dV = (np.zeros_like(p) for p in (E, W, U, b, V))
    dV += states.T @ d
    back, dh = (d @ V.T).reshape(STEPS, BATCH, HIDDEN), 0.0
    for (now, before, update, reset, new), given in zip(reversed(kept), back[::-1], strict=True):
        dh = dh + given
        dn = dh * (1 - update) * (1 - new**2)
        dr = dn @ U[:, 2 * HIDDEN :].T
        dz = dh * (before - new) * update * (1 - update)
        da = np.concatenate([dz, dr * before * reset * (1 - reset), dn], axis=1)
        dU[:, : 2 * HIDDEN] += before.T @ da[:, : 2 * HIDDEN]
        dU[:, 2 * HIDDEN :] += (reset * before).T @ dn
        dW += E[now].T @ da
        db += da.sum(0)
        np.add.at(dE, now, da @ W.T)
        dh = dh * update + dr * reset + da[:, : 2 * HIDDEN] @ U[:, : 2 * HIDDEN].T
    return cost, [dE, dW, dU, db, dV]


def costs(ids, wanted, *parameters):
    """The costs of the first three steps."""
    found = []
    for _ in range(3):
        cost, slopes = gradients(ids, wanted, *parameters)
        found.append(cost)
        parameters = [p - RATE * d for p, d in zip(parameters, slopes, strict=True)]
    return found


GRU = Row(
    "gru-step",
    "GRU language model, training step: 1,000 words, 35 steps, batch 32, 64 to 128",
    sentences,
    costs,
    chained=True,
)


@GRU.built_for(SYMGRAPH, PYTENSOR)
def gru_theano(lib, ids, labels, *arrays):
    T = lib.T
    now, wanted = T.imatrix("now"), T.imatrix("wanted")
    parameters = E, W, U, b, V = [lib.sg.shared(array) for array in arrays]
    start = T.zeros((now.shape[1], HIDDEN), dtype="float32")

    def step(words, h):
        row = T.dot(E[words], W) + b
        gates = T.sigmoid(row[:, : 2 * HIDDEN] + T.dot(h, U[:, : 2 * HIDDEN]))
        update, reset = gates[:, :HIDDEN], gates[:, HIDDEN:]
        new = T.tanh(row[:, 2 * HIDDEN :] + T.dot(reset * h, U[:, 2 * HIDDEN :]))
        return update * h + (np.float32(1) - update) * new

    states, _ = lib.sg.scan(step, now, [start])
    scores = T.dot(states.reshape((-1, HIDDEN)), V)
    cost = lib.cross_entropy(scores, wanted.flatten())
    slopes, rate = T.grad(cost, parameters), np.float32(RATE)
    updates = [(p, p - rate * d) for p, d in zip(parameters, slopes, strict=True)]
    f = lib.sg.function([now, wanted], cost, updates=updates)
    return lambda: f(ids, labels)


@GRU.built_for(JAX)
def gru_jax(lib, ids, labels, *arrays):
    jax, jnp = lib.jax, lib.jnp

    def cost_of(parameters, now, wanted):
        E, W, U, b, V = parameters

        def step(h, words):
            h, _ = unit(E[words] @ W + b, h, U, jax.nn.sigmoid, jnp.tanh)
            return h, h

        start = jnp.zeros((now.shape[1], HIDDEN), "float32")
        scores = jax.lax.scan(step, start, now)[1].reshape(-1, HIDDEN) @ V
        rows = jnp.arange(wanted.size)
        return -jax.nn.log_softmax(scores)[rows, wanted.ravel()].mean()

    def step(parameters, now, wanted):
        cost, slopes = jax.value_and_grad(cost_of)(parameters, now, wanted)
        return cost, [p - RATE * d for p, d in zip(parameters, slopes, strict=True)]

    step = jax.jit(step, donate_argnums=0)
    # Donated arrays are given up, and the row's own data must survive.
    state = [jnp.array(p, copy=True) for p in arrays]

    def run():
        cost, state[:] = step(state, ids, labels)
        return cost

    return run


@GRU.built_for(TORCH)
def gru_torch(lib, ids, labels, *arrays):
    torch = lib.torch
    parameters = E, W, U, b, V = [array.clone().requires_grad_() for array in arrays]
    optimizer = torch.optim.SGD(parameters, lr=RATE)
    ids, labels = ids.long(), labels.long().flatten()

    def run():
        optimizer.zero_grad()
        h, states = torch.zeros(ids.shape[1], HIDDEN), []
        for row in E[ids] @ W + b:
            h, _ = unit(row, h, U, torch.sigmoid, torch.tanh)
            states.append(h)
        cost = lib.F.cross_entropy(torch.cat(states) @ V, labels)
        cost.backward()
        optimizer.step()
        return cost.detach()

    return run


ROWS = [GRU]
