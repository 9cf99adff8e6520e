"""The tables of figures taken on a GPU."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import Limits, Line
from bench.gpu.peers import GPU_PEERS, SYMGRAPH
from bench.gpu.rows import GPU_FLOORS
from bench.table import aligned, content, notes, of, ratio, timed


def full(machine: str, limit: Limits | None, lines: Sequence[Line]) -> str:
    """By wall clock and by events; in the second, the share of the copy bandwidth reached."""
    parts = [machine] if machine else []
    if limit is not None:
        parts.append(f"Measured: it copies {limit.bytes / 1e9:.0f} GB/s (read and written).")
    for title, name in (("by wall clock", "speed"), ("by events of the device", "device")):
        found = [line for line in of(lines, name) if line.figures or line.notes or line.over]
        if found:
            parts.append(f"### Time per call on a GPU, {title}\n\n{table(found, limit)}")
    return "\n\n".join(part for part in (*parts, notes(lines)) if part)


def table(lines: Sequence[Line], limit: Limits | None) -> str:
    """A column for each peer, what symgraph reaches, and how it compares."""
    names = list(GPU_PEERS)
    ends = [*(["share of copying"] if limit else []), f"{SYMGRAPH.name} / best peer"]
    rows = [["", *names, *ends], ["---", *["---:"] * (len(names) + len(ends))]]
    for line in lines:
        last = [*([share(line, limit)] if limit else []), ratio(line)]
        rows.append([line.title, *(content(line, n, timed) for n in names), *last])
    return aligned(rows)


def share(line: Line, limit: Limits) -> str:
    """The bytes that must be moved, per second, by those that are copied."""
    own, work = line.figures.get(SYMGRAPH.name), GPU_FLOORS.get(line.row)
    if own is None or work is None:
        return "-"
    return f"{work.bytes / own.median / limit.bytes:.0%}"
