"""Reductions, and what is made of them."""

from bench.reference import logsumexp, normals, softmax, standard
from bench.row import function_row

SQUARE = normals((4096, 4096))
WIDE = normals((4096, 1000), scale=3)
FEATURES = normals((4096, 1024), (1024,), (1024,))

CASES = (
    (
        "sum-0",
        "sums of (4096, 4096) along axis 0",
        SQUARE,
        lambda lib, x: x.sum(axis=0),
        lambda x: [x.sum(axis=0)],
    ),
    (
        "sum-1",
        "sums of (4096, 4096) along axis 1",
        SQUARE,
        lambda lib, x: x.sum(axis=1),
        lambda x: [x.sum(axis=1)],
    ),
    (
        "moments",
        "means and variances of the rows of (4096, 1024)",
        normals((4096, 1024)),
        lambda lib, x: lib.moments(x),
        lambda x: [x.mean(axis=1), x.var(axis=1)],
    ),
    (
        "logsumexp",
        "logsumexp of (4096, 1000)",
        WIDE,
        lambda lib, x: lib.logsumexp(x),
        lambda x: [logsumexp(x)],
    ),
    (
        "softmax",
        "softmax on (4096, 1000)",
        WIDE,
        lambda lib, x: lib.softmax(x),
        lambda x: [softmax(x)],
    ),
    (
        "layer-norm",
        "layer norm on (4096, 1024)",
        FEATURES,
        lambda lib, x, gain, bias: lib.layer_norm(x, gain, bias),
        lambda x, gain, bias: [standard(x)[0] * gain + bias],
    ),
)
ROWS = [function_row(*case) for case in CASES]
