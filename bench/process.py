"""Processes of the peers: started together, checked, stopped when they take too long.

Each peer has a process of its own, so that thread pools, caches and memory stay apart.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any, Protocol

import numpy as np

from bench.peers import Peer


class Checked(Protocol):
    """What a process needs to know of a row."""

    @property
    def name(self) -> str: ...
    def wrong(self, results: Sequence[np.ndarray]) -> str | None: ...


class WrongError(Exception):
    """A peer failed, or its result is not what NumPy says."""


class LateError(Exception):
    """A peer took longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"over {seconds:g} s")
        self.seconds = seconds


class Worker:
    """The far end of `bench.worker`.

    Parameters
    ----------
    row, peer
        What it runs, and who.
    threads
        How many it may have.
    cores
        Those it may run on.
    cache
        Where it may keep what it compiles.
    limit
        Seconds that it has to answer.
    """

    def __init__(
        self,
        row: Checked,
        peer: Peer,
        threads: int,
        cores: Sequence[int],
        cache: Path,
        limit: float,
    ) -> None:
        self.row, self.limit = row, limit
        handle, self.file = tempfile.mkstemp(suffix=".npz")
        os.close(handle)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", peer.name, row.name, self.file, peer.device],
            env=environment(peer, threads, cache),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that its own processes can be stopped with it
        )
        os.sched_setaffinity(self.process.pid, cores)
        self.started = time.perf_counter()

    def first(self) -> float:
        """Seconds to the first result; `LateError` if it is not there in time."""
        seconds: float = self._answer(self.started)["first_seconds"]
        return seconds

    def check(self) -> None:
        """Raise `WrongError` unless the first results are right."""
        with np.load(self.file) as found:
            wrong = self.row.wrong([found[name] for name in found.files])
        if wrong:
            raise WrongError(wrong)

    def run(self, calls: int) -> dict[str, Any]:
        """So many calls."""
        assert self.process.stdin is not None
        try:
            print(calls, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            raise WrongError("its process failed") from None
        return self._answer(time.perf_counter())

    def stop(self) -> None:
        """End it, and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()
        Path(self.file).unlink(missing_ok=True)

    def _answer(self, asked: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        timer = Timer(max(0.0, asked + self.limit - time.perf_counter()), self.process.kill)
        timer.start()
        try:
            for line in self.process.stdout:
                if line.startswith("{"):
                    answer: dict[str, Any] = json.loads(line)
                    return answer
        finally:
            timer.cancel()
        if time.perf_counter() - asked >= self.limit:
            raise LateError(self.limit)
        raise WrongError("its process failed")


@contextmanager
def one(row: Checked, peer: Peer, threads: int, cache: Path, limit: float) -> Iterator[Worker]:
    """A process by itself."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    worker = Worker(row, peer, threads, cores, cache, limit)
    try:
        yield worker
    finally:
        worker.stop()


def several(
    stack: ExitStack, row: Checked, peers: Sequence[Peer], threads: int, cache: Path, limit: float
) -> dict[str, Worker | WrongError | LateError]:
    """A process of each peer, started side by side; for those that fail, why.

    Those with one thread are spread over the cores, so that they do not wait for each other.
    """
    every = sorted(os.sched_getaffinity(0))
    started = {}
    for place, peer in enumerate(peers):
        cores = [every[(place + k) % len(every)] for k in range(min(threads, len(every)))]
        started[peer.name] = Worker(row, peer, threads, cores, cache / peer.name, limit)
        stack.callback(started[peer.name].stop)
    with ThreadPoolExecutor(len(peers) or 1) as pool:
        failures = list(pool.map(failure, started.values()))
    found = {}
    for (name, worker), error in zip(started.items(), failures, strict=True):
        found[name] = error or checked(worker)
    return found


def failure(worker: Worker) -> WrongError | LateError | None:
    """Why a worker does not have its first results, if it does not."""
    try:
        worker.first()
    except (WrongError, LateError) as error:
        worker.stop()
        return error
    return None


def checked(worker: Worker) -> Worker | WrongError:
    """The worker if its first results are right."""
    try:
        worker.check()
    except WrongError as error:
        worker.stop()
        return error
    return worker


def environment(peer: Peer, threads: int, cache: Path) -> dict[str, str]:
    """The variables of a peer's process. Modules are kept as bytecode, as installed ones are."""
    pools = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"
    limits = {name: str(threads) for name in pools}
    own = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**own, **limits, **peer.environment(threads, cache)}


def import_seconds(peer: Peer, threads: int, cache: Path) -> float:
    """How long a new process takes to import the peer."""
    code = f"import time; s = time.perf_counter(); import {peer.module}"
    command = [sys.executable, "-c", f"{code}; print(time.perf_counter() - s)"]
    env = environment(peer, threads, cache)
    answer = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return float(answer.stdout)
