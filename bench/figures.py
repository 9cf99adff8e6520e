"""What has been measured, and the file that keeps it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Figure:
    """What is known of one peer: seconds, or bytes."""

    median: float
    fastest: float
    count: int = 1
    processor: float | None = None  # seconds that all its cores together were busy

    @classmethod
    def of(cls, values: list[float], processor: float | None = None) -> Figure:
        return cls(median(values), min(values), len(values), processor)


@dataclass
class Line:
    """A line of a table.

    Parameters
    ----------
    row
        The row that it belongs to.
    title
        What is measured.
    table
        The table where it stands: "speed", "start" or "memory".
    threads
        How many each peer had.
    figures
        By peer.
    over
        For a peer that was stopped, after how many seconds.
    notes
        For a peer without a figure, why.
    """

    row: str
    title: str
    table: str
    threads: int
    figures: dict[str, Figure] = field(default_factory=dict)
    over: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


@dataclass
class Limits:
    """What the machine can do at most, with so many threads."""

    bytes: float  # read and written per second
    operations: float  # additions and multiplications per second, float32


@dataclass
class Record:
    """All figures of one machine, and which run they are from.

    Parameters
    ----------
    machine
        Processor, versions.
    begun
        When the last full run began: rows with this stamp need not run when it is resumed.
    limits
        By number of threads.
    stamps
        For each row the run that it was last part of.
    lines
        For each row its lines.
    """

    machine: str
    begun: str
    limits: dict[int, Limits] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=dict)

    def add(self, row: str, lines: list[Line]) -> None:
        self.stamps[row] = self.begun
        self.lines[row] = lines

    def done(self, row: str) -> bool:
        return self.stamps.get(row) == self.begun

    def save(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, file: Path) -> Record:
        found = json.loads(file.read_text())
        return cls(
            found["machine"],
            found["begun"],
            {int(threads): Limits(**limits) for threads, limits in found["limits"].items()},
            found["stamps"],
            {row: [read_line(line) for line in lines] for row, lines in found["lines"].items()},
        )


def read_line(found: dict[str, Any]) -> Line:
    figures = {peer: Figure(**figure) for peer, figure in found["figures"].items()}
    return Line(**{**found, "figures": figures})
