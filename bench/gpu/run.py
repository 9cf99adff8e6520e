"""What `python -m bench --device cuda` does."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from bench.figures import Line
from bench.gpu.measure import copy_limit
from bench.gpu.peers import GPU_PEERS, SIMULATED, SYMGRAPH
from bench.gpu.rows import GPU_ROWS
from bench.gpu.table import full
from bench.machine import describe
from bench.measure import SMOKE, Effort


def missing() -> str | None:
    """What stands in the way of measuring on this machine's GPU."""
    problem = importlib.import_module("symgraph.backends.nvidia").this_machine().problem()
    return None if problem is None else str(problem)


def run(options: argparse.Namespace, cache: Path) -> int:
    """Measure and print; 2 if there is no GPU, 1 if symgraph has no figure in a row."""
    why = missing()
    if why is not None:
        print(f"nothing can be measured on a GPU: {why}", file=sys.stderr)
        return 2
    if SIMULATED and not options.smoke:
        print(
            "the simulator measures nothing: --smoke sees whether all rows are right",
            file=sys.stderr,
        )
        return 2
    unknown = [name for name in options.rows if name not in GPU_ROWS]
    if unknown:
        rows = ", ".join(GPU_ROWS)
        print(f"no row {unknown[0]!r} on a GPU; the rows are {rows}", file=sys.stderr)
        return 2
    peers = [p for p in GPU_PEERS.values() if p.name in (options.peers or GPU_PEERS)]
    for peer in peers:
        if not peer.installed:
            print(f"{peer.name} is left out: {peer.package} is not installed", file=sys.stderr)
    peers = [peer for peer in peers if peer.installed]
    limit = None if SIMULATED else copy_limit()
    effort, lines = SMOKE if options.smoke else Effort(limit=120.0), list[Line]()
    for name in options.rows or GPU_ROWS:
        row = GPU_ROWS[name]
        able = [peer for peer in peers if peer.name in row.builders]
        found = row.measure(row, able, effort, cache)
        lines += found
        print(full("", limit, found), flush=True)
    print(full(f"{card()}, {describe(peers)}", limit, lines))
    mine = [line for line in lines if line.table == "speed"]
    return 1 if any(SYMGRAPH.name not in line.figures for line in mine) else 0


def card() -> str:
    """What the first GPU is called."""
    cards = importlib.import_module("symgraph.backends.nvidia").this_machine().cards
    return cards[0].name if cards else "numba's simulator"
