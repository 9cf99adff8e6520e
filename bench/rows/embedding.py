"""One step of gradient descent on the rows of a table: look-up, cost, gradient, update.

symgraph is given the plain `W - rate * gradient`. Each peer is given its own way to update rows
only, since the plain form makes a gradient as large as the table in all of them.
"""

import numpy as np

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.row import Row

RATE = 0.1
ROWS_OF_TABLE, WIDTH, BATCH = 100_000, 64, 256


def data(rng):
    """A table, the rows looked up (some twice), and what they should be."""
    table = rng.normal(size=(ROWS_OF_TABLE, WIDTH)).astype("f4")
    ids = rng.integers(0, ROWS_OF_TABLE, BATCH).astype("i4")
    ids[-8:] = ids[:8]
    return table, ids, rng.normal(size=(BATCH, WIDTH)).astype("f4")


def costs(table, ids, target):
    """The costs of the first three steps."""
    found, table = [], table.copy()
    for _ in range(3):
        error = table[ids] - target
        found.append((error**2).sum())
        np.add.at(table, ids, -2 * RATE * error)
    return found


EMBEDDING = Row(
    "embedding",
    "look-up and update of 256 rows of (100,000, 64)",
    data,
    costs,
    chained=True,
)


@EMBEDDING.built_for(SYMGRAPH)
def plain(lib, table, ids, target):
    W, at, t = lib.sg.shared(table), lib.T.ivector("at"), lib.T.fmatrix("t")
    cost = lib.T.sqr(W[at] - t).sum()
    step = lib.sg.function([at, t], cost, updates=[(W, W - RATE * lib.T.grad(cost, W))])
    return lambda: step(ids, target)


@EMBEDDING.built_for(PYTENSOR)
def rows_only(lib, table, ids, target):
    T = lib.T
    W, at, t = lib.sg.shared(table), T.ivector("at"), T.fmatrix("t")
    rows = W[at]
    cost = T.sqr(rows - t).sum()
    new = T.inc_subtensor(rows, -np.float32(RATE) * T.grad(cost, rows))
    step = lib.sg.function([at, t], cost, updates=[(W, new)])
    return lambda: step(ids, target)


@EMBEDDING.built_for(JAX)
def jax(lib, table, ids, target):
    def cost_of(rows, t):
        return ((rows - t) ** 2).sum()

    def step(W, at, t):
        cost, g = lib.jax.value_and_grad(cost_of)(W[at], t)
        return cost, W.at[at].add(-RATE * g)

    step = lib.jax.jit(step, donate_argnums=0)
    # Donated arrays are given up, and the row's own data must survive.
    state = [lib.jnp.array(table, copy=True)]

    def run():
        cost, state[0] = step(state[0], ids, target)
        return cost

    return run


@EMBEDDING.built_for(TORCH, TORCH_COMPILE)
def torch(lib, table, ids, target):
    W = table.clone().requires_grad_()
    optimizer = lib.torch.optim.SGD([W], lr=RATE)

    def cost_of(at, t):
        return ((lib.F.embedding(at, W, sparse=True) - t) ** 2).sum()

    forward = lib.compile(cost_of)

    def run():
        optimizer.zero_grad()
        cost = forward(ids, target)
        cost.backward()
        optimizer.step()
        return cost.detach()

    return run


ROWS = [EMBEDDING]
