"""What a call takes is known before it runs, and can be limited."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import MemoryLimitError
from symgraph.footprint import Footprint
from symgraph.lower.program import Launch
from symgraph.workspace import FORMULAS

RNG = np.random.default_rng(0)
STATUS = Path("/proc/self/status")


def normal(*shape: int) -> Any:
    return RNG.normal(size=shape).astype("float32")


def deep(layers: int = 5, width: int = 64) -> tuple[Any, Any, list[Any]]:
    """A network whose activations are cheap functions of kept products."""
    x = T.fmatrix("x")
    weights = [sg.shared(normal(width, width) / 8, name=f"W{k}") for k in range(layers)]
    h = x
    for W in weights:
        t = T.dot(h, W)
        h = T.tanh(t) * T.nnet.sigmoid(t)
    cost = T.sqr(h).sum()
    return x, cost, T.grad(cost, weights)


def traced_peak(f: sg.Function, *arrays: Any) -> tuple[int, Any]:
    """The most bytes of arrays that a call made, and what it returned."""
    f(*(a[:1] for a in arrays))  # so that nothing is made for the first time
    tracemalloc.start()
    found = f(*arrays)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, found


def made(footprint: Footprint) -> int:
    return footprint.total("output") + footprint.total("temporary")


def elementwise() -> tuple[sg.Function, list[Any]]:
    x, y = T.fmatrix("x"), T.fmatrix("y")
    return sg.function([x, y], [T.exp(x) + y.T.dot(x).sum(), x.sum(0)]), [
        normal(400, 300),
        normal(400, 300),
    ]


def training_step() -> tuple[sg.Function, list[Any]]:
    x, y = T.fmatrix("x"), T.ivector("y")
    w = sg.shared(normal(50, 10), name="w")
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(x, w)), y).mean()
    f = sg.function([x, y], cost, updates=[(w, w - 0.1 * T.grad(cost, w))])
    return f, [normal(3000, 50), np.zeros(3000, "int32")]


def looped() -> tuple[sg.Function, list[Any]]:
    x = T.fmatrix("x")
    rows, _ = sg.scan(lambda row, acc: T.tanh(row + acc), sequences=[x], outputs_info=[x[0]])
    return sg.function([x], T.grad(rows.sum(), x)), [normal(200, 500)]


def in_parts() -> tuple[sg.Function, list[Any]]:
    x = T.fmatrix("x")
    return sg.function([x], T.fft.rfft(T.exp(x)).real * 2), [normal(300, 256)]


@pytest.mark.parametrize("make", [elementwise, training_step, looped], ids=lambda f: f.__name__)
def test_the_peak_is_what_is_measured(make: Callable[[], tuple[sg.Function, list[Any]]]) -> None:
    f, arrays = make()
    told = f.memory([a.shape for a in arrays])
    measured, _ = traced_peak(f, *arrays)
    assert not told.unknown
    assert made(told) <= measured <= made(told) + 50_000
    inside = sum(a.nbytes for a in arrays) + sum(s.get_value().nbytes for s in f.shared)
    assert told.peak == made(told) + inside + told.total("constant") + told.total("work space")


def test_parts_that_python_runs_are_counted_as_far_as_their_sizes_are_known() -> None:
    f, arrays = in_parts()
    told = f.memory([arrays[0].shape])
    assert told.total("argument") == arrays[0].nbytes
    assert told.total("output") >= arrays[0].nbytes
    assert told.unknown


def test_shapes_by_name_and_values() -> None:
    x, n = T.fvector("x"), T.lscalar("n")
    f = sg.function([x, n], T.alloc(x.sum(), n))
    told = f.memory({"x": (5,), n: 1000})
    assert told.total("output") == 4000
    assert not told.unknown
    assert [held.role for held in f.memory([(5,), ()]).unknown] == ["output"]
    with pytest.raises(sg.errors.MissingArgumentError):
        f.memory([(5,)])


def test_blocks_come_with_the_users_lines() -> None:
    x, cost, grads = deep()
    text = str(sg.function([x], [cost, *grads]).memory([(100, 64)]))
    assert re.search(r"temporary in slot \d+ .*: float32 \(100, 64\)  \S*test_memory.py:\d+", text)
    assert re.search(r"shared W0: float32 \(64, 64\)", text)


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux")
@pytest.mark.parametrize("make", [T.argsort, T.sort], ids=lambda f: f.__name__)
def test_work_space_of_routines(make: Callable[..., Any]) -> None:
    x = T.fvector("x")
    f = sg.function([x], make(x))
    # Blocks of 34 MB and more are given back to the system, so each call takes new ones.
    big = RNG.normal(size=9_000_000).astype("float32")
    told = f.memory([big.shape])
    f(big[:100])
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    f(big)
    taken = resident("VmHWM") - before
    assert told.total("work space") >= 8 * big.size
    assert taken == pytest.approx(made(told) + told.total("work space"), rel=0.1)


def resident(field: str) -> int:
    (line,) = (s for s in STATUS.read_text().splitlines() if s.startswith(field))
    return int(line.split()[1]) * 1024


def test_every_formula_of_work_space_names_a_routine() -> None:
    for routine in FORMULAS:
        module, name = routine.split(":")
        path = Path(sg.__file__).parent.parent / f"{module.replace('.', '/')}.py"
        assert f"def {name}(" in path.read_text()


def test_a_limit_is_kept_by_computing_values_twice() -> None:
    x, cost, grads = deep()
    usual = sg.function([x], [cost, *grads])
    value = normal(3000, 64)
    peak, expected = traced_peak(usual, value)
    whole = usual.memory([value.shape]).peak
    limit = int(0.95 * whole)
    tight = sg.function([x], [cost, *grads], memory_limit=limit)
    told = tight.memory([value.shape])
    used, found = traced_peak(tight, value)
    assert told.peak <= limit < whole
    assert used <= made(told) + 50_000 < peak
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert computed(tight) > computed(usual)
    assert slots(tight) < slots(usual)


def computed(f: sg.Function) -> int:
    """How many nodes its kernels compute."""
    steps = (s for plan in f.trace.plans for s in plan.steps)
    return sum(len(s.nodes) for s in steps if isinstance(s, Launch))


def slots(f: sg.Function) -> int:
    """How many blocks the arena has."""
    return sum(len(plan.slots) for plan in f.trace.plans)


def test_the_least_that_is_possible_is_said_and_true() -> None:
    x, cost, grads = deep()
    value = normal(3000, 64)
    with pytest.raises(MemoryLimitError, match=r"the least that computing") as error:
        sg.function([x], [cost, *grads], memory_limit=1000)(value)
    least = int(re.search(r"memory_limit=(\d+)", str(error.value)).group(1))  # type: ignore[union-attr]
    f = sg.function([x], [cost, *grads], memory_limit=least)
    assert f.memory([value.shape]).peak == least
    expected = sg.function([x], [cost, *grads])(value)
    for a, b in zip(f(value), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_small_calls_run_the_usual_program() -> None:
    x, cost, grads = deep()
    usual = sg.function([x], [cost, *grads])
    limit = int(0.95 * usual.memory([(3000, 64)]).peak)
    f = sg.function([x], [cost, *grads], memory_limit=limit)
    f(normal(10, 64))
    assert computed(f) == computed(usual)
    f([[1.0] * 64])  # what is no array yet is converted first
    f(normal(3000, 64))
    assert computed(f) > computed(usual)


def test_a_limit_with_updates_and_with_python_between() -> None:
    x = T.fmatrix("x")
    total = sg.shared(np.float32(0), name="total")
    f = sg.function([x], [], updates=[(total, total + T.exp(x).sum())], memory_limit=100_000)
    f(np.zeros((10, 10), "float32"))
    assert total.get_value() == 100
    with pytest.raises(MemoryLimitError):
        f(np.zeros((1000, 1000), "float32"))
    assert total.get_value() == 100
    slow = sg.function([x], T.fft.rfft(T.exp(x)).real, memory_limit=100_000)
    slow(np.zeros((10, 10), "float32"))
    with pytest.raises(MemoryLimitError):
        slow(np.zeros((1000, 1000), "float32"))


def test_copies_and_pickles_keep_the_limit() -> None:
    x = T.fmatrix("x")
    f = sg.function([x], T.exp(x), memory_limit=1000).copy()
    with pytest.raises(MemoryLimitError):
        f(np.zeros((100, 100), "float32"))
