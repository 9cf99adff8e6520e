"""Generated names never hide what generated code calls."""

from __future__ import annotations

from symgraph.backends import runtime, support
from symgraph.lower.sizes import Namer


def test_the_run_times_names_are_reserved() -> None:
    assert set(runtime.__all__) | set(support.__all__) <= Namer.RESERVED


def test_names_are_identifiers_and_differ() -> None:
    namer = Namer()
    wishes = ["x", "x", "mod", "lambda", "3d", "a b", "", "n1", "n1", "np"]
    names = [namer(wish) for wish in wishes]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert not set(names) & Namer.RESERVED
