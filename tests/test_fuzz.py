"""Random graphs: native code against the interpreter, gradients against finite differences.

`pytest tests/test_fuzz.py --fuzz 20000` draws more graphs than the 500 of an ordinary run.
A failing graph is named by its seed; `--fuzz-seed N` runs that one alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends import pool, threads
from symgraph.errors import MemoryLimitError
from symgraph.families import Example, Loop, TensorOp
from symgraph.graph import Variable
from symgraph.interpret import interpret
from symgraph.ops.barrier import Barrier
from symgraph.runners import Native
from tests.catalogue import draw, examples, op_classes

BATCH = 5  # graphs compiled together: one function, many outputs
SAMPLED = 50  # of so many graphs the first batch is also compiled by numba
SHAPES = [(3, 4), (4,), (1, 4), (3, 1), (2, 3, 4), ()]
SIZES = {"float32": 1e-3, "float64": 1e-9}

Maker = Callable[[np.random.Generator, list[Variable]], Variable]


def unary(op: Callable[[Variable], Variable]) -> Maker:
    return lambda rng, pool: op(pick(rng, pool))


def pick(rng: np.random.Generator, pool: list[Variable], ndim: int | None = None) -> Variable:
    """A value of the pool, recent ones more often."""
    fitting = [v for v in pool if ndim is None or v.ndim == ndim] or pool[:1]
    return fitting[-1 - int(rng.integers(0, len(fitting)) ** 2 // max(len(fitting), 1))]


def binary(op: Callable[[Variable, Variable], Variable]) -> Maker:
    def make(rng: np.random.Generator, pool: list[Variable]) -> Variable:
        x = pick(rng, pool)
        partners = [v for v in pool if broadcasts(x, v)]
        return op(x, partners[int(rng.integers(len(partners)))])

    return make


def broadcasts(x: Variable, y: Variable) -> bool:
    """Whether the static shapes of two values fit together."""
    pairs = zip(x.type.shape[::-1], y.type.shape[::-1], strict=False)
    return all(a == b or 1 in (a, b) for a, b in pairs)


def reduction(op: Callable[..., Variable]) -> Maker:
    def make(rng: np.random.Generator, pool: list[Variable]) -> Variable:
        x = pick(rng, pool)
        axes = [a for a in range(x.ndim) if rng.random() < 0.5] or None
        return op(x, axis=axes, keepdims=bool(rng.integers(2)))

    return make


def transposed(rng: np.random.Generator, pool: list[Variable]) -> Variable:
    x = pick(rng, pool)
    order = [int(a) for a in rng.permutation(x.ndim)]
    if rng.random() < 0.3:
        order.insert(int(rng.integers(x.ndim + 1)), "x")
    return x.dimshuffle(*order) if len(order) < 5 else x


def sliced(rng: np.random.Generator, pool: list[Variable]) -> Variable:
    x = pick(rng, pool)
    index = []
    for size in x.type.shape:
        kind = rng.integers(4)
        if kind == 0 and x.ndim > 1 and size:
            index.append(int(rng.integers(-size, size)))
        elif kind == 1:
            index.append(slice(None, None, int(rng.choice([-2, -1, 1, 2]))))
        else:
            index.append(slice(int(rng.integers(-2, 1)) or None, None))
    return x[tuple(index)] if index else x


def looked_up(rng: np.random.Generator, pool: list[Variable]) -> Variable:
    x = pick(rng, pool)
    if x.ndim == 0 or not x.type.shape[0]:
        return x
    size = x.type.shape[0]
    return x[T.constant(rng.integers(-size, size, int(rng.integers(1, 5))))]


def written(rng: np.random.Generator, pool: list[Variable]) -> Variable:
    x = pick(rng, pool)
    if x.ndim == 0 or not x.type.shape[0]:
        return x
    op = T.set_subtensor if rng.integers(2) else T.inc_subtensor
    return op(x[int(rng.integers(x.type.shape[0])) :: 2], 0.5)


def reshaped(rng: np.random.Generator, pool: list[Variable]) -> Variable:
    x = pick(rng, pool)
    return x.flatten() if rng.integers(2) or x.ndim < 2 else x.reshape((-1, x.type.shape[-1] or 1))


def product(rng: np.random.Generator, pool: list[Variable]) -> Variable:
    x = pick(rng, pool, ndim=2)
    return T.dot(x, x.T) if x.ndim == 2 else x * 2


def joined(rng: np.random.Generator, pool: list[Variable]) -> Variable:
    x = pick(rng, pool)
    return T.concatenate([x, x * 0.5], axis=int(rng.integers(x.ndim))) if x.ndim else x


# How any number becomes one of a domain that ops declare.
DOMAINS: dict[str, Callable[[Variable], Variable]] = {
    "real": lambda x: x,
    "positive": lambda x: 0.4 + T.sqr(T.tanh(x)),
    "negative": lambda x: -0.4 - T.sqr(T.tanh(x)),
    "unit": lambda x: 0.9 * T.tanh(x),
    "above1": lambda x: 1.2 + T.sqr(T.tanh(x)),
    "nonzero": lambda x: 0.5 + T.sqr(x),
    "small": lambda x: 0.5 * T.tanh(x),
    "probability": lambda x: 0.1 + 0.8 * T.nnet.sigmoid(x),
}


def is_drawn(kind: type[TensorOp], example: Example) -> bool:
    """Whether random values suit an op: it cannot refuse them, and has the gradient it computes."""
    known = all(
        not s.differentiable or (s.domain in DOMAINS and s.dtype in ("float32", "float64"))
        for s in example.inputs
    )
    steady = getattr(kind, "failure", None) is None and not issubclass(kind, Barrier | Loop)
    return known and steady and any(s.differentiable for s in example.inputs)


DECLARED = [
    example for kind in op_classes() for example in examples(kind) if is_drawn(kind, example)
]


def refitted(x: Variable, shape: tuple[int, ...]) -> Variable:
    """The elements of a value, repeated or cut off, in another shape."""
    size, count = int(np.prod(x.type.shape)), int(np.prod(shape))
    return x.flatten()[T.constant(np.arange(count) % size)].reshape(shape)


def declared(rng: np.random.Generator, pool: list[Variable]) -> Variable:
    """An op of the catalogue as one of its examples applies it, on values of the pool."""
    example = DECLARED[int(rng.integers(len(DECLARED)))]
    operands = [
        T.cast(DOMAINS[s.domain](refitted(pick(rng, pool), s.shape)), s.dtype)
        if s.differentiable
        else T.constant(draw(s, rng))
        for s in example.inputs
    ]
    made = example.op(*operands)
    out = made[0] if isinstance(made, list) else made
    real = out.real if out.dtype.startswith("complex") else out
    return T.tanh(T.cast(real, pool[0].dtype))


MAKERS: list[Maker] = [
    *[declared] * 12,
    *map(unary, (T.tanh, T.exp, T.sin, T.sqr, T.nnet.sigmoid, T.nnet.softplus, T.nnet.relu, T.neg)),
    *map(unary, (lambda x: T.log(T.sqr(x) + 1), lambda x: T.sqrt(T.sqr(x) + 0.1), T.abs_)),
    *map(unary, (lambda x: T.nnet.softmax(x) if x.ndim == 2 else x, lambda x: x / (1 + T.sqr(x)))),
    *map(binary, (T.add, T.sub, T.mul, T.maximum, T.minimum)),
    binary(lambda x, y: T.switch(T.gt(x, y), x, y * 2)),
    binary(lambda x, y: x / (T.sqr(y) + 0.5)),
    *map(reduction, (T.sum, T.mean, T.max, T.min)),
    transposed, sliced, looked_up, written, reshaped, product, joined,
]  # fmt: skip


def draw_graph(seed: int) -> tuple[list[np.ndarray], list[Variable], Variable]:
    """Values, inputs and a scalar cost of a random graph."""
    rng = np.random.default_rng(seed)
    dtype = "float32" if seed % 4 == 0 else "float64"
    shapes = [SHAPES[int(k)] for k in rng.integers(len(SHAPES), size=3)]
    arrays = [np.asarray(rng.normal(size=s)).astype(dtype) for s in shapes]
    inputs = [T.tensor(dtype, shape=s, name=f"x{k}") for k, s in enumerate(shapes)]
    pool, loose = list(inputs), list[Variable]()  # values of known sizes, and those of others
    for _ in range(int(rng.integers(2, 14))):
        made = MAKERS[int(rng.integers(len(MAKERS)))](rng, pool)
        if made.ndim < 5 and 0 not in made.type.shape:
            bounded = T.cast(T.tanh(made), dtype) if rng.random() < 0.2 else made
            (loose if None in made.type.shape else pool).append(bounded)
    cost = sum(T.cast(v, "float64").sum() * 0.1 for v in [*pool[-3:], *loose])
    return arrays, inputs, cost


def seeds(config: pytest.Config) -> list[range]:
    one = config.getoption("--fuzz-seed")
    if one is not None:
        return [range(one, one + 1)]
    count = config.getoption("--fuzz")
    return [range(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "batch" in metafunc.fixturenames:
        metafunc.parametrize("batch", seeds(metafunc.config), ids=lambda r: f"{r.start}-{r.stop}")


@pytest.fixture
def one_or_two_threads(batch: range, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every other batch is run by two threads, which share the smallest of launches."""
    count = 1 + batch.start // BATCH % 2
    monkeypatch.setattr(threads, "MIN_WORK", 1)
    threads.set_threads(1)  # so that the next compile starts anew
    threads._pool.words[pool.GRAIN] = 1
    with sg.config(threads=count):
        yield
    threads._pool.words[pool.GRAIN] = threads.GRAIN
    threads.set_threads(1)


@pytest.mark.usefixtures("one_or_two_threads")
def test_random_graphs(batch: range) -> None:
    graphs = [draw_graph(seed) for seed in batch]
    arrays = [a for g in graphs for a in g[0]]
    inputs = [v for g in graphs for v in g[1]]
    outputs, owners = [], []
    for seed, (_, own, cost) in zip(batch, graphs, strict=True):
        results = [cost, *T.grad(cost, own, disconnected_inputs="ignore")]
        outputs += results
        owners += [seed] * len(results)
    values = dict(zip(inputs, arrays, strict=True))
    expected = interpret(outputs, values)
    for backend in ("llvm", "numba") if batch.start % SAMPLED == 0 else ("llvm",):
        compiled = sg.function(
            inputs, outputs, mode=sg.Mode(backend=backend), on_unused_input="ignore"
        )
        for seed, f, e in zip(owners, compiled(*arrays), expected, strict=True):
            tolerance = SIZES["float32" if seed % 4 == 0 else "float64"]
            scale = max(1.0, float(np.abs(e).max(initial=0)))
            message = f"seed {seed} by {backend}"
            np.testing.assert_allclose(
                f, e, rtol=tolerance, atol=tolerance * scale, err_msg=message
            )
    if batch.start % SAMPLED == 0:
        check_limit(batch.start, *graphs[0])
        again = sg.function(inputs, outputs, on_unused_input="ignore")
        first = sg.function(inputs, outputs, on_unused_input="ignore", memory_limit=10**9)
        native = [type(runner) for runner in first.trace.runners] == [Native]
        assert (list(again.seconds) == ["found"]) == native
        for a, b in zip(again(*arrays), first(*arrays), strict=True):
            np.testing.assert_array_equal(a, b)
    for seed, (own_arrays, own, cost) in zip(batch, graphs, strict=True):
        if seed % 4:
            check_slope(seed, own_arrays, own, cost)


def check_limit(
    seed: int, arrays: list[np.ndarray], inputs: list[Variable], cost: Variable
) -> None:
    """A graph and its gradients in as little memory as possible."""
    outputs = [cost, *T.grad(cost, inputs, disconnected_inputs="ignore")]
    expected = interpret(outputs, dict(zip(inputs, arrays, strict=True)))
    with pytest.raises(MemoryLimitError) as error:
        sg.function(inputs, outputs, memory_limit=1, on_unused_input="ignore")(*arrays)
    least = int(str(error.value).partition("memory_limit=")[2].split()[0].rstrip("."))
    f = sg.function(inputs, outputs, memory_limit=least, on_unused_input="ignore")
    tolerance = SIZES["float32" if seed % 4 == 0 else "float64"]
    for found, wanted in zip(f(*arrays), expected, strict=True):
        scale = tolerance * max(1.0, float(np.abs(wanted).max(initial=0)))
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=scale, err_msg=f"{seed}")
    assert f.memory(arrays).peak <= least


def check_slope(
    seed: int, arrays: list[np.ndarray], inputs: list[Variable], cost: Variable
) -> None:
    """The derivative along a random direction, unless a kink lies within the step."""
    rng = np.random.default_rng(seed + 10**6)
    directions = [rng.normal(size=a.shape) for a in arrays]
    gradients = T.grad(cost, inputs, disconnected_inputs="ignore")
    slope = sum(
        float((g * d).sum())
        for g, d in zip(
            interpret(gradients, dict(zip(inputs, arrays, strict=True))), directions, strict=True
        )
    )
    estimates = [difference(cost, inputs, arrays, directions, step) for step in (1e-5, 1e-6)]
    if abs(estimates[0] - estimates[1]) > 1e-4 * (1 + abs(slope)):
        return
    assert abs(slope - estimates[1]) <= 1e-3 * (1 + abs(slope)), f"seed {seed}"


def difference(cost: Variable, inputs: list, arrays: list, directions: list, step: float) -> float:
    values = []
    for sign in (1, -1):
        moved = [a + sign * step * d for a, d in zip(arrays, directions, strict=True)]
        values.append(float(interpret([cost], dict(zip(inputs, moved, strict=True)))[0]))
    return (values[0] - values[1]) / (2 * step)
