"""Generated names never hide what generated code calls."""

from __future__ import annotations

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.numba import runtime, support
from symgraph.lower.sizes import Namer


def test_the_run_times_names_are_reserved() -> None:
    assert set(runtime.__all__) | set(support.__all__) <= Namer.RESERVED


def test_users_names_do_not_clash_with_the_drivers() -> None:
    x, p_x, at_0 = T.dvector("x"), T.dvector("p_x"), T.dmatrix("at_0")
    f = sg.function([x, p_x, at_0], [T.dot(at_0, x + p_x), p_x * 2])
    product, twice = f([1.0], [2.0], [[3.0]])
    assert (product.item(), twice.item()) == (9.0, 4.0)


def test_names_are_identifiers_and_differ() -> None:
    namer = Namer()
    wishes = ["x", "x", "mod", "lambda", "3d", "a b", "", "n1", "n1", "np", "p_x"]
    names = [namer(wish) for wish in wishes]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert not set(names) & Namer.RESERVED
