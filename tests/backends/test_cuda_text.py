"""Kernels of the CUDA target as they are written, and as PTX, for which no GPU is needed.

`SYMGRAPH_SNAPSHOTS=write` writes the texts anew; read the diff.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends import disk
from symgraph.backends.cuda import ptx, ptx_store, target
from symgraph.graph import Constant, Graph, Variable, ancestors
from symgraph.loops.improve import canonical
from symgraph.lower.half import widened
from symgraph.lower.lower import lower
from symgraph.memory import Plan, plan
from symgraph.random import RandomStream

FOLDER = Path(__file__).parent.parent / "snapshots" / "cuda"
Made = tuple[Sequence[Variable], Sequence[Any]]


def chain() -> Made:
    x, y = T.fmatrix("x"), T.fvector("y")
    return [x, y], [T.tanh(x * y) + 0.5 * x]


def three_axes() -> Made:
    x, y = T.ftensor3("x"), T.fmatrix("y")
    return [x, y], [x.dimshuffle(1, 0, 2) * y]


def total() -> Made:
    x = T.fmatrix("x")
    return [x], [T.exp(x).sum()]


def rows() -> Made:
    x = T.fmatrix("x")
    return [x], [T.sqr(x).mean(1), x.max(1), x.argmax(1)]


def columns() -> Made:
    x = T.fmatrix("x")
    return [x], [x.sum(0), T.tanh(x)]


def softmax() -> Made:
    x = T.fmatrix("x")
    return [x], [T.nnet.softmax(x)]


def layer_norm() -> Made:
    x = T.fmatrix("x")
    centred = x - x.mean(1, keepdims=True)
    return [x], [centred / T.sqrt(T.sqr(centred).mean(1, keepdims=True) + 1e-5)]


def layer_norm_gradient() -> Made:
    (x,), (y,) = layer_norm()
    return [x], [T.grad(T.sqr(y).sum() * 0.5, x)]


def cross_entropy() -> Made:
    x, y = T.fmatrix("x"), T.ivector("y")
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(x), y).mean()
    return [x, y], [cost, T.grad(cost, x)]


def dropout() -> Made:
    x = T.fmatrix("x")
    return [x], [T.nnet.relu(x) * (RandomStream(3).uniform(x.shape, dtype="float32") < 0.5)]


def adam() -> Made:
    w, g, m, v = (T.fvector(n) for n in "wgmv")
    t = T.fscalar("t")
    m2, v2 = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * T.sqr(g)
    return [w, g, m, v, t], [w - t * m2 / (T.sqrt(v2) + 1e-8), m2, v2]


def look_up() -> Made:
    table, n = T.fmatrix("table"), T.lvector("n")
    return [table, n], [T.tanh(table[n]) * 2]


def running() -> Made:
    x = T.fmatrix("x")
    return [x], [T.cumsum(x, 1), T.cummax(x, 1), T.logcumsumexp(x, 1), T.nonzero(x > 0)[0]]


def sorting() -> Made:
    x = T.fmatrix("x")
    return [x], [T.sort(x, 1), T.argsort(x, 1), T.topk(x, 3, 1)]


def last_write() -> Made:
    table, n, rows = T.fmatrix("table"), T.lvector("n"), T.fmatrix("rows")
    return [table, n, rows], [T.set_subtensor(table[n], rows)]


def scatter() -> Made:
    table, n, rows = T.fmatrix("table"), T.lvector("n"), T.fmatrix("rows")
    return [table, n, rows], [T.inc_subtensor(table[n], rows)]


def joined() -> Made:
    x, y = T.fmatrix("x"), T.fmatrix("y")
    return [x, y], [T.concatenate([x, y * 2], 1)]


def transposed() -> Made:
    x = T.fmatrix("x")
    return [x], [T.exp(x.T)]


def choice() -> Made:
    x, c = T.fmatrix("x"), T.bmatrix("c")
    return [x, c], [T.switch(c > 0, x, -x), T.isnan(x).any(1)]


def elementary() -> Made:
    x = T.fvector("x")
    functions = (T.exp, T.log, T.log1p, T.erf, T.nnet.sigmoid, T.nnet.softplus, T.rint, abs)
    return [x], [*(f(x) for f in functions), x % 2, x // 3, x**1.5]


def products_of_integers() -> Made:
    x, y = T.imatrix("x"), T.imatrix("y")
    return [x, y], [T.dot(x, y)]


def halves() -> Made:
    x = T.matrix("x", dtype="float16")
    return [x], [T.tanh(x) + 1, x.sum(1)]


def one_hot() -> Made:
    n = T.lvector("n")
    return [n], [T.to_one_hot(n, 5, dtype="float32")]


def statistics() -> Made:
    x = T.fmatrix("x")
    return [x], [x.var(0), x.std(1), T.sqrt(T.sqr(x).sum())]


CASES = [
    chain, three_axes, total, rows, columns, softmax, layer_norm, layer_norm_gradient,
    cross_entropy, dropout, adam, look_up, scatter, joined, transposed, choice, elementary,
    products_of_integers, halves, one_hot, statistics, running, sorting, last_write,
]  # fmt: skip
REVIEWED = [chain, three_axes, total, columns, softmax, look_up]


def planned(make: Callable[[], Made]) -> Plan:
    """A graph as the CUDA target gets it."""
    _, outputs = make()
    leaves = [v for v in ancestors(outputs) if v.owner is None and not isinstance(v, Constant)]
    graph = canonical(Graph(tuple(leaves), tuple(outputs)), sg.Mode().rules)
    roots = widened(graph.outputs, graph.inputs)
    lowered = lower(graph.inputs, roots, (), None, target.MACHINE)
    return plan(target.prepared(lowered.program))


@pytest.mark.parametrize("make", CASES, ids=lambda f: f.__name__)
def test_kernels_are_single_precision_and_stay_in_registers(make: Callable[[], Made]) -> None:
    given = planned(make)
    written = target.write(given, make.__name__)
    made = target.module(written.kernels)
    for kernel in written.launched:
        library = ptx.library_of(made, kernel)
        for capability in (ptx.AMPERE, ptx.HOPPER):
            text = ptx.ptx_of(library, capability)
            assert f".target sm_{capability[0]}{capability[1]}" in text
            assert ptx_store.entry_of(text)
            assert not re.search(r"\.local|__local_depot|\bcall\b", text)
            assert not re.search(r"\.f64", text)


@pytest.mark.parametrize("make", REVIEWED, ids=lambda f: f.__name__)
def test_the_text_is_what_was_reviewed(make: Callable[[], Made]) -> None:
    text = re.sub(r"@scalar\n.*?\n\n\n", "", str(target.write(planned(make), "")), flags=re.DOTALL)
    text = re.sub(r"^ *# /.*\n", "", text, flags=re.MULTILINE).split("def exp_f32")[0]
    path = FOLDER / f"{make.__name__}.txt"
    if os.environ.get("SYMGRAPH_SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_products_and_sums_are_rounded_one_by_one() -> None:
    given = planned(adam)
    made = target.module(target.write(given, "adam").kernels)
    text = "".join(ptx.ptx_of(ptx.library_of(made, k)) for k in given.program.kernels)
    assert "mul" in text
    assert not re.search(r"fma\.rn\.f32", text)


@pytest.mark.parametrize("deterministic", [False, True])
def test_additions_are_atomic_or_in_order(deterministic: bool) -> None:
    with sg.config(deterministic=deterministic):
        written = target.write(planned(scatter), "scatter")
    made = target.module(written.kernels)
    found = "".join(ptx.ptx_of(ptx.library_of(made, k)) for k in written.launched)
    assert bool(re.search(r"(atom|red)\.global\.add\.f32", found)) != deterministic
    assert not re.search(r"\.f64|\.local", found)


def test_ptx_is_kept_on_disk(tmp_path: Path) -> None:
    written = target.write(planned(chain), "chain")
    (kernel,) = written.launched
    found = ptx_store.ptx_of_kernel(
        lambda: target.module(written.kernels), kernel, ptx.AMPERE, tmp_path
    )
    (file,) = disk.files(tmp_path)

    def never() -> ModuleType:
        raise AssertionError("compiled again")

    elsewhere = replace(kernel, notes=("/another/line.py:1",))
    assert ptx_store.ptx_of_kernel(never, elsewhere, ptx.AMPERE, tmp_path) == found
    renamed = replace(kernel, params=tuple(replace(p, dtype="int32") for p in kernel.params))
    others = [(kernel, ptx.HOPPER), (planned(look_up).program.kernels[-1], ptx.AMPERE)]
    for other, capability in (*others, (renamed, ptx.AMPERE)):
        with pytest.raises(AssertionError, match="compiled again"):
            ptx_store.ptx_of_kernel(never, other, capability, tmp_path)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(AssertionError, match="compiled again"):
        ptx_store.ptx_of_kernel(never, kernel, ptx.AMPERE, tmp_path)


def mixed() -> Made:
    x, k, h = T.fvector("x"), T.tensor("int8", shape=(None,), name="k"), T.dvector("h")
    return [x, k, h], [x * k, T.gt(x, 0), T.cast(h, "float32") + x, T.cast(x, "float16"), h * 2]


@pytest.mark.parametrize("make", [chain, adam, three_axes, mixed], ids=lambda f: f.__name__)
def test_neighbours_are_read_and_written_by_fours(make: Callable[[], Made]) -> None:
    written = target.write(planned(make), make.__name__)
    made = target.module(written.kernels)
    text = "".join(ptx.ptx_of(ptx.library_of(made, kernel)) for kernel in written.launched)
    assert "ld.global.nc.v4.f32" in text
    assert "st.global.v4.f32" in text
    assert not re.search(r"\.local|__local_depot|\bcall\b", text)
