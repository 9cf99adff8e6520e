"""The README: its Python runs, its commands are the ones that work."""

import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from symgraph import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.S | re.M)
COMMANDS = [
    line
    for block in re.findall(r"^```shell\n(.*?)^```", README, re.S | re.M)
    for line in block.splitlines()
]
DEMO, BENCH, TESTS = COMMANDS


def parts(line):
    """The commands that a line joins by `&&`."""
    return [shlex.split(part) for part in line.split(" && ")]


def test_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in PYTHON:
        exec(compile(block, "README.md", "exec"), names)
    share = re.search(r"(\d+)% of the digits read", capsys.readouterr().out)
    assert share is not None
    assert int(share[1]) >= 90
    assert (tmp_path / "step.svg").read_text().startswith("<svg")


def test_picture_is_that_of_the_program() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "picture.py"))
    kept = script["PICTURE"].read_text(encoding="utf-8")
    assert kept == script["picture"](), "run python docs/picture.py"


def test_lines_install_in_a_virtual_environment():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for line, target in (DEMO, "."), (TESTS, ".[test]"):
        venv, install, _ = parts(line)
        assert venv == ["python3", "-m", "venv", ".venv"]
        assert install[:2] == [".venv/bin/pip", "install"]
        assert install[-1] == target
    assert "test" in extras


def test_demo_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    program, *arguments = parts(DEMO)[-1]
    assert program == ".venv/bin/symgraph"
    assert cli.main([*arguments, "--epochs", "1"]) == 0
    assert "test accuracy" in capsys.readouterr().out


def test_test_line_collects(tmp_path):
    program, *arguments = parts(TESTS)[-1]
    assert program == ".venv/bin/pytest"
    command = [sys.executable, "-m", "pytest", *arguments, "--collect-only", "-q", __file__]
    env = {**os.environ, "COVERAGE_FILE": str(tmp_path / "coverage")}
    answer = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_bench_line_is_known():
    program, *arguments = shlex.split(BENCH)
    assert program == "python"
    command = [sys.executable, *arguments, "call", "--smoke"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "--write takes all peers" in answer.stderr


def test_ci_runs_the_test_line():
    if not (ROOT / ".ci" / "run").exists():
        pytest.skip("not a checkout")
    command = ["bash", ".ci/run", "--show"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == TESTS


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
