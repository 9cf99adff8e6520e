"""The benchmark runs, checks what it measures, and writes its table where it belongs."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import table
from bench.measure import SMOKE, Figure, Line
from bench.peers import SYMGRAPH
from bench.rows import ROWS

ROOT = Path(__file__).parents[1]


def bench(*arguments):
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["call", "start", "memory"])
def test_symgraph_is_measured_and_right(name):
    answer = bench(name, "--smoke", "--peers", "symgraph")
    assert answer.returncode == 0, answer.stderr
    assert ROWS[name].title in answer.stdout
    assert "left out" not in answer.stdout


def test_every_row_has_a_builder_for_symgraph():
    assert all(SYMGRAPH.name in row.builders for row in ROWS.values())


@pytest.mark.parametrize("row", ROWS.values())
def test_a_wrong_result_is_seen(row):
    exact = row.numpy(*row.arrays())
    assert row.error(exact) <= row.tolerance
    assert row.error([np.asarray(e) * 1.01 for e in exact]) > row.tolerance


def test_unknown_row_is_refused():
    answer = bench("nonsense")
    assert answer.returncode == 2
    assert "no row 'nonsense'" in answer.stderr


def test_memory_of_training_is_flat():
    """After its first steps a training loop must not grow at all; 1 MB is noise of the process."""
    lines = ROWS["memory"].measure(ROWS["memory"], [SYMGRAPH], replace(SMOKE, steps=10_000))
    assert lines[0].figures[SYMGRAPH.name].median < 1e6


LINES = [
    Line("one", "s", {"symgraph": Figure((2e-6, 4e-6, 3e-6)), "JAX": Figure((6e-6,))}),
    Line("two", "B", {"symgraph": Figure((0.0,))}, {"JAX": "its process failed"}),
]


def test_table():
    assert table.markdown(LINES).splitlines() == [
        "|  | symgraph | JAX | symgraph / best peer |",
        "| --- | ---: | ---: | ---: |",
        "| one | 3 us (2 us) | 6 us | 0.50 |",
        "| two | 0 B | - | - |",
        "",
        "two: JAX left out, its process failed.",
    ]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.5, "s", "1.5 s"),
        (0.0123, "s", "12.3 ms"),
        (1.234e-7, "s", "0.123 us"),
        (2e6, "B", "2 MB"),
    ],
)
def test_figures_are_short(value, unit, text):
    assert table.shown(value, unit) == text


def test_write_replaces_what_stands_between_the_marks(tmp_path):
    file = tmp_path / "README.md"
    file.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    table.write(file, "new")
    assert file.read_text() == f"before\n{table.BEGIN}\nnew\n{table.END}\nafter\n"
    file.write_text("no marks")
    with pytest.raises(ValueError, match="no place for figures"):
        table.write(file, "new")
