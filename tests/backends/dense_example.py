"""One dense layer, softplus-like, as the compiler would write it: read as text by the tests."""

from symgraph.backends.numba.runtime import (
    absolute,
    add_any_order,
    address,
    data,
    driver,
    float32,
    gemm,
    helper,
    kernel,
    launch,
    np,
    pointer,
)


@helper
def squash(x):
    return x / (float32(1) + absolute(x))


@kernel
def activate(lo, hi, share, n1, t, b, out):
    for i in range(lo, hi):
        for j in range(n1):
            out[i * n1 + j] = squash(t[i * n1 + j] + b[j])


@kernel
def row_sums(lo, hi, share, n1, x, out):
    for i in range(lo, hi):
        total = float32(0)
        for j in range(n1):
            total = add_any_order(total, x[i * n1 + j])
        out[i] = total


@driver
def call(status, arena, x, w, b):
    n0, n2 = x.shape
    k, n1 = w.shape
    if k != n2:
        status[0], status[1], status[2] = 1, n2, k
        return np.empty((0, 0), np.float32), np.empty((0,), np.float32), arena
    need = n0 * n1 * 4
    if need > arena.size:
        arena = np.empty(need, np.uint8)
    t = pointer(address(arena), float32)
    out = np.empty((n0, n1), np.float32)
    sums = np.empty((n0,), np.float32)
    gemm(n0, n1, n2, float32(1), data(x), n2, False, data(w), n1, False, float32(0), t, n1)
    launch(n0, n0 * n1 * 3, activate, n1, t, data(b), data(out))
    launch(n0, n0 * n1, row_sums, n1, data(out), data(sums))
    return out, sums, arena
