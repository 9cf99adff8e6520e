"""The process of one peer: builds a row, then runs it on demand.

    python -m bench.worker PEER ROW FILE DEVICE

The first results go to FILE, for the process that started this one to check. Answers are lines of
JSON: first how long the first result took, imports not counted, then, for each number of calls
read, the seconds they took, the seconds that processors were busy, the peak of the memory, and on a
GPU the seconds they take there when they are not waited for.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.gpu.peers import GPU_PEERS
from bench.gpu.rows import GPU_ROWS
from bench.peers import PEERS
from bench.rows import ROWS

KNOWN = {"cpu": (PEERS, ROWS), "cuda": (GPU_PEERS, GPU_ROWS)}


def main(peer_name: str, row_name: str, file: str, device: str) -> None:
    peers, rows = KNOWN[device]
    peer, row = peers[peer_name], rows[row_name]
    lib = peer.load()
    arrays = [peer.array(lib, array) for array in row.arrays()]
    start = time.perf_counter()
    run = row.builders[peer_name](lib, *arrays)
    first = peer.wait(run())
    first_seconds = time.perf_counter() - start
    results = [first, *(run() for _ in range(row.checked_calls - 1))]
    np.savez(file, *(peer.host(array) for result in results for array in flat(result)))
    del first, results
    say(first_seconds=first_seconds)
    for line in sys.stdin:
        calls = int(line)
        seconds, processor = timed(run, calls, peer.wait, row.chained)
        there = None
        if peer.clock is not None:
            there = peer.clock(lib, lambda calls=calls: [run() for _ in range(calls)][-1])
        say(seconds=seconds, processor=processor, peak_kib=peak_kib(), device=there)


def flat(result: Any) -> list[Any]:
    """The arrays of a result that may be several."""
    return list(result) if isinstance(result, list | tuple) else [result]


def timed(
    run: Callable[[], Any], calls: int, wait: Callable[[Any], Any], chained: bool
) -> tuple[float, float]:
    """How long so many calls take; chained ones are waited for once, as a training loop does."""
    start, busy = time.perf_counter(), time.process_time()
    if chained:
        for _ in range(calls - 1):
            run()
        wait(run())
    else:
        for _ in range(calls):
            wait(run())
    return time.perf_counter() - start, time.process_time() - busy


def peak_kib() -> int:
    """The most memory this process has held; `ru_maxrss` would count its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])


def say(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
