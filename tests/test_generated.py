"""Generated code is read like code: it is compared with what a person has looked at.

`SYMGRAPH_SNAPSHOTS=write pytest tests/test_generated.py` writes the files anew; read the diff.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T

FOLDER = Path(__file__).parent / "snapshots"


def layer_norm() -> sg.Function:
    x = T.fmatrix("x")
    centred = x - x.mean(1, keepdims=True)
    return sg.function([x], centred / T.sqrt(T.sqr(centred).mean(1, keepdims=True) + 1e-5))


def softmax() -> sg.Function:
    x = T.fmatrix("x")
    return sg.function([x], T.nnet.softmax(x))


def logistic_regression() -> sg.Function:
    x, y = T.fmatrix("x"), T.ivector("y")
    w = sg.shared(np.zeros((4, 3), "float32"), name="w")
    b = sg.shared(np.zeros(3, "float32"), name="b")
    p = T.nnet.softmax(T.dot(x, w) + b)
    cost = T.nnet.categorical_crossentropy(p, y).mean()
    gw, gb = T.grad(cost, [w, b])
    return sg.function([x, y], cost, updates=[(w, w - 0.1 * gw), (b, b - 0.1 * gb)])


def normalised_columns() -> sg.Function:
    x = T.dmatrix("x")
    return sg.function([x], (x - x.min(0)) / (x.max(0) - x.min(0)))


def look_up() -> sg.Function:
    table, n = T.fmatrix("table"), T.lvector("n")
    return sg.function([table, n], T.tanh(table[n]).T[::-1])


CASES = [layer_norm, softmax, logistic_regression, normalised_columns, look_up]


@pytest.mark.parametrize("make", CASES, ids=lambda f: f.__name__)
def test_the_code_is_what_was_reviewed(make: Callable[[], sg.Function]) -> None:
    text = readable(make().source())
    path = FOLDER / f"{make.__name__}.txt"
    if os.environ.get("SYMGRAPH_SNAPSHOTS") == "write":
        path.write_text(text)
    assert text == path.read_text()


def readable(text: str) -> str:
    """The code without scalar functions, and without the lines of this file in its comments."""
    text = re.sub(r"@scalar\n.*?\n\n\n", "", text, flags=re.DOTALL)
    return re.sub(r"^ *# .*\n", "", text, flags=re.MULTILINE)


def test_what_is_fused() -> None:
    counts = {make.__name__: len(make().kernels) for make in CASES}
    assert counts["softmax"] == counts["layer_norm"] == 1
    assert counts["look_up"] == 3  # the indices are looked at first, the transpose comes last


def test_comments_name_the_users_lines() -> None:
    source = softmax().source()
    assert "test_generated.py:" in source
    assert "T.nnet.softmax(x)" in source
