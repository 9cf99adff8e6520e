"""Profiles: what is measured is there, adds up, names lines through fusion, and costs little."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import cli
from symgraph.lower.measure import number
from symgraph.profile import Profile
from symgraph.show.steps import steps_view
from tests.graphs import Halves

PROGRAM = """
import sys
import numpy as np
import symgraph as sg
import symgraph.tensor as T

def main():
    x = T.vector("x")
    f = sg.function([x], T.exp(x).sum(), name="summed")
    for _ in range(int(sys.argv[1])):
        f(np.ones(50))

main()
"""


def network() -> tuple[sg.Function, Profile]:
    x, W = T.dmatrix("x"), sg.shared(np.ones((40, 30)), name="W")
    h = T.tanh(T.dot(x, W))
    cost = (h * 2).sum()
    f = sg.function([x], cost, updates=[(W, W - T.grad(cost, W))], profile=True, name="net")
    assert f.profile is not None
    return f, f.profile


@pytest.fixture(scope="module")
def measured() -> tuple[sg.Function, Profile]:
    f, profile = network()
    for _ in range(5):
        f(np.ones((20, 40)))
    return f, profile


def test_steps_and_tables_add_up(measured: tuple[sg.Function, Profile]) -> None:
    _, profile = measured
    assert profile.calls == 5
    assert 0 < profile.step_seconds <= profile.seconds
    for table in (profile.by_kernel(), profile.by_op(), profile.by_line()):
        assert sum(row.seconds for row in table) == pytest.approx(profile.step_seconds, rel=0.02)
        assert sum(row.share for row in table) == pytest.approx(1, rel=0.02)
        assert [row.seconds for row in table] == sorted((r.seconds for r in table), reverse=True)
    assert {"matrix product", "k1"} <= {row.what for row in profile.by_kernel()}
    assert {"Dot", "Tanh"} <= {row.what for row in profile.by_op()}
    assert profile.memory_peak >= 20 * 30 * 8
    assert profile.compile_seconds["code"] > 0


def test_lines_have_times_through_fusion(measured: tuple[sg.Function, Profile]) -> None:
    _, profile = measured
    (row,) = [row for row in profile.by_line() if "h = T.tanh(T.dot(x, W))" in row.what]
    assert "test_profile.py" in row.what
    assert {"Dot", "Tanh"} <= set(row.ops)
    text = str(profile)
    assert "h = T.tanh(T.dot(x, W))" in text
    assert "5 calls" in text


def test_sizes_are_those_of_the_last_call(measured: tuple[sg.Function, Profile]) -> None:
    _, profile = measured
    lowered, known = profile.trace.lowered[0], profile.sizes()
    (x,) = [p for p in lowered.program.parameters if p.variable.name == "x"]
    assert [known[name] for name in x.sizes] == [20, 40]
    dims = [number(d, known) for d in lowered.sizes.dims(lowered.program.results[0].variable)]
    assert dims == []


def test_nothing_is_measured_unless_asked() -> None:
    x = T.dvector("x")
    f = sg.function([x], x + 1)
    assert f.profile is None
    assert "@clock" not in f.llvm()
    with sg.config(profile=True):
        assert sg.function([x], x + 1, mode="interpret").profile is not None
    assert f.copy(profile=True).profile is not None


def test_interpreted_nodes_are_measured() -> None:
    x = T.dvector("x")
    half = Halves(1)(x)[0]
    f = sg.function([x], T.exp(half) + 1, profile=True)
    f(np.ones(4))
    assert f.profile is not None
    assert "Halves" in {row.what for row in f.profile.by_op()}
    g = sg.function([x], T.exp(x), mode="interpret", profile=True)
    g(np.ones(4))
    assert g.profile is not None
    assert {row.what for row in g.profile.by_op()} == {"Exp"}
    assert g.profile.calls == 0


def fastest(f: sg.Function, x: np.ndarray, times: int) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        f(x)
        best = min(best, time.perf_counter() - start)
    return best


def test_measuring_costs_little() -> None:
    x = T.dmatrix("x")
    y = T.dot(T.tanh(x), x.T).sum(axis=0)
    plain, measured = sg.function([x], y), sg.function([x], y, profile=True)
    value = np.ones((200, 200))
    ratios = [fastest(measured, value, 40) / fastest(plain, value, 40) for _ in range(7)]
    assert min(ratios) < 1.05  # 2% and the noise of a shared machine


def test_command_runs_a_program_and_prints(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    assert cli.main(["profile", str(script), "3"]) == 0
    out = capsys.readouterr().out
    assert "summed: 3 calls" in out
    assert "program.py:9" in out
    assert not sg.config.profile
    script.write_text("print('nothing')")
    assert cli.main(["profile", str(script)]) == 2
    assert "called no compiled function" in capsys.readouterr().err
    assert cli.main(["profile", "missing.py"]) == 2


def test_steps_of_loops_are_measured() -> None:
    x, n = T.dmatrix("x"), T.lscalar("n")
    W = sg.shared(np.eye(30) / 2)
    h, _ = sg.scan(lambda row, h: T.tanh(T.dot(h, W) + row), sequences=[x], outputs_info=[x[0]])
    halved, _ = sg.scan(lambda v: (v / 2, sg.until(v.sum() < 1.0)), outputs_info=[x[0]], n_steps=n)
    f = sg.function([x, n], [h[-1], halved[-1]], profile=True)
    for _ in range(3):
        f(np.ones((50, 30)), 20)
    profile = f.profile
    assert profile is not None
    loops = [step for step in profile.steps if step.name == "loop"]
    assert len(loops) == 2
    for loop in loops:
        inner = sum(step.seconds for step in loop.inner)
        assert inner == pytest.approx(loop.seconds, rel=0.01)
    runs = {inner.runs for loop in loops for inner in loop.inner}
    assert runs == {50.0, 6.0}  # 30 halved six times is below 1
    kernels = {row.what: row for row in profile.by_kernel()}
    assert "loop" not in kernels
    assert kernels["matrix product"].count == 50
    assert sum(row.seconds for row in kernels.values()) == pytest.approx(
        profile.step_seconds, rel=0.01
    )
    rows = {row.what: row for row in profile.by_line()}
    (row,) = [row for line, row in rows.items() if "T.tanh(T.dot(h, W) + row)" in line]
    assert {"Tanh", "Dot"} <= set(row.ops)
    view = steps_view(f)
    assert [cluster.name for cluster in view.clusters] == ["loop", "loop"]
    labels = {node.id: node.label for node in view.nodes}
    inside = {labels[member] for cluster in view.clusters for member in cluster.members}
    assert "matrix product" in inside


def test_choices_inside_loops_are_measured() -> None:
    x = T.dvector("x")

    def step(v: Any, total: Any) -> Any:
        return sg.ifelse(T.gt(v, 0), T.exp(total) / 9, total + v)

    h, _ = sg.scan(step, sequences=[x], outputs_info=[T.zeros((40,))])
    f = sg.function([x], h[-1], profile=True)
    plain = sg.function([x], h[-1])
    values = np.array([1.0, -1.0] * 20)
    np.testing.assert_array_equal(f(values), plain(values))
    assert f.profile is not None
    (loop,) = [step for step in f.profile.steps if step.name == "loop"]
    (choice,) = [step for step in loop.inner if step.name == "choice"]
    assert choice.runs == 40
    then, otherwise = choice.inner[0], choice.inner[-1]
    assert then.seconds > 0
    assert otherwise.seconds > 0
    assert sum(row.share for row in f.profile.by_kernel()) == pytest.approx(1, rel=0.02)
