"""The pool: every share once, from any thread, after a fork, when it is resized or gone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from symgraph.backends import pool, threads
from symgraph.backends.numba.runtime import data, driver, kernel, launch

POSIX = os.name == "posix"
ENOUGH = 10**7
pytestmark = pytest.mark.skipif(not POSIX, reason="one thread only on Windows")


@kernel
def count(lo: Any, hi: Any, share: Any, x: Any, ranges: Any) -> None:
    ranges[2 * share] = lo
    ranges[2 * share + 1] = hi
    for i in range(lo, hi):
        x[i] = x[i] + 1


@driver
def counted(x: Any, ranges: Any, work: Any, times: Any) -> Any:
    shares = 0
    for _ in range(times):
        shares = launch(x.size, work, count, data(x), data(ranges))
    return shares


def shares_of(n: int, work: int, times: int = 1) -> list[tuple[int, int]]:
    x, ranges = np.zeros(n, np.int64), np.full(2 * 64, -1)
    shares = counted(x, ranges, work, times)
    np.testing.assert_array_equal(x, times)
    assert (ranges[2 * shares :] == -1).all()
    return [(int(lo), int(hi)) for lo, hi in ranges[: 2 * shares].reshape(-1, 2)]


def test_one_thread_makes_one_share() -> None:
    assert shares_of(1000, ENOUGH) == [(0, 1000)]
    assert threads.max_shares() == 1


def test_shares_cover_the_range_once(two_threads: None) -> None:
    for n in (1, 2, 3, 5, 1000, 1001):
        found = shares_of(n, ENOUGH)
        assert len(found) == min(n, threads.max_shares())
        assert [lo for lo, _ in found] == [0, *(hi for _, hi in found[:-1])]
        assert found[-1][1] == n
        sizes = [hi - lo for lo, hi in found]
        assert max(sizes) - min(sizes) <= 1


def test_an_empty_range_has_no_shares(two_threads: None) -> None:
    assert shares_of(0, ENOUGH) == []


def test_little_work_stays_in_the_caller(two_threads: None) -> None:
    assert shares_of(1000, threads.MIN_WORK - 1) == [(0, 1000)]
    assert not threads._pool.threads


def test_work_limits_the_number_of_shares(two_threads: None) -> None:
    assert len(shares_of(1000, threads.MIN_WORK)) == threads.MIN_WORK // threads.GRAIN + 1


def test_many_launches(two_threads: None) -> None:
    shares_of(64, ENOUGH, times=20_000)


def test_sleeping_workers_are_woken(two_threads: None) -> None:
    for _ in range(5):
        shares_of(64, ENOUGH)
        until = time.monotonic() + 5
        while threads._pool.words[pool.SLEEPERS] == 0:
            assert time.monotonic() < until
            time.sleep(0.001)


def test_several_python_threads_launch_at_once(two_threads: None) -> None:
    failures: list[BaseException] = []

    def launch_often() -> None:
        try:
            for _ in range(30):
                shares_of(257, ENOUGH, times=50)
        except BaseException as error:
            failures.append(error)

    callers = [threading.Thread(target=launch_often) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not failures


def test_resizing_while_others_launch(two_threads: None) -> None:
    done = threading.Event()
    failures: list[BaseException] = []

    def launch_often() -> None:
        try:
            while not done.is_set():
                x, ranges = np.zeros(100, np.int64), np.zeros(2 * 64, np.int64)
                counted(x, ranges, ENOUGH, 20)
                np.testing.assert_array_equal(x, 20)
        except BaseException as error:
            failures.append(error)

    caller = threading.Thread(target=launch_often)
    caller.start()
    for size in (1, 3, 2, 4, 1, 2):
        threads.set_threads(size)
        time.sleep(0.01)
    done.set()
    caller.join()
    assert not failures


def test_more_threads_than_cores() -> None:
    threads.set_threads(4)
    try:
        assert len(shares_of(10_000, ENOUGH, times=50)) == 4 * threads.SHARES_PER_THREAD
        assert len(threads._pool.threads) == 3
    finally:
        threads.set_threads(1)


def test_no_thread_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        threads.set_threads(0)


def test_a_pool_that_cannot_start_leaves_one_thread(
    two_threads: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    assert shares_of(1000, ENOUGH) == [(0, 1000)]
    assert "can't start new thread" in caplog.text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork in a process with threads
def test_a_forked_child_makes_its_own_pool(two_threads: None) -> None:
    shares_of(1000, ENOUGH)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            shares_of(1000, ENOUGH, times=10)
            code = 0 if len(threads._pool.threads) == 1 else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    shares_of(1000, ENOUGH)


LEAVES = """
import numpy as np, threading
from symgraph.backends import threads
from symgraph.backends.numba.runtime import data, driver, kernel, launch

@kernel
def k(lo, hi, share, x):
    for i in range(lo, hi):
        x[i] = x[i] + 1

@driver
def call(x):
    for _ in range(200):
        launch(x.size, 10**7, k, data(x))

threads.set_threads(2)
x = np.zeros(1000)
call(x)
forever = threading.Thread(target=lambda: [call(x) for _ in iter(int, 1)], daemon=True)
forever.start()
print(x.min() >= 200)
"""


def test_leaving_python_while_the_pool_works() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVES], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True", "")
