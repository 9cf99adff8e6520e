"""Values, guards, replays and doubt: each finds what was put there to be found."""

from __future__ import annotations

import io
import logging
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import errors, progress
from symgraph.ops.elementary import Tanh
from symgraph.rewrite import EXACT, Rule, RuleSet
from tests.graphs import Halves, chain, trained

x = T.dvector("x")


# --- values --------------------------------------------------------------------------------------


def test_trace_tables_every_value() -> None:
    W = sg.shared(np.ones((2, 2)), name="W")
    h = T.log(T.dot(x, W))
    h.name = "h"
    values = sg.trace(h.sum(), {"x": [1.0, -3.0]})
    assert [v.what for v in values][:2] == ["x", "W"]
    (log,) = [v for v in values if v.what.startswith("h = Log")]
    assert (log.shape, log.dtype, log.nans) == ((2,), "float64", 2)
    assert "h = T.log(T.dot(x, W))" in log.line
    (dot,) = [v for v in values if v.what.startswith("Dot")]
    assert (dot.least, dot.most) == (-2.0, -2.0)
    text = str(values)
    assert "test_debug.py" in text
    assert len(text.splitlines()) >= len(values) + 1
    with pytest.raises(errors.MissingInputError, match=r"x, made at .* has no value"):
        sg.trace(h)


def test_trace_of_a_function_and_of_infinities() -> None:
    f = sg.function([x], 1 / x, mode="interpret")
    (*_, last) = sg.trace(f, {x: [0.0, 2.0]})
    assert (last.infinities, last.least, last.most) == (1, 0.5, 0.5)


# --- NaN and the like ----------------------------------------------------------------------------


def test_nanguard_finds_nan_infinite_and_huge() -> None:
    f = sg.function([x], T.exp(T.log(x) * 2), mode="nanguard")
    assert f([2.0])[0] == pytest.approx(4.0)
    with pytest.raises(errors.NanError, match=r"is NaN, first made by Log .*nothing was stored"):
        f([-1.0])
    g = sg.function([x], T.exp(x), mode="nanguard")
    with pytest.raises(errors.NanError, match=r"is infinite, first made by Exp at .*test_debug"):
        g([1000.0])
    with pytest.raises(errors.NanError, match=r"is huge.*\n  it read x: float64\(1,\), from 50"):
        g([50.0])
    with pytest.raises(errors.NanError, match="in an argument"):
        sg.function([x], x * 2, mode="nanguard")([np.nan])


def test_nan_check_lets_infinities_pass() -> None:
    with sg.config(nan_check=True):
        f = sg.function([x], T.exp(x))
    assert f([1000.0])[0] == np.inf


def test_nanguard_names_the_forward_line_of_a_gradient() -> None:
    root = T.sqrt(x)
    slope = T.grad(root.sum(), x)
    f = sg.function([x], slope, mode="nanguard")
    with pytest.raises(errors.NanError, match=r"`root = T.sqrt\(x\)`"):
        f([0.0])


def test_monitor_mode_tells_nodes_and_values() -> None:
    seen: list[tuple[str, Any]] = []
    mode = sg.MonitorMode(lambda node, values: seen.append((str(node.op), values[0])))
    f = sg.function([x], T.exp(x) + 1, mode=mode)
    f([0.0])
    assert seen == [("Exp", 1.0), ("Add", 2.0)]


# --- test values ---------------------------------------------------------------------------------


def test_test_values_find_mistakes_while_the_graph_is_built() -> None:
    a, b = T.dmatrices("a", "b")
    a.tag.test_value, b.tag.test_value = np.ones((2, 3)), np.ones((4, 3))
    with sg.config(compute_test_value="raise"):
        assert (a * 2).tag.test_value.shape == (2, 3)
        assert T.grad((a**2).sum(), a).tag.test_value.shape == (2, 3)
        with pytest.raises(errors.ShapeError, match=r"test_debug.py"):
            T.dot(a, b)
        with pytest.raises(errors.MissingInputError, match=r"z, made at .*test_value"):
            T.exp(T.dscalar("z"))
        assert sg.function([a], T.log(T.exp(a) + 1.0), mode="interpret")(np.ones((1, 1))).shape
    with sg.config(compute_test_value="warn"), pytest.warns(match="no tag.test_value"):
        T.exp(T.dscalar("z"))
    with sg.config(compute_test_value="ignore"):
        assert not hasattr(T.exp(T.dscalar("z")).tag, "test_value")


# --- records and replays -------------------------------------------------------------------------


def test_a_failing_call_leaves_a_replay(tmp_path: Path) -> None:
    step = trained(mode="interpret")
    (W,) = step.get_shared()
    path = tmp_path / "replay.pickle"
    recorded = sg.record(step, n=3, path=path)
    data = [(np.full((2, 3), k), np.zeros((2, 2))) for k in range(5)]
    costs = [recorded(*pair) for pair in data]
    recorded.save(path)
    after = W.get_value()
    assert sg.replay(path) == costs[-3:]
    assert np.array_equal(W.get_value(), after)
    with pytest.raises(errors.ShapeError) as failure:
        recorded(np.ones((2, 3)), np.zeros((5, 2)))
    assert any("symgraph.replay" in note for note in failure.value.__notes__)
    with pytest.raises(errors.ShapeError):
        sg.replay(path)
    with pytest.raises(errors.ConfigError):
        sg.record(step, n=0)


def test_a_replay_draws_the_same_numbers(tmp_path: Path) -> None:
    stream = sg.RandomStream(1)
    f = sg.record(sg.function([], stream.normal(size=(3,)), mode="interpret"), n=2)
    drawn = [f() for _ in range(3)]
    f.save(tmp_path / "r.pickle")
    again = sg.replay(tmp_path / "r.pickle")
    assert np.array_equal(again, drawn[1:])


# --- doubt ---------------------------------------------------------------------------------------


class Wrong(Rule):
    """Takes the sine for the hyperbolic tangent."""

    def apply(self, node: Any, readers: Any) -> Any:
        return T.sin(node.inputs[0])


def test_bisect_names_the_rule_that_is_wrong() -> None:
    rules = sg.Mode().rules | RuleSet((Wrong("wrong_rule", (Tanh,), EXACT, "tests"),))
    y = T.log(1.0 + T.exp(x)) + T.tanh(x) * 1.0
    f = sg.function([x], y, mode=sg.Mode(rules=rules))
    found = sg.bisect(f, [[0.5, 1.0]])
    assert (found.kind, found.name) == ("rewrite", "wrong_rule")
    assert "test_debug.py" in found.line
    assert "wrong_rule changes the result" in str(found)
    fine = sg.function([x], y)
    assert sg.bisect(fine, {"x": [0.5]}).kind == "nothing"
    with pytest.raises(errors.VerifyError, match="as written does not give"):
        sg.bisect(fine, [[0.5]], expected=[np.array([9.0])])


def test_verify_names_the_rule_that_is_wrong() -> None:
    rules = sg.Mode().rules | RuleSet((Wrong("wrong_rule", (Tanh,), EXACT, "tests"),))
    f = sg.function([x], T.tanh(x) * 3, mode=sg.Mode(rules=rules, check=2))
    with pytest.raises(errors.VerifyError) as failure:
        f([1.0])
    assert "rewrite wrong_rule changes the result" in failure.value.__notes__[0]


def test_bisect_names_the_kernel_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    f = sg.function([x], T.tanh(x) + 1)
    monkeypatch.setattr(Tanh, "reference", staticmethod(np.sin))
    found = sg.bisect(f, [[1.0]])
    assert found.kind == "kernel"
    assert "(Tanh)" in found.name


def test_diff_stands_two_functions_side_by_side(tmp_path: Path) -> None:
    f, g = sg.function([x], T.exp(x)), sg.function([x], T.exp(x) * 2, name="twice")
    text = sg.diff(f, g, tmp_path / "diff.html")
    assert "--- function" in text
    assert "+Mul" in text
    assert "twice" in (tmp_path / "diff.html").read_text()
    assert sg.diff(f, f) == ""


def test_explain_tells_remarks_and_where_code_came_from() -> None:
    f = sg.function([x], T.exp(Halves(1)(x)[0]))
    text = f.explain()
    assert "runs in Python" in text
    assert "code: " in text
    assert "no remarks" in sg.function([x], x + 1, mode="interpret").explain()


# --- errors and waiting --------------------------------------------------------------------------


def test_tracebacks_show_the_users_frames() -> None:
    y = T.dvector("y")
    f = sg.function([x, y], x + y)
    with pytest.raises(errors.ShapeError) as failure:
        f([1.0], [1.0, 2.0])
    shown = traceback.extract_tb(failure.value.__traceback__)
    own = [frame for frame in shown if "/symgraph/" in frame.filename]
    assert len(own) == 1
    assert len(traceback.extract_tb(failure.value.whole_traceback)) > 1


class Terminal(io.StringIO):
    """Remembers what is written to a terminal."""

    def __init__(self, tty: bool) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


@pytest.mark.parametrize(("tty", "seconds"), [(True, 0.3), (True, 0.0), (False, 0.3)])
def test_long_stages_are_told_on_a_terminal(
    tty: bool, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(tty)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    with progress.waiting("code"):
        time.sleep(seconds)
    said = terminal.getvalue()
    assert ("compiling, stage code" in said) == (tty and seconds > 0)
    assert not said or said.endswith("\x1b[2K")  # the line is gone


def test_long_exports_are_told_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "PATIENCE", 0.001)
    sg.export(chain(3000), format="svg")
    assert "exporting svg" in terminal.getvalue()


def test_compiling_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "symgraph"):
        sg.function([x], x + 1, name="logged", mode="interpret")
    assert any("logged" in record.message for record in caplog.records)


def test_a_failing_guard_names_operands_kernel_arguments_and_the_cure() -> None:
    m, v = T.fmatrix("m"), T.fvector("v")
    h = T.exp(m).sum(axis=0)
    z = T.tanh(h * 2)
    f = sg.function([m, v], z + T.sqrt(v))
    with pytest.raises(errors.ShapeError) as failure:
        f(np.ones((3, 4), "f4"), np.ones(5, "f4"))
    lines = str(failure.value).splitlines()
    assert "sizes 4 and 5 do not agree" in lines[0]
    assert "T.sqrt(v)" in lines[1]
    assert "it reads Tanh: float32(4), strides (4,), made at " in lines[2]
    assert "z = T.tanh(h * 2)" in lines[2]
    assert "it reads Sqrt: float32(5), strides (4,)" in lines[3]
    assert any("its kernel also computes" in line and "T.tanh(h * 2)" in line for line in lines)
    assert "  v has shape (5,), float32" in lines
    assert "T.matrix(shape=('n', 3))" in lines[-1]


def test_a_failing_guard_inside_a_loop_names_the_row() -> None:
    m, w = T.dmatrices("m", "w")
    h, _ = sg.scan(
        lambda r, h: T.tanh(T.dot(h, w) + r), sequences=[m], outputs_info=[T.zeros((4,))]
    )
    f = sg.function([m, w], h[-1])
    with pytest.raises(errors.ShapeError, match=r"Dot.*\n.*\n  it reads h: float64\(4\)"):
        f(np.ones((3, 4)), np.ones((3, 3)))


@pytest.mark.parametrize("mode", ["fast_run", "interpret"])
def test_indices_and_reshapes_say_what_to_do(mode: str) -> None:
    m, k = T.dmatrix("m"), T.lvector("k")
    f = sg.function([m, k], T.exp(m)[k], mode=mode)
    with pytest.raises(errors.IndexRangeError, match=r"(?s)m has shape \(3, 4\), float64"):
        f(np.ones((3, 4)), np.array([7]))
    g = sg.function([m], m.reshape((2, 3)) + 1, mode=mode)
    with pytest.raises(errors.ShapeError, match=r"(?s)m has shape \(4, 4\), float64"):
        g(np.ones((4, 4)))
