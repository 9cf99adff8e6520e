"""What is said while and after a function is compiled, on a terminal only."""

from __future__ import annotations

import io
import sys

import pytest

from symgraph.progress import tell

STAGES = {"canonical": 4.0, "program": 1.5, "code": 0.25}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "seconds", "said"),
    [
        (
            Terminal(),
            STAGES,
            "symgraph: train compiled in 5.8 s: canonical 4.0 s, program 1.5 s, code 0.2 s\n",
        ),
        (Terminal(), {"canonical": 4.0}, ""),
        (io.StringIO(), STAGES, ""),
    ],
    ids=["long", "short", "no terminal"],
)
def test_the_times_of_stages_are_said_after_a_long_compile(
    stream: io.StringIO, seconds: dict[str, float], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    tell("train", seconds)
    assert stream.getvalue() == said
