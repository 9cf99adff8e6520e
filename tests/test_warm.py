"""Functions found whole: what is found is right, and what differs is not found."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import sources, warm
from symgraph.backends.llvm import machine
from symgraph.families import TensorOp
from symgraph.graph import Graph, Variable
from symgraph.mode import get_mode
from symgraph.rewrite import Rule
from symgraph.rules import ALL
from symgraph.runners import Task, Warm
from symgraph.signature import signature_of
from tests.catalogue import examples, op_classes
from tests.graphs import Halves

FOUND = "found"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with sg.config(cache_dir=str(tmp_path)):
        yield tmp_path


def whole(folder: Path) -> list[Path]:
    """The functions kept in a folder."""
    return list(folder.glob("*.fun"))


def trained(name: str = "x") -> tuple[sg.Function, Any]:
    x, y = T.fmatrix(name), T.ivector("y")
    w = sg.shared(np.ones((3, 4), "float32"), name=f"w_{name}")
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(x, w)), y).mean()
    return sg.function([x, y], cost, updates=[(w, w - 0.5 * T.grad(cost, w))]), w


def test_a_graph_seen_before_is_not_compiled_again(folder: Path) -> None:
    (first, v), (second, w) = trained("a"), trained("b")
    assert FOUND not in first.seconds
    assert list(second.seconds) == [FOUND]
    values = np.arange(6, dtype="float32").reshape(2, 3), np.array([1, 0], "int32")
    for _ in range(3):
        assert first(*values) == second(*values)
    np.testing.assert_array_equal(v.get_value(), w.get_value())
    assert "w_b" in second.source()
    assert len(second.kernels) == len(first.kernels)
    assert second.memory([(2, 3), (2,)]).peak == first.memory([(2, 3), (2,)]).peak
    assert second.graph.outputs


def test_errors_name_the_lines_of_the_new_graph(folder: Path) -> None:
    def made() -> sg.Function:
        x, n = T.dvector("x"), T.lvector("n")
        return sg.function([x, n], T.exp(x)[n] + x)

    made()
    f = made()
    assert list(f.seconds) == [FOUND]
    with pytest.raises(sg.errors.IndexRangeError, match=r"test_warm\.py:\d+ `return sg\.function"):
        f([1.0, 2.0], [0, 5])
    with pytest.raises(sg.errors.ShapeError, match=r"sizes 2 and 3 do not agree|3 and 2"):
        f([1.0, 2.0], [0, 1, 1])
    np.testing.assert_array_equal(f([0.0, 0.0], [1, 0]), [1.0, 1.0])


def test_another_process_finds_it(folder: Path) -> None:
    text = """
import symgraph as sg, symgraph.tensor as T
x = T.dmatrix("x")
f = sg.function([x], T.nnet.softmax(x).sum(0) * [1.0, 2.0, 3.0])
print(",".join(f.seconds), *f([[1.0, 2.0, 3.0]]).tolist())
"""
    flags = {**os.environ, "SYMGRAPH_FLAGS": f"cache_dir={folder}"}
    ran = [
        subprocess.run(
            [sys.executable, "-c", text], env=flags, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert "canonical" in ran[0][0]
    assert ran[1][0] == FOUND
    assert ran[0][1:] == ran[1][1:]


def digest(inputs: list[Variable], *outputs: Variable) -> str:
    return signature_of(inputs, outputs).digest


def variations() -> Iterator[tuple[list[Variable], list[Variable]]]:
    """Graphs that differ in one thing each."""
    x, y, z = T.dmatrix("x"), T.dmatrix("y"), T.fmatrix("z")
    known, named = T.dmatrix(shape=(2, 3)), T.dmatrix(shape=("n", 3))
    twice = x * 2
    yield [x, y], [x + y]
    yield [y, x], [x - y]
    yield [x, y], [x - y]
    yield [x, y], [x + y, x]
    yield [x, y], [x, x + y]
    yield [x], [x + x]
    yield [z], [z + z]
    yield [known], [known + known]
    yield [named], [named + named]
    yield [x], [x.sum(0)]
    yield [x], [x.sum(1)]
    yield [x], [x + 1.0]
    yield [x], [x + 0.0]
    yield [x], [x + -0.0]
    yield [x], [x + float("nan")]
    yield [x], [x + np.arange(3.0)]
    yield [x], [x + np.arange(3.0)[::-1]]
    yield [x], [x[0]]
    yield [x], [x[1]]
    yield [x], [x[::2]]
    yield [x], [twice + twice]
    yield [x], [twice + x * 2]
    yield [x], [sg.scan(lambda row: row + 1, sequences=[x])[0]]
    yield [x], [sg.scan(lambda row: row + 2, sequences=[x])[0]]


def test_what_differs_has_another_signature() -> None:
    made = [digest(inputs, *outputs) for inputs, outputs in variations()]
    assert len(set(made)) == len(made)
    assert made == [digest(inputs, *outputs) for inputs, outputs in variations()]


def test_outputs_that_are_constants_count(folder: Path) -> None:
    for value in (2.0, np.array([1, 3]), 2.5):
        np.testing.assert_array_equal(sg.function([], T.constant(value))(), value)
    one, other = (Graph((x := T.dvector(),), (x, T.constant(v))) for v in (1.0, 2.0))
    assert signature_of(one.inputs, one.outputs) != signature_of(other.inputs, other.outputs)


def test_every_op_is_told_by_its_content() -> None:
    """Each example has a signature, and only examples that are alike have the same."""
    seen: dict[str, Any] = {}
    for kind in op_classes():
        for example in examples(kind):
            inputs = [T.tensor(s.dtype, shape=s.shape) for s in example.inputs]
            made = example.op(*inputs)
            found = digest(inputs, *(made if isinstance(made, list) else [made]))
            alike = (type_of(example.op), [v.type for v in inputs])
            assert seen.setdefault(found, alike) == alike


def type_of(op: Any) -> Any:
    return op if isinstance(op, TensorOp) else repr(op)


@pytest.mark.parametrize(
    "change",
    [
        {"without": "exact"},
        {"with": "fast"},
        {"without": "fast"},
        {"floatX": "float32"},
        {"rewrite_budget": 7},
        {"deterministic": True},
    ],
    ids=str,
)
def test_rules_and_flags_are_part_of_the_place(folder: Path, change: Any) -> None:
    x = T.dvector("x")
    task, mode = Task((x,), (T.exp(x),)), get_mode(None)
    before = warm.place_of(task, mode)
    assert before is not None
    other = mode.including(*change.get("with", "").split())
    other = other.excluding(*change.get("without", "").split())
    with sg.config(**{k: v for k, v in change.items() if k not in ("with", "without")}):
        after = warm.place_of(task, other)
    assert after is not None
    same = change == {"without": "fast"}  # which are off anyway
    assert (before.file == after.file) == same


def test_sources_and_machine_are_part_of_the_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = T.dvector("x")
    task, mode = Task((x,), (T.exp(x),)), get_mode(None)
    before = warm.place_of(task, mode)
    monkeypatch.setattr(warm, "_surroundings", lambda: ("another package", "another machine"))
    after = warm.place_of(task, mode)
    assert before is not None
    assert after is not None
    assert before.file != after.file


def test_nothing_is_kept_while_sources_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "scanned", lambda: "edited meanwhile")
    trained()
    assert not whole(folder)


def test_what_cannot_be_told_is_compiled(folder: Path) -> None:
    x = T.dvector("x")
    rule = next(iter(ALL))
    mine = replace(rule, name="mine")
    assert isinstance(mine, Rule)
    usual = get_mode(None)
    own_rules = replace(usual, rules=replace(ALL, known=(*ALL.known, mine)))
    assert warm.place_of(Task((x,), (T.exp(x),)), usual) is not None
    assert warm.place_of(Task((x,), (T.exp(x),)), own_rules) is None
    assert warm.place_of(Task((x,), tuple(Halves(0)(x))), usual) is None
    for mode in ("interpret", "verify", sg.Mode(backend="numba")):
        sg.function([x], T.exp(x), mode=mode)
    sg.function([x], T.fft.rfft(x).real)
    sg.function([x], T.exp(x), profile=True)
    sg.function([x], T.exp(x), memory_limit=10**9)
    with sg.config(cache=False):
        sg.function([x], T.exp(x))
    assert not whole(folder)


@pytest.mark.parametrize("damage", ["function", "module", "truncated"])
def test_damaged_or_missing_files_are_made_anew(folder: Path, damage: str) -> None:
    first, _ = trained()
    (file,) = whole(folder)
    content = file.read_bytes()
    if damage == "module":
        for module in folder.glob("*.obj"):
            module.unlink()
        machine._objects.clear()
    else:
        file.write_bytes(content[:-5] if damage == "truncated" else b"nothing")
    second, _ = trained()
    values = np.ones((2, 3), "float32"), np.array([1, 0], "int32")
    assert FOUND not in second.seconds
    assert first(*values) == second(*values)
    third, _ = trained()
    assert list(third.seconds) == [FOUND]


def constants() -> list[Callable[[Any], Any]]:
    big = np.random.default_rng(0).normal(size=300_000)
    return [
        lambda x: x + big,  # the user's own, as large as it likes
        lambda x: x[:4] * T.constant([1.0, 2.0, 3.0, 4.0]).cumsum(),  # folded
        lambda x: x + T.arange(300_000) + big,
    ]


@pytest.mark.parametrize("build", constants())
def test_constants(folder: Path, build: Callable[[Any], Any]) -> None:
    x, value = T.dvector("x"), np.ones(300_000)
    first, second = (sg.function([x], build(x)) for _ in range(2))
    assert list(second.seconds) == [FOUND]
    np.testing.assert_array_equal(first(value), second(value))
    (file,) = whole(folder)
    assert file.stat().st_size < 20_000


def test_functions_with_large_constants_of_the_compilers_are_not_kept(folder: Path) -> None:
    x = T.dvector("x")
    big = np.random.default_rng(0).normal(size=300_000)
    made = [sg.function([x], x + T.exp(T.constant(big))) for _ in range(2)]
    np.testing.assert_array_equal(*(f(big) for f in made))


def test_what_is_handed_back_is_known(folder: Path) -> None:
    """A shared variable whose shape changes gets a new array from a function that was found."""

    def made() -> tuple[sg.Function, Any, Any]:
        n = sg.shared(0, name="n")
        s = sg.shared(np.zeros(2), name="s")
        return sg.function([], s.sum(), updates=[(n, n + 1), (s, T.concatenate([s, s + 1]))]), n, s

    made()
    f, n, s = made()
    assert isinstance(f._run, Warm)
    assert [float(f()), float(f())] == [0.0, 2.0]
    assert n.get_value() == 2
    np.testing.assert_array_equal(s.get_value(), [0, 0, 1, 1, 1, 1, 2, 2])


def test_a_graph_inside_an_op_counts() -> None:
    x = T.dscalar("x")
    bodies = [Graph((x,), (x + k,)) for k in (1.0, 2.0)]
    made = {str(signature_of(b.inputs, b.outputs).digest) for b in bodies}
    assert len(made) == 2


def test_a_large_constant_is_read_where_it_lies() -> None:
    big = np.ones((2_000, 2_000))
    total = T.constant(big).sum()
    tracemalloc.start()
    try:
        first = signature_of([], [total]).digest
        assert tracemalloc.get_traced_memory()[1] < big.nbytes / 10
    finally:
        tracemalloc.stop()
    big[-1, -1] = 2.0
    assert signature_of([], [T.constant(big).sum()]).digest != first
    forms: list[Any] = [
        np.array(True),
        np.zeros((0, 3), "c8"),
        np.arange(6).reshape(2, 3).T,
        np.float16(1.5),
    ]
    assert len({signature_of([], [T.constant(form)]).digest for form in forms}) == len(forms)
