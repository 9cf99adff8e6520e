"""A block of a transformer's encoder: attention and two layers, each after layer norm."""

import numpy as np

from bench.reference import softmax, standard, standard_slope
from bench.row import step_row

BATCH, LENGTH, WIDTH, HEADS, INNER = 8, 128, 256, 4, 1024
HEAD = WIDTH // HEADS
SCALE = HEAD**-0.5
MATRICES = [(WIDTH, WIDTH)] * 4 + [(WIDTH, INNER), (INNER, WIDTH)]
VECTORS = [(WIDTH,)] * 4  # gains and biases of the two layer norms
RATES = [100.0] + [1.0] * 10  # of the cases, which are a parameter here too, and of the others


def data(rng):
    """Wanted outputs, cases, matrices and vectors."""
    matrices = [rng.normal(scale=s[0] ** -0.5, size=s).astype("f4") for s in MATRICES]
    vectors = [rng.normal(loc=1 - k % 2, scale=0.1, size=s) for k, s in enumerate(VECTORS)]
    cases = rng.normal(size=(2, BATCH, LENGTH, WIDTH)).astype("f4")
    return *cases, *matrices, *(v.astype("f4") for v in vectors)


def cost(lib, wanted, x, Q, K, V, O, W1, W2, g1, b1, g2, b2):
    shape = BATCH, LENGTH, HEADS, HEAD
    h = lib.layer_norm(x, g1, b1)
    q, k, v = (lib.permute((h @ W).reshape(shape), (0, 2, 1, 3)) for W in (Q, K, V))
    seen = lib.permute(lib.attention(q, k, v, scale=SCALE), (0, 2, 1, 3))
    x = x + seen.reshape((BATCH, LENGTH, WIDTH)) @ O
    y = x + lib.relu(lib.layer_norm(x, g2, b2) @ W1) @ W2
    return ((y - wanted) ** 2).mean()


def heads(x):
    return x.reshape(BATCH, LENGTH, HEADS, HEAD).swapaxes(1, 2)


def joined(x):
    return x.swapaxes(1, 2).reshape(BATCH, LENGTH, WIDTH)


def weights(x, slope):
    """The gradient by the matrix of a product, from its input and the gradient by its output."""
    return x.reshape(-1, x.shape[-1]).T @ slope.reshape(-1, slope.shape[-1])


def slopes(wanted, x, Q, K, V, O, W1, W2, g1, b1, g2, b2):
    """The cost, and its gradients by the cases and all parameters."""
    z1, s1 = standard(x)
    h = z1 * g1 + b1
    q, k, v = (heads(h @ W) for W in (Q, K, V))
    p = softmax(q @ k.swapaxes(2, 3) * SCALE)
    a = joined(p @ v)
    z2, s2 = standard(middle := x + a @ O)
    n = z2 * g2 + b2
    r = np.maximum(n @ W1, 0)
    error = middle + r @ W2 - wanted

    dy = 2 * error / error.size
    dr = dy @ W2.T * (r > 0)
    dn = dr @ W1.T
    dm = dy + standard_slope(dn * g2, z2, s2)
    da = heads(dm @ O.T)
    dp = da @ v.swapaxes(2, 3)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) * SCALE
    dq, dk, dv = map(joined, (ds @ k, ds.swapaxes(2, 3) @ q, p.swapaxes(2, 3) @ da))
    dh = dq @ Q.T + dk @ K.T + dv @ V.T
    dx = dm + standard_slope(dh * g1, z1, s1)
    pairs = (h, dq), (h, dk), (h, dv), (a, dm), (n, dr), (r, dy)
    vectors = dh * z1, dh, dn * z2, dn
    return (error**2).mean(), [
        dx,
        *(weights(*pair) for pair in pairs),
        *(vector.sum((0, 1)) for vector in vectors),
    ]


ENCODER = step_row(
    "encoder",
    "encoder block, batch 8, length 128, width 256, 4 heads, training step",
    data,
    cost,
    slopes,
    RATES,
    tolerance=1e-4,
)
ROWS = [ENCODER]
