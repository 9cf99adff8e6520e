"""Measure symgraph and its peers: `python -m bench [ROW ...]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.machine import describe
from bench.measure import SMOKE, Effort, Line
from bench.peers import PEERS, SYMGRAPH, Peer
from bench.rows import ROWS
from bench.table import markdown, write

HERE = Path(__file__).parent


def main() -> int:
    options = parsed()
    rows = [ROWS[name] for name in options.rows or ROWS]
    peers = chosen(options.peers)
    effort = replace(SMOKE if options.smoke else Effort(), threads=options.threads)
    lines: list[Line] = []
    for row in rows:
        able = [peer for peer in peers if peer.name in row.builders]
        found = row.measure(row, able, effort)
        print(markdown(found), file=sys.stderr)
        lines += found
    machine = describe(peers, options.threads)
    print(f"{machine}\n\n{markdown(lines)}")
    if options.write:
        write(HERE / "README.md", f"{machine}\n\n{markdown(lines)}")
        write(HERE.parent / "README.md", markdown(lines, fastest=False))
    return 1 if any(SYMGRAPH.name in line.notes for line in lines) else 0


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
        "--peers", nargs="+", choices=PEERS, help="all that are installed if not given"
    )
    top.add_argument("--threads", type=int, default=Effort.threads)
    top.add_argument("--smoke", action="store_true", help="one short round, to see that all runs")
    top.add_argument("--write", action="store_true", help="put the table into the READMEs")
    return top


def parsed() -> argparse.Namespace:
    """The options, once they make sense together."""
    grammar = parser()
    options = grammar.parse_args()
    if unknown := [name for name in options.rows if name not in ROWS]:
        grammar.error(f"no row {unknown[0]!r}; the rows are {', '.join(ROWS)}")
    if options.write and (options.rows or options.peers or options.smoke):
        grammar.error("--write takes a full run: all rows, all peers")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
