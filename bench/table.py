"""The table of figures, and where it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.measure import Figure, Line
from bench.peers import PEERS, SYMGRAPH

SCALES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")),
    "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
}
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def markdown(lines: Sequence[Line], *, fastest: bool = True) -> str:
    """A table with a column for each peer that has a figure or a note."""
    names = [n for n in PEERS if any(n in line.figures or n in line.notes for line in lines)]
    head = ["", *names, f"{SYMGRAPH.name} / best peer"]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    rows += [[line.title, *(cell(line, n, fastest) for n in names), ratio(line)] for line in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n" + notes(lines)


def cell(line: Line, name: str, fastest: bool) -> str:
    """The median, and the fastest in brackets if there is more than one measurement."""
    figure = line.figures.get(name)
    if figure is None:
        return "-"
    best = f" ({shown(figure.best, line.unit)})" if fastest and len(figure.values) > 1 else ""
    return shown(figure.median, line.unit) + best


def shown(value: float, unit: str) -> str:
    """Three digits and a unit that suits them."""
    scales = SCALES[unit]
    scale, name = next((s for s in scales if abs(value) >= s[0]), scales[-1])
    digits = f"{value / scale:.3g}" if abs(value) < 1000 * scale else f"{value / scale:.0f}"
    return f"{digits} {name}"


def ratio(line: Line) -> str:
    """The share of the best peer's time that symgraph takes; below 1 it is ahead."""
    own: Figure | None = line.figures.get(SYMGRAPH.name)
    peers = [f.median for name, f in line.figures.items() if name != SYMGRAPH.name]
    if own is None or not peers or line.unit != "s":
        return "-"
    return f"{own.median / min(peers):.2f}"


def notes(lines: Sequence[Line]) -> str:
    """Why figures are missing."""

    def found() -> Iterator[str]:
        for line in lines:
            for name, note in line.notes.items():
                yield f"\n{line.title}: {name} left out, {note}."

    return "\n".join(dict.fromkeys(found()))


def write(file: Path, text: str) -> None:
    """Put `text` between the marks in `file`."""
    before, begin, rest = file.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file} has no place for figures: {BEGIN} and {END} are missing")
    file.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
