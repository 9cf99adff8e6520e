"""Results do not depend on the run; with `config.deterministic`, nor on the number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends import pool, threads

# Reductions of all kinds, products, routines, a scatter: what an order of additions could change.
PROGRAM = """
import hashlib
import sys
import numpy as np
import symgraph as sg
import symgraph.tensor as T
from symgraph.backends import pool, threads

threads.MIN_WORK = 1
threads._pool.words[pool.GRAIN] = 1
sg.config.threads = int(sys.argv[1])
sg.config.deterministic = True
rng = np.random.default_rng(0)
x, w, v, n = T.fmatrix("x"), T.fmatrix("w"), T.fvector("v"), T.lvector("n")
d, images = T.dmatrix("d"), T.tensor4("images", dtype="float32")
filters = T.tensor4("filters", dtype="float32")
spread = T.dot(d, d.T) + 300 * T.eye(d.shape[0], dtype="float64")
convolved = T.nnet.conv2d(images, filters)
cost = T.sqr(T.nnet.softmax(T.dot(x, w))).sum() + T.logsumexp(x, axis=0).sum()
outputs = [
    x.sum(), x.sum(0), x.sum(1), x.mean(), x.std(0), x.prod(1), T.nnet.softmax(x), cost,
    *T.grad(cost, [x, w]), T.dot(x, w), T.dot(x.T, x), T.dot(v, w), T.dot(v, v),
    T.inc_subtensor(w[n], 1 / 3), T.linalg.cholesky(spread), T.linalg.inv(spread),
    T.linalg.svd(d)[1], convolved, T.grad(T.sqr(convolved).sum(), filters), T.cumsum(x, axis=1),
    T.argtopk(x, 9, axis=1),
]
f = sg.function([x, w, v, n, d, images, filters], outputs)
arrays = [
    rng.normal(size=(301, 257)), rng.normal(size=(257, 257)), rng.normal(size=257),
    rng.integers(0, 257, 500), rng.normal(size=(300, 320)), rng.normal(size=(5, 3, 20, 20)),
    rng.normal(size=(7, 3, 5, 5)),
]
kinds = ["f", "f", "f", "l", "d", "f", "f"]
for _ in range(2):
    for out in f(*(a.astype(k) for a, k in zip(arrays, kinds))):
        print(hashlib.sha256(np.ascontiguousarray(out).tobytes()).hexdigest()[:16])
"""


@pytest.mark.skipif(os.name != "posix", reason="one thread only on Windows")
def test_any_number_of_threads_gives_the_same_bits() -> None:
    def digests(count: int) -> list[str]:
        env = {**os.environ, "SYMGRAPH_FLAGS": f"cache_dir={sg.config.cache_dir}"}
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(count)], env=env, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.split()

    one, two, three = map(digests, (1, 2, 3))
    assert len(one) == 44
    assert one[:22] == one[22:]
    assert one == two == three


@pytest.fixture
def shared_out() -> Iterator[None]:
    """Two threads share the smallest of launches."""
    least = threads.MIN_WORK
    threads.MIN_WORK = 1
    threads.set_threads(1)
    threads._pool.words[pool.GRAIN] = 1
    yield
    threads.MIN_WORK = least
    threads._pool.words[pool.GRAIN] = threads.GRAIN
    threads.set_threads(1)


@pytest.mark.usefixtures("shared_out")
def test_reductions_are_cut_by_sizes_alone() -> None:
    x = T.fmatrix("x")
    outputs = [x.sum(), x.sum(0), x.sum(1), T.logsumexp(x), T.grad(T.logsumexp(x), x)]
    value = np.random.default_rng(0).normal(size=(777, 333)).astype("float32")
    found = []
    for count in (1, 2):
        with sg.config(threads=count):
            found.append(sg.function([x], outputs)(value))
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
