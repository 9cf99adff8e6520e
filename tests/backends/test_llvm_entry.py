"""Entering and leaving native functions: arguments, errors, references, threads."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends import threads
from symgraph.backends.stop import Stop
from symgraph.errors import IndexRangeError, InputShapeError, ShapeError


def native(f: sg.Function) -> Callable[..., tuple[Any, ...]]:
    """The native function behind a compiled one."""
    call: Callable[..., tuple[Any, ...]] = f._run.entry.call
    return call


@pytest.fixture(scope="module")
def affine() -> sg.Function:
    x, y, z = T.dvector("x"), T.fmatrix("y"), T.dscalar("z")
    return sg.function([x, y, z], [T.exp(x) * z, y.sum(axis=0)])


def arrays() -> list[np.ndarray]:
    return [np.arange(3.0), np.ones((2, 4), "f"), np.array(2.0)]


def swapped(a: np.ndarray) -> np.ndarray:
    return a.astype(a.dtype.newbyteorder())


def misaligned(a: np.ndarray) -> np.ndarray:
    block = np.zeros(a.nbytes + 1, np.uint8)
    moved = block[1:].view(a.dtype).reshape(a.shape)
    moved[...] = a
    return moved


WRONG: dict[str, Callable[[], list[Any]]] = {
    "too few": lambda: arrays()[:2],
    "too many": lambda: [*arrays(), 1],
    "a list": lambda: [[1.0, 2.0], *arrays()[1:]],
    "a float": lambda: [*arrays()[:2], 2.0],
    "another dtype": lambda: [arrays()[0].astype("f"), *arrays()[1:]],
    "another rank": lambda: [arrays()[0][None], *arrays()[1:]],
    "other bytes": lambda: [swapped(arrays()[0]), *arrays()[1:]],
    "not row-major": lambda: [arrays()[0], np.ones((4, 2), "f").T, arrays()[2]],
    "misaligned": lambda: [misaligned(arrays()[0]), *arrays()[1:]],
    "a subclass": lambda: [arrays()[0].view(np.recarray), *arrays()[1:]],
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_such_array_is_refused(affine: sg.Function, case: str) -> None:
    with pytest.raises(TypeError, match="no row-major, aligned array"):
        native(affine)(*WRONG[case]())


def test_equal_descriptors_and_read_only_arrays_are_taken(affine: sg.Function) -> None:
    x = np.arange(3.0).astype(np.dtype("f8", metadata={"unit": "m"}))
    x.flags.writeable = False
    assert x.dtype is not np.dtype("f8")
    found = native(affine)(x, *arrays()[1:])
    np.testing.assert_allclose(found[0], 2 * np.exp(x))


def test_long_long_is_int64() -> None:
    x = T.lvector("x")
    f = sg.function([x], x + 1)
    assert native(f)(np.arange(3, dtype=np.longlong))[0].tolist() == [1, 2, 3]


def updating() -> tuple[sg.Function, Any]:
    """A function that can fail after it has made arrays and taken memory."""
    x, i = T.dmatrix("x"), T.lvector("i")
    w = sg.shared(np.ones(3), name="w")
    rows = T.exp(T.dot(x, w))[i] * 2
    return sg.function([x, i], [rows, rows.sum(), x.T], updates=[(w, w * 0.5)]), w


def test_references_and_memory_are_given_back_on_every_path() -> None:
    f, _ = updating()
    x, i, bad = np.ones((4, 3)), np.array([0, 3]), np.array([7])
    call = native(f)
    w = np.ones(3)
    paths: list[Callable[[], Any]] = [
        lambda: call(x, i, w),
        lambda: call(x, bad, w),  # a guard in the middle
        lambda: call(x[:, :2].copy(), i, w),  # a guard at the beginning
        lambda: call(x, 1.0, w),
        lambda: call(x, i),
        lambda: call(w.reshape(1, 3), np.array([0]), w),  # shares memory with what is written
    ]

    def round_() -> None:
        for path in paths:
            with suppress(Stop, TypeError):
                path()

    round_()
    objects = (x, i, bad, w, None, np.dtype("f8"), np.ndarray, Stop)
    before = [sys.getrefcount(o) for o in objects]
    for _ in range(200):
        round_()
    after = [sys.getrefcount(o) for o in objects]
    assert all(abs(a - b) < 50 for a, b in zip(after, before, strict=True))
    tracemalloc.start()
    round_()
    held = tracemalloc.get_traced_memory()[0]
    for _ in range(1000):
        round_()
    assert tracemalloc.get_traced_memory()[0] < held + 50_000
    tracemalloc.stop()


def test_failures_say_what_is_wrong_and_store_nothing() -> None:
    f, w = updating()
    with pytest.raises(IndexRangeError, match="7"):
        f(np.ones((4, 3)), [7])
    with pytest.raises((ShapeError, InputShapeError), match="2"):
        f(np.ones((4, 2)), [0])
    assert w.get_value().tolist() == [1, 1, 1]
    assert f(np.ones((4, 3)), [0])[0].tolist() == [2 * np.exp(3)]
    assert w.get_value().tolist() == [0.5] * 3


def test_results_outlive_the_function() -> None:
    x = T.dvector("x")
    f = sg.function([x], [x * 2, T.cumsum(x)[::-1] + 1])
    results = f(np.arange(4.0))
    gone = weakref.ref(f)
    call = native(f)
    del f
    gc.collect()
    assert gone() is None
    assert call(np.ones(4))[0].tolist() == [2] * 4
    del call
    gc.collect()
    assert results[0].tolist() == [0, 2, 4, 6]
    assert results[1].tolist() == [7, 4, 2, 1]


def test_several_threads_at_once() -> None:
    """Each call in flight has memory of its own."""
    x = T.dmatrix("x")
    f = sg.function([x], T.exp(T.dot(T.tanh(x), x)).sum(axis=1))
    rng = np.random.default_rng(0)
    given = [rng.normal(size=(n, n)) for n in (3, 40, 150, 300)]
    expected = [np.exp(np.tanh(a) @ a).sum(axis=1) for a in given]
    right: list[bool] = []

    def work(k: int) -> None:
        right.extend(np.allclose(f(given[k]), expected[k]) for _ in range(40))

    workers = [threading.Thread(target=work, args=(k,)) for k in range(len(given))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert right == [True] * 40 * len(given)


def test_long_work_lets_other_threads_run() -> None:
    x = T.dmatrix("x")
    f = sg.function([x], T.exp(T.dot(x, x)).sum())
    count, stop = [0], threading.Event()

    def tick() -> None:
        while not stop.is_set():
            count[0] += 1

    other = threading.Thread(target=tick)
    a = np.zeros((1200, 1200))
    other.start()
    before = count[0]
    native(f)(a)
    assert count[0] > before
    stop.set()
    other.join()


def test_any_number_of_threads_gives_the_same_bits() -> None:
    x = T.fmatrix("x")
    hidden = T.nnet.softmax(T.tanh(x) * 2)
    f = sg.function([x], [hidden.sum(), hidden.sum(axis=0), T.exp(hidden)])
    a = np.random.default_rng(0).normal(size=(700, 300)).astype("f")
    found = []
    for count in (1, 2, 3):
        threads.set_threads(count)
        found.append(f(a))
    threads.set_threads(1)
    for results in zip(*found, strict=True):
        assert all(r.tobytes() == results[0].tobytes() for r in results)


def test_an_ordinary_function_needs_no_numba(tmp_path: Any) -> None:
    program = """
import sys, numpy as np, symgraph as sg, symgraph.tensor as T
sg.config.cache_dir = sys.argv[1]
x, w = T.fmatrix("x"), sg.shared(np.ones((4, 3), "f"))
cost = T.nnet.softmax(T.dot(T.tanh(x), w)).max(axis=1).mean()
step = sg.function([x], cost, updates=[(w, w - T.grad(cost, w))])
print(step(np.ones((2, 4), "f")), "numba" in sys.modules)
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "False"


def test_routines_of_numba() -> None:
    x = T.dmatrix("x")
    f = sg.function([x], [T.cumsum(x, axis=1), T.nonzero(T.gt(x, 1))[0]])
    sums, places = f(np.arange(6.0).reshape(2, 3))
    assert sums.tolist() == [[0, 1, 3], [3, 7, 12]]
    assert places.tolist() == [0, 1, 1, 1]


def test_a_function_shows_its_code(affine: sg.Function) -> None:
    assert "define internal double @exp_f64" in affine.llvm()
    assert "define ptr @call" in affine.llvm()
    assert "kernel_" in affine.assembly()
    assert "def call(" in affine.source()
