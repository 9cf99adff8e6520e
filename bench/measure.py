"""What can be measured of a row: its speed, its start, its memory.

Each peer has a process of its own, so that thread pools, caches and memory stay apart; the
processes take turns in short rounds, so that a change of the machine's pace hits all alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from bench.peers import Peer

PAUSE = 0.01  # seconds in which the threads of the process before go to sleep


@dataclass(frozen=True)
class Effort:
    """How much is spent on a figure."""

    threads: int = 2
    rounds: int = 15
    round_seconds: float = 0.05
    starts: int = 3
    steps: int = 10_000


SMOKE = Effort(rounds=1, round_seconds=0.0, starts=1, steps=200)


@dataclass(frozen=True)
class Figure:
    """Measurements of one peer: seconds, or bytes."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def best(self) -> float:
        return min(self.values)


@dataclass
class Line:
    """A line of the table."""

    title: str
    unit: str  # "s" or "B"
    figures: dict[str, Figure] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


class Named(Protocol):
    """What a measurement needs to know of a row."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...


Measure = Callable[[Named, Sequence[Peer], Effort], list[Line]]


class WrongError(Exception):
    """A peer failed, or its result is not what NumPy says."""


class Worker:
    """The far end of `bench.worker`; raises `WrongError` unless its first results are right."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.first_seconds: float = self._answer()["first_seconds"]

    def run(self, calls: int) -> dict[str, Any]:
        assert self.process.stdin is not None
        print(calls, file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                if "wrong" in answer:
                    raise WrongError(answer["wrong"])
                return answer
        raise WrongError("its process failed")


@contextmanager
def started(row: Named, peer: Peer, threads: int, cache: Path) -> Iterator[Worker]:
    """A process of the peer, on as many cores as it may have threads."""
    command = [sys.executable, "-m", "bench.worker", peer.name, row.name]
    process = subprocess.Popen(
        command,
        env=environment(peer, threads, cache),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:threads])
    with process:
        yield Worker(process)
        if process.stdin is not None:
            process.stdin.close()


def environment(peer: Peer, threads: int, cache: Path) -> dict[str, str]:
    """The variables of a peer's process."""
    pools = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"
    limits = {name: str(threads) for name in pools}
    return {**os.environ, **limits, **peer.environment(threads, cache)}


def import_seconds(peer: Peer, threads: int, cache: Path) -> float:
    """How long a new process takes to import the peer."""
    code = f"import time; s = time.perf_counter(); import {peer.module}"
    command = [sys.executable, "-c", f"{code}; print(time.perf_counter() - s)"]
    env = environment(peer, threads, cache)
    answer = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return float(answer.stdout)


def speed(row: Named, peers: Sequence[Peer], effort: Effort) -> list[Line]:
    """Seconds per call, from rounds that take turns."""
    line = Line(row.title, "s")
    with ExitStack() as stack:
        workers = _workers(stack, row, peers, effort, line)
        calls = {name: _calls(worker, effort.round_seconds) for name, worker in workers.items()}
        times: dict[str, list[float]] = {name: [] for name in workers}
        for _ in range(effort.rounds):
            for name, worker in workers.items():
                time.sleep(PAUSE)
                times[name].append(worker.run(calls[name])["seconds"] / calls[name])
    line.figures = {name: Figure(tuple(found)) for name, found in times.items()}
    return [line]


def startup(row: Named, peers: Sequence[Peer], effort: Effort) -> list[Line]:
    """Seconds to import, and then to the first result, in new processes, cache cold and warm."""
    titles = "import", f"{row.title}, cold cache", f"{row.title}, warm cache"
    lines = [Line(title, "s") for title in titles]
    found: dict[str, list[tuple[float, ...]]] = {}
    for peer in [peer for _ in range(effort.starts) for peer in peers]:
        try:
            found.setdefault(peer.name, []).append(_start(row, peer, effort.threads))
        except WrongError as error:
            lines[1].notes[peer.name] = str(error)
    for name in found.keys() - lines[1].notes.keys():
        for line, values in zip(lines, zip(*found[name], strict=True), strict=True):
            line.figures[name] = Figure(values)
    return lines


def _start(row: Named, peer: Peer, threads: int) -> tuple[float, float, float]:
    """Seconds of one import, and of the first result before and after the cache is filled."""
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        with started(row, peer, threads, cache) as worker:
            cold = worker.first_seconds
        with started(row, peer, threads, cache) as worker:
            warm = worker.first_seconds
        return import_seconds(peer, threads, cache), cold, warm


def memory(row: Named, peers: Sequence[Peer], effort: Effort) -> list[Line]:
    """Bytes by which the peak of the memory rises over many steps, after a hundredth of them."""
    line = Line(row.title, "B")
    with ExitStack() as stack:
        for name, worker in _workers(stack, row, peers, effort, line).items():
            before = worker.run(effort.steps // 100)["peak_kib"]
            after = worker.run(effort.steps)["peak_kib"]
            line.figures[name] = Figure(((after - before) * 1024.0,))
    return [line]


def _workers(
    stack: ExitStack, row: Named, peers: Sequence[Peer], effort: Effort, line: Line
) -> dict[str, Worker]:
    """The processes that got the right result; what is wrong with the others goes into notes."""
    workers = {}
    for peer in peers:
        cache = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            workers[peer.name] = stack.enter_context(started(row, peer, effort.threads, cache))
        except WrongError as error:
            line.notes[peer.name] = str(error)
    return workers


def _calls(worker: Worker, seconds: float) -> int:
    """How many calls fill a round."""
    calls = 1
    while (taken := worker.run(calls)["seconds"]) < seconds / 2:
        calls *= 2
    return max(1, round(calls * seconds / taken))
