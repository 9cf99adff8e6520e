"""What a call takes is known before it runs, and can be limited."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import threading
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
from symgraph.runners import Warm
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


# --- borrowed outputs ----------------------------------------------------------------------------


def borrowing() -> sg.Function:
    x = T.fvector("x")
    return sg.function([x], sg.Out(2 * x + 1, borrow=True))


def ones(value: float, size: int = 5) -> Any:
    return np.full(size, value, "float32")


def test_a_borrowed_output_is_written_again_once_nobody_holds_it() -> None:
    f = borrowing()
    found = {id(f(ones(k))) for k in range(10)}
    assert len(found) <= 2
    for k in range(10):
        held = f(ones(k))
        assert held[0] == 2 * k + 1
    np.testing.assert_array_equal(f(ones(1, size=7)), ones(3, size=7))


def test_what_is_held_never_changes() -> None:
    f = borrowing()
    results = [f(ones(k)) for k in range(6)]
    views = [f(ones(k))[1:] for k in range(6)]
    exported = [memoryview(f(ones(k))) for k in range(6)]
    for k in range(6):
        assert results[k][0] == views[k][0] == exported[k][0] == 2 * k + 1
    chained = f(f(f(ones(1))))
    assert chained[0] == 15
    frozen = f(ones(1))
    frozen.flags.writeable = False
    del frozen
    assert all(f(ones(k)).flags.writeable for k in range(3))


def test_borrowed_outputs_in_copies_pickles_and_the_cache(tmp_path: Path) -> None:
    with sg.config(cache_dir=str(tmp_path)):
        _check_borrowing()


def _check_borrowing() -> None:
    plain = sg.function([x := T.fvector("x")], 2 * x + 1)
    first = borrowing()
    functions = [borrowing(), first.copy(), pickle.loads(pickle.dumps(first))]
    assert isinstance(functions[0]._run, Warm)
    for f in functions:
        assert len({id(f(ones(k))) for k in range(10)}) <= 2
        assert f.maker.outputs[0].borrow
    held = [plain(ones(k)) for k in range(10)]
    assert len({id(array) for array in held}) == 10


def test_borrowed_outputs_that_are_inputs_or_shared_variables() -> None:
    x, w = T.fmatrix("x"), sg.shared(np.ones((2, 3), "float32"), name="w")
    outputs = [sg.Out(v, borrow=True) for v in (x, x.T.T, x.flatten(), w, w[0], w + 1)]
    f = sg.function([x], [*outputs, w], updates=[(w, w + 1)])
    for k in range(1, 5):
        given = np.full((2, 3), k, "float32")
        results = f(given)
        assert not any(np.shares_memory(r, a) for r in results for a in (given, w.get_value(True)))
        assert [float(r.flat[0]) for r in results] == [k, k, k, k, k, k + 1, k]
        assert w.get_value()[0, 0] == k + 1


def test_threads_share_a_function_whose_outputs_are_borrowed() -> None:
    f, wrong = borrowing(), list[float]()

    def call(start: int) -> None:
        for k in range(start, start + 200):
            result = f(ones(k, size=20_000))
            if not (result == 2 * k + 1).all():
                wrong.append(k)

    threads = [threading.Thread(target=call, args=(1000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_failing_call_leaves_borrowed_arrays_alone() -> None:
    x, k = T.fvector("x"), T.lscalar("k")
    f = sg.function([x, k], sg.Out(x * x[k], borrow=True))
    held = f(ones(2), 0)
    for _ in range(5):
        with pytest.raises(sg.errors.IndexRangeError):
            f(ones(3), 9)
    assert held[0] == 4
    assert f(ones(3), 0)[0] == 9


FAULTS = """
import resource, sys
import numpy as np
import symgraph as sg
import symgraph.tensor as T

def faults(f, *args, calls=100):
    for _ in range(10):
        result = f(*args)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(calls):
        result = f(*args)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

sg.config.cache_dir = sys.argv[1]
rng = np.random.default_rng(0)
x, y, images = T.fmatrix("x"), T.ivector("y"), T.ftensor4("images")
normal = lambda *shape: rng.normal(size=shape).astype("float32")
W, V, K = (sg.shared(normal(*s) / 10) for s in ((784, 500), (500, 10), (8, 3, 5, 5)))
p = T.nnet.softmax(T.dot(T.tanh(T.dot(x, W)), V))
cost = T.nnet.categorical_crossentropy(p, y).mean()
updates = [(w, w - 0.1 * g) for w, g in zip((W, V), T.grad(cost, [W, V]))]
filtered = T.tanh(T.nnet.conv2d(images, K))
states, _ = sg.scan(lambda row, h: T.tanh(row + h), [x], [T.zeros_like(x[0])])
big = normal(3_000, 4_000)  # 48 MB, which the C library gives back
print(
    faults(sg.function([x, y], cost, updates=updates), normal(100, 784), np.zeros(100, "int32")),
    faults(sg.function([images], T.grad(T.sqr(filtered).sum(), K)), normal(16, 3, 32, 32)),
    faults(sg.function([x], T.grad(states.sum(), x)), normal(200, 500)),
    faults(sg.function([x], sg.Out(2 * x + 1, borrow=True)), big, calls=10),
    faults(sg.function([x], 2 * T.sort(x.flatten())), normal(300, 1000), calls=20),
)
"""


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux")
def test_calls_that_repeat_take_no_new_pages(own_cache: Path) -> None:
    command = [sys.executable, "-c", FAULTS, str(own_cache)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert all(int(found) <= 10 for found in run.stdout.split()), run.stdout
