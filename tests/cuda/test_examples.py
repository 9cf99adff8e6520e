"""The demo and two examples on a device, with hardly any budget."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import symgraph as sg
from examples import logistic_regression, newton_linear_regression
from symgraph import cli


def test_the_demo_trains_on_a_device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = tmp_path / "graph.json"
    budget = ["--epochs", "1", "--batch", "1000", "--hidden", "3"]
    assert cli.main(["demo", "--device", "cuda", *budget, "--out", str(graph)]) == 0
    assert re.search(r"time per step +\d+ us, median of 1\n", capsys.readouterr().out)
    assert '"target": "cuda:0"' in graph.read_text()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_examples_find_the_same_on_every_device(device: str) -> None:
    with sg.config(device=device):
        assert newton_linear_regression.main(count=30, steps=1) < 1e-12
        assert logistic_regression.main(steps=1) == pytest.approx(0.752, abs=2e-3)
