"""The process of one peer: builds a row, checks it against NumPy, then runs it on demand.

    python -m bench.worker PEER ROW

Answers are lines of JSON: first how long the first result took, imports not counted, then, for each
number of calls read, the seconds they took and the peak of the memory so far.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.peers import PEERS
from bench.rows import ROWS


def main(peer_name: str, row_name: str) -> None:
    peer, row = PEERS[peer_name], ROWS[row_name]
    lib = peer.load()
    arrays = [peer.array(lib, array) for array in row.arrays()]
    start = time.perf_counter()
    run = row.builders[peer_name](lib, *arrays)
    first = peer.wait(run())
    first_seconds = time.perf_counter() - start
    error = row.error([first, *(run() for _ in range(row.checked_calls - 1))])
    if not error <= row.tolerance:
        say(wrong=f"result off by {error:.1e}, where {row.tolerance:.0e} is allowed")
        return
    say(first_seconds=first_seconds, error=error)
    for line in sys.stdin:
        seconds = timed(run, int(line), peer.wait, row.chained)
        say(seconds=seconds, peak_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def timed(run: Callable[[], Any], calls: int, wait: Callable[[Any], Any], chained: bool) -> float:
    """How long so many calls take; chained ones are waited for once, as a training loop does."""
    start = time.perf_counter()
    if chained:
        for _ in range(calls - 1):
            run()
        wait(run())
    else:
        for _ in range(calls):
            wait(run())
    return time.perf_counter() - start


def say(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
