"""Measure symgraph and its peers: `python -m bench [ROW ...]`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Line, Record
from bench.gpu.peers import GPU_PEERS
from bench.gpu.run import run as run_on_gpu
from bench.limits import limits
from bench.machine import describe
from bench.measure import SMOKE, Effort
from bench.peers import PEERS, SYMGRAPH, Peer
from bench.process import LateError, WrongError
from bench.row import Row
from bench.rows import HEADLINES, ROWS
from bench.table import full, short, write

HERE = Path(__file__).parent
KEPT = HERE / "figures.json"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "symgraph-bench"


def main() -> int:
    options = parsed()
    if options.device == "cuda":
        return run_on_gpu(options, CACHE)
    effort = SMOKE if options.smoke else Effort()
    if options.threads:
        effort = replace(effort, threads=tuple(options.threads))
    peers = chosen(options.peers)
    record = begun(options, describe(peers))
    if not options.smoke:
        record.limits |= {n: limits(n) for n in effort.threads if n not in record.limits}
    names = [n for n in options.rows or ROWS if not (options.resume and record.done(n))]
    measured: list[Line] = []
    for name in names:
        lines = lines_of(ROWS[name], peers, effort, CACHE)
        measured += lines
        record.add(name, lines)
        print(full(replace(record, machine="", lines={name: lines}), [name]), flush=True)
        if options.write:
            keep(record)
    return 1 if any(SYMGRAPH.name not in line.figures for line in measured) else 0


def begun(options: argparse.Namespace, machine: str) -> Record:
    """The record that figures are added to; those of another machine do not stay in it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    old = Record.load(KEPT) if options.write and KEPT.exists() else Record(machine, now)
    if old.machine != machine:
        return Record(machine, now)
    return old if options.rows or options.resume else replace(old, begun=now, limits={})


def lines_of(row: Row, peers: Sequence[Peer], effort: Effort, cache: Path) -> list[Line]:
    """What is measured of a row; if all of it fails, one line that says so."""
    able = [peer for peer in peers if peer.name in row.builders]
    try:
        return row.measure(row, able, effort, cache)
    except (WrongError, LateError) as error:
        return [Line(row.name, row.title, "speed", 2, notes={SYMGRAPH.name: str(error)})]


def keep(record: Record) -> None:
    """Write figures and tables, so that a run that is cut off leaves what it has."""
    record.save(KEPT)
    write(HERE / "README.md", full(record, list(ROWS)))
    write(HERE.parent / "README.md", short(record, HEADLINES))


def chosen(names: Sequence[str] | None) -> list[Peer]:
    """The peers asked for, and a note for those that are not installed."""
    wanted = [PEERS[name] for name in names or PEERS]
    for peer in wanted:
        if not peer.installed:
            print(f"{peer.name} is left out: {peer.package} is not installed", file=sys.stderr)
    return [peer for peer in wanted if peer.installed]


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    top.add_argument("rows", nargs="*", metavar="ROW", help=f"all, or some of: {', '.join(ROWS)}")
    top.add_argument(
        "--peers",
        nargs="+",
        choices=dict.fromkeys([*PEERS, *GPU_PEERS]),
        help="all that are installed if not given",
    )
    top.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where: cpu or cuda")
    top.add_argument("--threads", nargs="+", type=int, help="2 and 1 if not given")
    top.add_argument("--smoke", action="store_true", help="one short round, to see that all runs")
    top.add_argument(
        "--write", action="store_true", help="put the figures into the READMEs, row by row"
    )
    top.add_argument(
        "--resume", action="store_true", help="leave out rows that the last full run has done"
    )
    return top


def parsed() -> argparse.Namespace:
    """The options, once they make sense together."""
    grammar = parser()
    options = grammar.parse_args()
    if options.device == "cuda":
        if options.write or options.resume or options.threads:
            grammar.error("--device cuda takes rows, peers and --smoke")
        return options
    if unknown := [name for name in options.rows if name not in ROWS]:
        grammar.error(f"no row {unknown[0]!r}; the rows are {', '.join(ROWS)}")
    if options.write and (options.peers or options.threads or options.smoke):
        grammar.error("--write takes all peers, one and two threads, and no smoke")
    if options.resume and not options.write:
        grammar.error("--resume goes on with a run of --write")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
