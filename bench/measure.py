"""What can be measured of a row: its speed, its start, its memory.

The processes of the peers take turns in short rounds, so that a change of the machine's pace hits
all alike.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Protocol

from bench.figures import Figure, Line
from bench.peers import Peer
from bench.process import Checked, LateError, Worker, WrongError, import_seconds, one, several

PAUSE = 0.01  # seconds in which the threads of the process before go to sleep
ENOUGH = 4.0  # seconds: what takes as long need not be started again


@dataclass(frozen=True)
class Effort:
    """How much is spent on a figure.

    Parameters
    ----------
    threads
        The numbers of threads that each row runs with.
    rounds, round_seconds
        Of how many rounds a figure is the median, and how long one is at least.
    row_seconds
        Rounds end when they have taken as long, once there are `fewest`.
    limit
        Seconds in which a peer must have its first result.
    starts
        How often a start is measured.
    steps
        How many steps memory is measured over.
    """

    threads: tuple[int, ...] = (2, 1)
    rounds: int = 15
    fewest: int = 3
    round_seconds: float = 0.05
    row_seconds: float = 6.0
    limit: float = 20.0
    starts: int = 3
    steps: int = 10_000


SMOKE = Effort(
    threads=(2,), rounds=1, fewest=1, round_seconds=0.0, limit=300.0, starts=1, steps=200
)


class Named(Checked, Protocol):
    """What a measurement needs to know of a row."""

    @property
    def title(self) -> str: ...


Measure = Callable[[Named, Sequence[Peer], Effort, Path], list[Line]]


def speed(row: Named, peers: Sequence[Peer], effort: Effort, cache: Path) -> list[Line]:
    """Seconds per call, from rounds that take turns.

    Those with fewer threads find what the others have compiled, and are not started at all if
    those have failed.
    """
    lines = [Line(row.name, row.title, "speed", threads) for threads in effort.threads]
    with ExitStack() as stack:
        workers = []
        for line in lines:
            able = [p for p in peers if p.name not in lines[0].over.keys() | lines[0].notes.keys()]
            started = several(stack, row, able, line.threads, cache, effort.limit)
            workers += [(line, name, w) for name, w in kept(line, started).items()]
            if line is not lines[0]:
                line.over |= lines[0].over
        take_turns(workers, effort)
    return lines


def kept(line: Line, started: dict[str, Worker | WrongError | LateError]) -> dict[str, Worker]:
    """The processes that got the right result; what is wrong with the others goes into the line."""
    for name, found in started.items():
        if not isinstance(found, Worker):
            excuse(line, name, found)
    return {name: found for name, found in started.items() if isinstance(found, Worker)}


def excuse(line: Line, name: str, error: WrongError | LateError) -> None:
    """Say in the line why a peer has no figure there."""
    if isinstance(error, LateError):
        line.over[name] = error.seconds
    else:
        line.notes[name] = str(error)


def take_turns(workers: Sequence[tuple[Line, str, Worker]], effort: Effort) -> None:
    """Rounds of all processes, and figures of them."""
    turns = []
    for line, name, worker in workers:
        try:
            turns.append(Turns(line, name, worker, calls_of(worker, effort.round_seconds)))
        except (WrongError, LateError) as error:
            excuse(line, name, error)
    start = time.perf_counter()
    for turn in range(effort.rounds):
        if turn >= effort.fewest and time.perf_counter() - start > effort.row_seconds:
            break
        for process in turns:
            time.sleep(PAUSE)
            process.take()
    for done in turns:
        done.line.figures[done.name] = Figure.of(done.seconds, median(done.processor))


@dataclass
class Turns:
    """What a process has measured in its rounds of so many calls."""

    line: Line
    name: str
    worker: Worker
    calls: int
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def take(self) -> None:
        answer = self.worker.run(self.calls)
        self.seconds.append(answer["seconds"] / self.calls)
        self.processor.append(answer["processor"] / self.calls)


def calls_of(worker: Worker, seconds: float) -> int:
    """How many calls fill a round."""
    calls = 1
    while (taken := worker.run(calls)["seconds"]) < seconds / 2:
        calls *= 2
    return max(1, round(calls * seconds / taken))


def imports(row: Named, peers: Sequence[Peer], effort: Effort, cache: Path) -> list[Line]:
    """Seconds to import the peer."""
    line = Line(row.name, row.title, "start", max(effort.threads))
    for peer in peers:
        import_seconds(peer, line.threads, cache)  # its files come into the system's cache
        taken = [import_seconds(peer, line.threads, cache) for _ in range(effort.starts)]
        line.figures[peer.name] = Figure.of(taken)
    return [line]


def startup(
    row: Named, peers: Sequence[Peer], effort: Effort, cache: Path, limit: float = 0.0
) -> list[Line]:
    """Seconds to the first result in new processes, imports not counted, cache cold and warm."""
    effort = replace(effort, limit=max(limit, effort.limit))
    threads = max(effort.threads)
    titles = f"{row.title}, cold", f"{row.title}, warm"
    lines = [Line(row.name, title, "start", threads) for title in titles]
    for peer in peers:
        try:
            taken = starts(row, peer, threads, effort)
        except (WrongError, LateError) as error:
            excuse(lines[0], peer.name, error)
        else:
            for line, values in zip(lines, taken, strict=True):
                line.figures[peer.name] = Figure.of(values)
    return lines


def starts(row: Named, peer: Peer, threads: int, effort: Effort) -> tuple[list[float], list[float]]:
    """Seconds to the first result before and after the cache is filled."""
    cold, warm = [], []
    for _ in range(effort.starts):
        with tempfile.TemporaryDirectory() as name:
            for taken in cold, warm:
                with one(row, peer, threads, Path(name), effort.limit) as worker:
                    taken.append(worker.first())
                    worker.check()
        if sum(cold) + sum(warm) > ENOUGH:
            break
    return cold, warm


def growth(row: Named, peers: Sequence[Peer], effort: Effort, cache: Path) -> list[Line]:
    """Bytes by which the peak of the memory rises over many steps, after a hundredth of them."""

    def rise(worker: Worker) -> float:
        before = worker.run(effort.steps // 100)["peak_kib"]
        return float(worker.run(effort.steps)["peak_kib"] - before)

    return memory(row, peers, effort, cache, rise)


def peak(row: Named, peers: Sequence[Peer], effort: Effort, cache: Path) -> list[Line]:
    """Bytes of the whole process at its peak, after some steps."""
    return memory(
        row, peers, effort, cache, lambda w: float(w.run(effort.steps // 100)["peak_kib"])
    )


def memory(
    row: Named,
    peers: Sequence[Peer],
    effort: Effort,
    cache: Path,
    kib: Callable[[Worker], float],
) -> list[Line]:
    """What is read off a process of each peer, once it is warm."""
    line = Line(row.name, row.title, "memory", max(effort.threads))
    with ExitStack() as stack:
        started = several(stack, row, peers, line.threads, cache, effort.limit)
    with ExitStack() as stack:
        able = [peer for peer in peers if peer.name in kept(line, started)]
        again = several(stack, row, able, line.threads, cache, effort.limit)
        for name, worker in kept(line, again).items():
            line.figures[name] = Figure.of([kib(worker) * 1024.0])
    return [line]
