"""Graphs as text: debugprint, pp, and the words both use."""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import ExportError
from symgraph.graph import Graph, Variable
from symgraph.ops.linalg import Gemm
from symgraph.show import debugprint, pp, pprint
from symgraph.show.words import shortened, type_text, value_text, visible
from tests.graphs import HOSTILE, Halves, Repeat, chain

# --- debugprint ----------------------------------------------------------------------------------


def printed(obj: Any, **options: Any) -> list[str]:
    text = debugprint(obj, file="str", **options)
    assert isinstance(text, str)
    return text.splitlines()


def test_debugprint_marks_what_was_shown() -> None:
    x = T.dvector("x")
    e = T.exp(x)
    e.name = "e"
    assert printed(e * e + 2.0) == [
        "Add [id A] ''",
        " |Mul [id B] ''",
        " | |Exp [id C] 'e'",
        " | | |x [id D]",
        " | |Exp [id C] 'e' ···",
        " |TensorConstant{2.0} [id E]",
    ]


def test_debugprint_options() -> None:
    x = T.dvector()
    y = T.exp(x)
    y.name = "y"
    z = -y
    assert printed(z, print_type=True, ids="int") == [
        "Neg [id 0] <TensorType(float64, vector)> ''",
        " |Exp [id 1] <TensorType(float64, vector)> 'y'",
        "   |<TensorType(float64, vector)> [id 2] <TensorType(float64, vector)>",
    ]
    assert printed(z, ids="", depth=2) == ["Neg ''", " |Exp 'y'"]
    assert printed(z, depth=0) == []
    assert printed(z, stop_on_name=True) == printed(z, depth=2)
    assert printed(z, ids="id")[0] == f"Neg [id {id(z.owner)}] ''"
    with pytest.raises(ExportError, match="no ids 'letters'"):
        printed(z, ids="letters")


def test_debugprint_where_it_was_cut_is_not_shown_yet() -> None:
    y = T.exp(T.dscalar("x"))
    assert printed([-y, y], depth=2)[2:] == ["Exp [id B] ''", " |x [id C]"]


def test_debugprint_calls_can_share_ids() -> None:
    x = T.dscalar("x")
    y, done = T.exp(x), {}
    assert printed(y, done=done) == ["Exp [id A] ''", " |x [id B]"]
    assert printed(-y, done=done) == ["Neg [id C] ''", " |Exp [id A] '' ···"]


def test_debugprint_streams(capsys: pytest.CaptureFixture[str]) -> None:
    x = T.dscalar("x")
    assert debugprint(x) is None
    assert capsys.readouterr().out == "x [id A]\n"
    stream = io.StringIO()
    assert debugprint(x, file=stream) is stream
    assert stream.getvalue() == "x [id A]\n"


def test_debugprint_of_nodes_graphs_and_several_outputs() -> None:
    x = T.dvector("x")
    first, second = Halves(3)(x)
    lines = ["Halves{at=3}.0 [id A] ''", " |x [id B]", "Halves{at=3}.1 [id A] '' ···"]
    for obj in (
        [first, second],
        first.owner,
        {"a": first, "b": second},
        Graph((x,), (first, second)),
    ):
        assert printed(obj) == lines
    assert printed(Graph((first,), (T.exp(first),)))[1] == " |<TensorType(float64, vector)> [id B]"


def test_debugprint_numbers_the_nodes_of_a_function() -> None:
    x = T.dvector("x")
    s = sg.shared(1.0, name="s")
    f = sg.function([x], T.exp(x).sum(), updates=[(s, s + 1.0)], mode="interpret")
    places = [line.split("'   ")[1] for line in printed(f) if "'   " in line]
    assert sorted(places) == [str(n) for n in range(len(f.graph.toposort()))]
    assert "update of s:" in printed(f)


def test_debugprint_shows_graphs_inside_ops() -> None:
    x, a = T.dscalar("x"), T.dscalar("a")
    lines = printed(Repeat(Graph((a,), (T.exp(a),)))(x))
    start = lines.index("Inner graphs:")
    assert lines[start + 2].startswith("Repeat")
    assert lines[start + 3 :] == ["Exp [id C] ''", " |a [id D]"]


def test_debugprint_of_deep_graphs_stays_narrow() -> None:
    lines = printed(chain(10_000))
    assert len(lines) > 10_000
    assert max(map(len, lines)) < 200


@pytest.mark.parametrize("obj", [3, "x", None, [T.dscalar("x"), 1], np.ones(3)])
def test_what_is_no_graph_is_refused(obj: Any) -> None:
    with pytest.raises(ExportError, match="has no graph"):
        debugprint(obj, file="str")


# --- pp ------------------------------------------------------------------------------------------


def formulas() -> list[tuple[Any, str]]:
    x, y, z = T.dmatrices("x", "y", "z")
    i, c = T.lscalar("i"), T.bscalar("c")
    v = T.dvector("v")
    return [
        (T.tanh(T.dot(x, y) + z), "tanh(x · y + z)"),
        (x + (y + z), "x + y + z"),
        (x + y - z, "x + y - z"),
        (x - (y - z), "x - (y - z)"),
        (x - (y + z), "x - (y + z)"),
        (x * (y + z), "x * (y + z)"),
        (x * y + z, "x * y + z"),
        (x * (y * z), "x * y * z"),
        (x / (y * z), "x / (y * z)"),
        (x / y * z, "x / y * z"),
        (x * (y / z), "x * (y / z)"),
        (x // y % z, "x // y % z"),
        (-x * y, "-x * y"),
        (-(x * y), "-(x * y)"),
        (T.neg(-x), "--x"),
        ((-x) ** y, "(-x) ** y"),
        (-(x**y), "-x ** y"),
        (x ** (y**z), "x ** y ** z"),
        ((x**y) ** z, "(x ** y) ** z"),
        (x ** (y + z), "x ** (y + z)"),
        (x**-y, "x ** -y"),
        (T.sqr(x + y), "(x + y) ** 2"),
        (T.inv(x * y), "1 / (x * y)"),
        (T.as_tensor_variable(-2.0) ** v, "(-2.0) ** v"),
        (T.dot(T.dot(x, y), z), "x · y · z"),
        (T.dot(x, T.dot(y, z)), "x · (y · z)"),
        (x * T.dot(y, z), "x * y · z"),
        (T.dot(x * y, z), "(x * y) · z"),
        (T.dot(x.T, y), "x.T · y"),
        ((x + y).T, "(x + y).T"),
        (v.dimshuffle(0, "x"), "v.dimshuffle(0, 'x')"),
        ((x < y) & (y < z), "(x < y) & (y < z)"),
        (T.lt(x + 1.0, y), "x + 1.0 < y"),
        (T.eq(T.lt(x, y), T.lt(y, z)), "(x < y) == (y < z)"),
        (~c, "~c"),
        (x.sum(), "sum(x)"),
        (x.max(axis=1), "max(x, axis=1)"),
        (T.any(x), "any(x)"),
        (T.switch(x > y, x, y), "switch(x > y, x, y)"),
        (x.astype("float32"), "float32(x)"),
        (x[i], "x[i]"),
        (x[1:, ::2], "x[1:, ::2]"),
        (x[i, None, :2], "x[i, None, :2]"),
        (T.set_subtensor(v[:i], 0.5), "set_subtensor(v[:i], 0.5)"),
        (T.inc_subtensor(x[i], v), "inc_subtensor(x[i], v)"),
        (x.shape[0], "x.shape[0]"),
        (Halves(3)(x)[1], "halves(x, at=3)[1]"),
        (x, "x"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("var", "text"), formulas(), ids=lambda item: item if isinstance(item, str) else ""
)
def test_formula(var: Variable, text: str) -> None:
    assert pp(var) == text
    assert pprint(var) == text


def test_formula_of_gemm() -> None:
    C, A, B = T.dmatrices("C", "A", "B")
    assert pp(Gemm(True, False)(C, A, B, 2.0, 0.5)) == "0.5 * C + 2.0 * A.T · B"


def test_formula_is_cut_off() -> None:
    x = y = T.dscalar("x")
    for _ in range(100):
        y = y * y + 1.0
    start = time.perf_counter()
    text = pp(y, max_length=50)
    assert time.perf_counter() - start < 1
    assert len(text) == 50
    assert text.endswith("...")
    assert pp(x + 1.0, max_length=7) == "x + 1.0"
    assert pp(chain(10_000)).endswith("...")


def test_formulas_of_a_function() -> None:
    x = T.dscalar("x")
    s = sg.shared(0.0, name="s")
    f = sg.function([x], T.exp(x), updates=[(s, s + x)], mode="interpret")
    assert pp(f) == "exp(x)\ns = s + x"


def test_formula_stops_at_given_variables() -> None:
    x = T.dscalar("x")
    y = T.exp(x)
    y.name = "y"
    assert pp(Graph((y,), (y + 1.0,))) == "y + 1.0"


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(0.1), "0.1"),
        (np.int8(3), "3"),
        (np.array([1.0, 2.5]), "[1. , 2.5]"),
        (np.zeros((3, 4)), "(3, 4) of 0.0"),
        (np.full(3, np.nan), "[nan, nan, nan]"),
        (np.ones(0), "empty (0,)"),
        (np.arange(100), "int64 (100,)"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
    ],
)
def test_value_text(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_type_text() -> None:
    assert type_text(T.dscalar().type) == "float64"
    assert type_text(T.fmatrix(shape=("batch", 3)).type) == "float32[batch, 3]"
    assert type_text(T.dvector().type) == "float64[?]"


def test_nothing_invisible_is_left() -> None:
    assert visible(HOSTILE).isprintable()
    assert visible("naïve · α") == "naïve · α"
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"
