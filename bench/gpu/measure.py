"""Seconds per call on a GPU: by wall clock, each call waited for, and by events of the device."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.figures import Figure, Limits, Line
from bench.measure import PAUSE, Effort, Named, calls_of, excuse, kept
from bench.peers import Peer
from bench.process import LateError, Worker, WrongError, several

COPIED = 2**28  # float32 numbers: far more than a cache holds
TRIES = 5
THREADS = 2  # of the CPU, for each process


def speed(row: Named, peers: Sequence[Peer], effort: Effort, cache: Path) -> list[Line]:
    """Two lines, from rounds in which the processes of the peers take turns."""
    wall, there = (Line(row.name, row.title, table, THREADS) for table in ("speed", "device"))
    with ExitStack() as stack:
        started = several(stack, row, peers, THREADS, cache, effort.limit)
        rounds = {}
        for name, worker in kept(wall, started).items():
            try:
                rounds[name] = (worker, calls_of(worker, effort.round_seconds))
            except (WrongError, LateError) as error:
                excuse(wall, name, error)
        answers = turns(rounds, effort)
    for name, found in answers.items():
        calls = rounds[name][1]
        wall.figures[name] = Figure.of([a["seconds"] / calls for a in found])
        if all(a["device"] is not None for a in found):
            there.figures[name] = Figure.of([a["device"] / calls for a in found])
    return [wall, there]


def turns(rounds: dict[str, tuple[Worker, int]], effort: Effort) -> dict[str, list[dict[str, Any]]]:
    """What each process answers in its rounds."""
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in rounds}
    start = time.perf_counter()
    for turn in range(effort.rounds):
        if turn >= effort.fewest and time.perf_counter() - start > effort.row_seconds:
            break
        for name, (worker, calls) in rounds.items():
            time.sleep(PAUSE)
            answers[name].append(worker.run(calls))
    return answers


def copy_limit() -> Limits:
    """Bytes that the card copies in a second, read and written, by events; the best of some tries.

    Raises ImportError without CuPy.
    """
    cupy = importlib.import_module("cupy")
    one, other = cupy.ones(COPIED, "f4"), cupy.empty(COPIED, "f4")
    best = 0.0
    for _ in range(TRIES):
        start, end = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        cupy.copyto(other, one)
        end.record()
        end.synchronize()
        seconds = cupy.cuda.get_elapsed_time(start, end) * 1e-3
        best = max(best, 2 * 4 * COPIED / seconds)
    return Limits(best, float("inf"))
