"""Tables of figures, and where they are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.figures import Figure, Limits, Line, Record
from bench.floors import FLOORS
from bench.peers import PEERS, SYMGRAPH

SECONDS = (1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")
BYTES = (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"

Cell = Callable[[Line, Figure], str]


def full(record: Record, order: Sequence[str]) -> str:
    """All tables, rows in the order given."""
    lines = [line for name in order for line in record.lines.get(name, [])]
    speed = of(lines, "speed")
    pair, single = ([line for line in speed if line.threads == n] for n in (2, 1))
    tables = {
        "Time per call, two threads": markdown(pair, timed, record.limits),
        "Time per call, one thread": markdown(single, timed, record.limits),
        "Processor time per call, two threads": markdown(pair, busy, compared=False),
        "Time to the first result": markdown(of(lines, "start"), timed),
        "Memory": markdown(of(lines, "memory"), timed),
    }
    titled = [f"### {title}\n\n{text}" for title, text in tables.items() if text]
    machine = [record.machine, limits(record)] if record.machine else []
    parts = [*machine, *titled, notes(lines)]
    return "\n\n".join(part for part in parts if part)


def of(lines: Sequence[Line], table: str) -> list[Line]:
    return [line for line in lines if line.table == table]


def limits(record: Record) -> str:
    """What the machine can do, in one sentence."""
    found = [
        f"with {threads} thread{'s' * (threads > 1)} it copies {limit.bytes / 1e9:.0f} GB/s "
        f"(read and written) and does {limit.operations / 1e9:.0f} GFLOP/s"
        for threads, limit in sorted(record.limits.items())
    ]
    return f"Measured limits: {'; '.join(found)}." if found else ""


def short(record: Record, order: Sequence[str]) -> str:
    """A table of a few rows: symgraph, and the best of its peers."""
    rows = [["two threads", SYMGRAPH.name, "best peer", "", "symgraph / best peer"]]
    rows += [["---", *["---:"] * (len(rows[0]) - 1)]]
    for line in (line for name in order for line in record.lines.get(name, [])):
        own, best = line.figures.get(SYMGRAPH.name), best_peer(line)
        if line.threads == 2 and own and best:
            middle = shown(line.figures[best].median, line)
            rows.append([line.title, shown(own.median, line), middle, best, ratio(line)])
    return aligned(rows)


def markdown(
    lines: Sequence[Line],
    cell: Cell,
    machine: dict[int, Limits] | None = None,
    *,
    compared: bool = True,
) -> str:
    """A table with a column for each peer that has a figure, was stopped, or failed.

    With the machine's limits there is a column for the floor that they set; `compared`, one for
    the ratio of medians.
    """
    found = {name for line in lines for name in {**line.figures, **line.over, **line.notes}}
    names = [name for name in PEERS if name in found]
    more = [
        *(["floor"] if machine else []),
        *([f"{SYMGRAPH.name} / best peer"] if compared else []),
    ]
    rows = [["", *names, *more]]
    rows += [["---", *["---:"] * (len(rows[0]) - 1)]]
    for line in lines:
        ends = [floor(line, machine)] if machine else []
        ends += [ratio(line)] if compared else []
        rows.append([line.title, *(content(line, n, cell) for n in names), *ends])
    return aligned(rows) if lines else ""


def aligned(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def content(line: Line, name: str, cell: Cell) -> str:
    if name in line.figures:
        return cell(line, line.figures[name])
    if name in line.over:
        return f"over {line.over[name]:g} s"
    return "failed" if name in line.notes else "-"


def timed(line: Line, figure: Figure) -> str:
    """The median, and the fastest in brackets if there is more than one measurement."""
    fastest = f" ({shown(figure.fastest, line)})" if figure.count > 1 else ""
    return shown(figure.median, line) + fastest


def busy(line: Line, figure: Figure) -> str:
    """How long processors were busy, all together."""
    return "-" if figure.processor is None else shown(figure.processor, line)


def shown(value: float, line: Line) -> str:
    """Three digits and a unit that suits them."""
    scales = BYTES if line.table == "memory" else SECONDS
    scale, name = next((s for s in scales if abs(value) >= s[0]), scales[-1])
    rounded = float(f"{value / scale:.3g}") if abs(value) < 1000 * scale else round(value / scale)
    return f"{rounded:.9g} {name}"


def floor(line: Line, machine: dict[int, Limits]) -> str:
    """The time that counted operations and bytes take at the machine's limits."""
    limit, work = machine.get(line.threads), FLOORS.get(line.row)
    if limit is None or work is None:
        return "-"
    return shown(max(work.operations / limit.operations, work.bytes / limit.bytes), line)


def best_peer(line: Line) -> str | None:
    peers = {name: f.median for name, f in line.figures.items() if name != SYMGRAPH.name}
    return min(peers, key=peers.__getitem__) if peers else None


def ratio(line: Line) -> str:
    """The share of the best peer's median that symgraph takes; below 1 it is ahead."""
    own, best = line.figures.get(SYMGRAPH.name), best_peer(line)
    if own is None or best is None or not line.figures[best].median:
        return "-"
    return f"{own.median / line.figures[best].median:.2f}"


def notes(lines: Sequence[Line]) -> str:
    """Why figures are missing."""

    def found() -> Iterator[str]:
        for line in lines:
            for name, note in line.notes.items():
                yield f"{line.title}: {name} left out, {note}."

    return "\n\n".join(dict.fromkeys(found()))


def write(file: Path, text: str) -> None:
    """Put `text` between the marks in `file`."""
    before, begin, rest = file.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file} has no place for figures: {BEGIN} and {END} are missing")
    file.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}")
