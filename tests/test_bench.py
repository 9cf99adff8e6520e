"""The benchmark runs, checks what it measures, and writes its table where it belongs."""

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import published, table
from bench.figures import Figure, Limits, Line, Record
from bench.gpu import table as gpu_table
from bench.limits import limits
from bench.measure import SMOKE, startup
from bench.peers import SYMGRAPH
from bench.process import WrongError, several
from bench.rows import HEADLINES, ROWS
from symgraph import compat

ROOT = Path(__file__).parents[1]
SEVERAL = {(row.numpy, row.tolerance): row for row in ROWS.values()}  # one of each definition


def bench(*arguments):
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_symgraph_is_measured_and_right():
    names = "call", "mlp-20", "start", "memory", "peak"
    answer = bench(*names, "--smoke", "--peers", "symgraph")
    assert answer.returncode == 0, answer.stderr
    assert all(ROWS[name].title in answer.stdout for name in names)
    assert "left out" not in answer.stdout


def test_every_row_has_a_builder_for_symgraph():
    assert all(SYMGRAPH.name in row.builders for row in ROWS.values())
    assert set(HEADLINES) <= set(ROWS)


@pytest.mark.parametrize("row", SEVERAL.values(), ids=lambda row: row.name)
def test_a_wrong_result_is_seen(row):
    exact = row.exact()
    assert row.error(exact, exact) <= row.tolerance
    assert row.error([np.asarray(e) * 1.01 for e in exact], exact) > row.tolerance


def test_unknown_row_is_refused():
    answer = bench("nonsense")
    assert answer.returncode == 2
    assert "no row 'nonsense'" in answer.stderr


def test_memory_of_training_is_flat(tmp_path):
    """After its first steps a training loop must not grow at all; 1 MB is noise of the process."""
    effort = replace(SMOKE, steps=10_000)
    lines = ROWS["memory"].measure(ROWS["memory"], [SYMGRAPH], effort, tmp_path)
    assert lines[0].figures[SYMGRAPH.name].median < 1e6


def test_a_slow_peer_is_stopped():
    lines = startup(ROWS["start"], [SYMGRAPH], replace(SMOKE, limit=0.1), Path())
    assert lines[0].over == {SYMGRAPH.name: 0.1}
    assert not lines[0].figures


def test_a_wrong_or_broken_peer_is_named(tmp_path):
    wrong = replace(ROWS["call"], tolerance=0.0)
    with ExitStack() as stack:
        found = several(stack, wrong, [SYMGRAPH], 1, tmp_path, 60.0)
    assert isinstance(found[SYMGRAPH.name], WrongError)
    assert "result off by" in str(found[SYMGRAPH.name])
    broken = replace(SYMGRAPH, environment=lambda threads, cache: {"SYMGRAPH_FLAGS": "nonsense"})
    with ExitStack() as stack:
        found = several(stack, ROWS["call"], [broken], 1, tmp_path, 60.0)
    assert str(found[SYMGRAPH.name]) == "its process failed"


def test_limits_of_the_machine():
    found = limits(1, turns=1000, copied=1 << 16)
    assert found.operations > 1e8
    assert found.bytes > 1e8


LINES = [
    Line(
        "call",
        "one",
        "speed",
        2,
        {"symgraph": Figure(3e-6, 2e-6, 3, 5e-6), "JAX": Figure(6e-6, 6e-6)},
    ),
    Line("matmul-512", "two", "speed", 2, {"symgraph": Figure(2e-3, 2e-3)}, {"PyTensor": 20.0}),
    Line("peak", "three", "memory", 2, {"symgraph": Figure(0.0, 0.0)}, {}, {"JAX": "its death"}),
]
RECORD = Record(
    "A machine.",
    "now",
    {2: Limits(20e9, 268.435456e9)},
    lines={line.row: [line] for line in LINES},
)


def test_tables():
    assert table.full(RECORD, ["call", "matmul-512", "peak"]).splitlines() == [
        "A machine.",
        "",
        table.limits(RECORD),
        "",
        "### Time per call, two threads",
        "",
        "|  | symgraph | PyTensor | JAX | floor | symgraph / best peer |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| one | 3 us (2 us) | - | 6 us | - | 0.50 |",
        "| two | 2 ms | over 20 s | - | 1 ms | - |",
        "",
        "### Processor time per call, two threads",
        "",
        "|  | symgraph | PyTensor | JAX |",
        "| --- | ---: | ---: | ---: |",
        "| one | 5 us | - | - |",
        "| two | - | over 20 s | - |",
        "",
        "### Memory",
        "",
        "|  | symgraph | JAX | symgraph / best peer |",
        "| --- | ---: | ---: | ---: |",
        "| three | 0 B | failed | - |",
        "",
        "three: JAX left out, its death.",
    ]
    assert table.limits(RECORD).startswith("Measured limits: with 2 threads it copies 20 GB/s")
    assert table.limits(RECORD).endswith("does 268 GFLOP/s.")
    assert table.short(RECORD, ["call", "peak"]).splitlines() == [
        "| two threads | symgraph | best peer |  | symgraph / best peer |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| one | 3 us | 6 us | JAX | 0.50 |",
    ]


def test_a_run_that_is_cut_off_goes_on(tmp_path):
    file = tmp_path / "figures.json"
    RECORD.add("call", [LINES[0]])
    RECORD.save(file)
    found = Record.load(file)
    assert found == RECORD
    assert found.done("call")
    assert not found.done("peak")
    assert not replace(found, begun="later").done("call")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.5, "1.5 s"), (0.0123, "12.3 ms"), (1.234e-7, "123 ns"), (0.9999, "1000 ms")],
)
def test_figures_are_short(value, text):
    assert table.shown(value, LINES[0]) == text


def test_write_replaces_what_stands_between_the_marks(tmp_path):
    file = tmp_path / "README.md"
    file.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    table.write(file, "new")
    assert file.read_text() == f"before\n{table.BEGIN}\nnew\n\n{table.END}\nafter\n"
    file.write_text("no marks")
    with pytest.raises(ValueError, match="no place for figures"):
        table.write(file, "new")


def test_a_gpu_is_missed_clearly():
    answer = bench("--device", "cuda")
    if answer.returncode == 0:
        pytest.skip("there is a GPU")
    assert answer.returncode == 2
    assert "nothing can be measured on a GPU: no GPU can be used here" in answer.stderr


def test_rows_of_the_gpu_are_right_in_the_simulator(monkeypatch):
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
    names = "chain", "softmax", "cross-entropy", "adam", "dense", "mlp-20"
    answer = bench(*names, "--device", "cuda", "--smoke")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "left out" not in answer.stdout
    assert answer.stdout.count("by wall clock") == len(names) + 1
    refused = bench("--device", "cuda")
    assert refused.returncode == 2
    assert "the simulator measures nothing" in refused.stderr


def test_the_table_of_a_gpu():
    figures = {"symgraph": Figure(2e-4, 2e-4), "JAX": Figure(4e-4, 4e-4)}
    lines = [Line("chain", "ten ops", name, 2, figures) for name in ("speed", "device")]
    text = gpu_table.full("A card.", Limits(1e12, 0.0), lines)
    assert "| ten ops | 200 us |" in text
    assert text.count("| 80% | 0.50 |") == 2
    assert text.index("by wall clock") < text.index("by events of the device")


def test_published_work_is_done(monkeypatch, capsys):
    """Thirty passes of softmax regression: 83 steps and 32 checks each, in a positive time."""
    monkeypatch.setattr(published, "BUDGET", 0.05)
    counts = []
    with monkeypatch.context() as patch:
        each = published._each
        patch.setattr(published, "_each", lambda f, n: counts.append(n) or each(f, n))
        published.main(["logistic_regression"])
    compat.uninstall()
    assert counts == [83, 32]
    cells = capsys.readouterr().out.splitlines()[-1].split("|")
    assert cells[1].strip() == "logistic regression"
    assert float(cells[6]) > 0
