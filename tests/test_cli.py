"""The command line: what it prints, and that a mistake is one line."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symgraph as sg
from symgraph import cli
from symgraph.backends.nvidia import Machine
from symgraph.data import digits
from symgraph.demo import Settings

EXAMPLES = Path(__file__).parents[1] / "examples"
PROGRAM = """
import symgraph as sg
import symgraph.tensor as T
x = T.vector("x")
y = T.exp(x) + 1
f = sg.function([x], y)
"""

SCOPES = """
import symgraph as sg
import symgraph.tensor as T
x = T.vector("x")
with sg.name_scope("part"):
    y = T.exp(x) + 1
f = sg.function([x], T.sum(y, axis=0) + y.sum())
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def fails(capsys, *arguments):
    """The one line that a mistake leaves."""
    assert cli.main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"symgraph {sg.__version__}\n"


def test_module_runs_as_a_program():
    code = "from symgraph.cli import main; raise SystemExit(main())"
    answer = subprocess.run(
        [sys.executable, "-c", code, "nonsense"], capture_output=True, text=True
    )
    assert answer.returncode == 2
    assert "nonsense" in answer.stderr
    assert "Traceback" not in answer.stderr


# --- demo ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_demo_reads_97_percent_whatever_the_seed(seed, capsys):
    assert cli.main(["demo", "--seed", str(seed), "--out", "graph.json"]) == 0
    out = capsys.readouterr().out
    accuracy = re.search(r"test accuracy +([\d.]+)%", out)
    assert accuracy is not None
    assert float(accuracy[1]) >= 97
    assert re.search(r"time per step +\d+ us, median of 2840", out)
    assert re.search(r"compile time +[\d.]+ s", out)
    assert "graph.json" in out
    assert json.loads(Path("graph.json").read_text())


def test_demo_without_a_gpu_says_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr("symgraph.pipeline.this_machine", Machine)
    line = fails(capsys, "demo", "--device", "cuda")
    assert "NVIDIA's driver" in line
    assert "device='cpu'" in line


@pytest.mark.parametrize("name", [p.stem for p in sorted(EXAMPLES.glob("[a-z]*.py"))])
def test_every_example_takes_a_device(name):
    text = (EXAMPLES / f"{name}.py").read_text()
    assert '"--device"' in text
    assert "sg.config(device=chosen.device)" in text


def test_demo_takes_sizes_and_mode(capsys):
    arguments = "demo --epochs 1 --batch 100 --hidden 5 --mode interpret".split()
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert "median of 14" in out
    assert str(Settings().out) in out


def test_demo_repeats_itself(capsys):
    lines = []
    for _ in range(2):
        cli.main(["demo", "--epochs", "2", "--seed", "5"])
        lines.append(re.search("test accuracy.*", capsys.readouterr().out)[0])
    assert lines[0] == lines[1]


@pytest.mark.parametrize(
    "bad", ["--epochs=0", "--batch=x", "--hidden=-1", "--mode=fast", "--seed=-1"]
)
def test_demo_refuses_bad_options(bad, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", bad])
    assert stop.value.code == 2
    assert bad.partition("=")[0] in capsys.readouterr().err


def test_demo_refuses_what_would_fail_after_training(capsys):
    assert "1438 images" in fails(capsys, "demo", "--batch", "5000")
    assert "nowhere" in fails(capsys, "demo", "--out", "nowhere/graph.json")
    assert "graph.what" in fails(capsys, "demo", "--out", "graph.what")


# --- export --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["y", "f"])
@pytest.mark.parametrize("suffix", ["json", "dot", "svg"])
def test_export_writes_a_users_graph(name, suffix, tmp_path, capsys):
    (tmp_path / "program.py").write_text(PROGRAM)
    assert cli.main(["export", f"program.py:{name}", "-o", f"graph.{suffix}"]) == 0
    assert capsys.readouterr().out == f"wrote graph.{suffix}\n"
    assert "exp" in (tmp_path / f"graph.{suffix}").read_text().lower()


def test_export_takes_formats_stages_and_parts(tmp_path):
    (tmp_path / "program.py").write_text(SCOPES)
    export = ["export", "program.py:f", "-o", "graph"]
    assert cli.main([*export, "--format", "dot", "--collapse"]) == 0
    assert "part" in Path("graph").read_text()
    assert cli.main([*export, "--format", "dot", "--collapse", "part", "--focus", "part"]) == 0
    assert cli.main([*export, "--format", "svg", "--depth", "1", "--layout", "own"]) == 0
    assert "Exp" not in Path("graph").read_text()
    assert cli.main([*export, "--format", "text", "--stage", "kernels"]) == 0
    assert "def call(" in Path("graph").read_text()


def test_export_reads_a_saved_graph(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    assert cli.main(["export", "program.py:f", "-o", "graph.json"]) == 0
    assert cli.main(["export", "graph.json", "-o", "graph.html"]) == 0
    assert "Exp" in Path("graph.html").read_text()


def test_export_of_the_demo(tmp_path):
    assert cli.main(["export", "demo", "-o", "demo.svg"]) == 0
    assert "W1_velocity" in Path("demo.svg").read_text()


def test_export_imports_modules_beside_the_user(tmp_path, monkeypatch):
    (tmp_path / "users_module.py").write_text(PROGRAM)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert cli.main(["export", "users_module:f", "-o", "graph.json"]) == 0
    assert (tmp_path / "graph.json").exists()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("f", "module:name"),
        ("program.py:z", "defines no 'z'"),
        ("absent.py:f", "absent.py"),
        ("no_such_module:f", "no_such_module"),
        ("broken.py:f", "ZeroDivisionError"),
        ("program.py:__name__", "symgraph_export"),
    ],
)
def test_export_explains_a_bad_target(target, message, tmp_path, capsys):
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "broken.py").write_text("1 / 0")
    assert message in fails(capsys, "export", target, "-o", "graph.json")


# --- cache ---------------------------------------------------------------------------------


def test_cache_is_shown_and_cleared(tmp_path, capsys):
    folder = tmp_path / "cache"
    x = sg.tensor.vector("x")
    with sg.config(cache_dir=str(folder), cache=True):
        assert cli.main(["cache", "info"]) == 0
        assert "0 files" in capsys.readouterr().out
        sg.function([x], x * 12345.5)
        assert cli.main(["cache", "info"]) == 0
        count = int(re.search(r"(\d+) files", capsys.readouterr().out)[1])
        assert count == len(list(folder.iterdir())) > 0
        assert cli.main(["cache", "clear"]) == 0
        assert f"removed {count} files" in capsys.readouterr().out
        assert list(folder.iterdir()) == []


def test_cache_switched_off_is_said(capsys):
    with sg.config(cache=False):
        assert "config.cache" in fails(capsys, "cache", "info")


# --- the data ------------------------------------------------------------------------------


def test_digits_are_whole_and_fixed():
    train, test = digits("float32")
    images, labels = (np.concatenate(pair) for pair in zip(train, test, strict=True))
    assert images.shape == (1797, 64)
    assert images.dtype == np.float32
    assert images.min() == 0
    assert images.max() == 1
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert len(test.labels) == 359
    assert (np.bincount(test.labels) > 20).all()
    assert digits()[0].images.dtype == sg.config.floatX
