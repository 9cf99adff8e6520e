"""Random indices of all kinds against NumPy: read, set, increased, and differentiated.

`pytest tests/test_random_indices.py --fuzz 5000` draws more than the 120 of an ordinary run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.graph import Variable
from symgraph.interpret import interpret

BATCH = 10  # indices compiled together
SHAPES = [(5,), (4, 3), (3, 1, 4), (2, 3, 4), (2, 3, 2, 3)]


class Drawn:
    """An index as NumPy takes it, and as symgraph does: numbers and arrays may be inputs."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.shape = SHAPES[int(self.rng.integers(len(SHAPES)))]
        self.inputs: list[Variable] = []
        self.values: list[np.ndarray] = []
        self.known: list[Any] = []
        self.ours: list[Any] = []
        wide = tuple(int(n) for n in self.rng.integers(1, 4, int(self.rng.integers(1, 3))))
        self.wide = wide  # the shape index arrays broadcast to
        self.dots = False
        axis = 0
        while axis < len(self.shape):
            axis += self.entry(axis)
            if self.rng.random() < 0.15:
                break

    def add(self, numpys: Any, ours: Any) -> None:
        self.known.append(numpys)
        self.ours.append(ours)

    def entry(self, axis: int) -> int:
        """Draw one entry; how many axes it takes."""
        size, kind = self.shape[axis], int(self.rng.integers(9))
        if kind == 0:
            self.add(None, None)
            return 0
        if kind == 1 and not self.dots:
            self.dots = True
            skipped = int(self.rng.integers(0, len(self.shape) - axis + 1))
            self.add(Ellipsis, Ellipsis)
            rest = len(self.shape) - axis - skipped
            for k in range(len(self.shape) - rest, len(self.shape)):
                self.slice(self.shape[k])
            return len(self.shape) - axis
        if kind == 2 and axis + 1 < len(self.shape) and self.rng.random() < 0.5:
            self.mask(self.shape[axis : axis + 2])
            return 2
        if kind == 2:
            self.mask((size,))
        elif kind in (3, 4):
            self.array(size)
        elif kind == 5:
            at = int(self.rng.integers(-size, size))
            self.add(at, self.scalar(at))
        else:
            self.slice(size)
        return 1

    def scalar(self, value: int) -> Any:
        """A number, or an input that has it."""
        if self.rng.random() < 0.5:
            return value
        var = T.lscalar()
        self.inputs.append(var)
        self.values.append(np.asarray(value))
        return var

    def slice(self, size: int) -> None:
        step = int(self.rng.choice([-3, -2, -1, 1, 1, 2, 3]))
        bounds = [
            None if self.rng.random() < 0.4 else int(self.rng.integers(-size - 2, size + 3))
            for _ in range(2)
        ]
        ours = [None if b is None else self.scalar(b) for b in bounds]
        self.add(slice(*bounds, step), slice(*ours, self.scalar(step) if step != 1 else None))

    def array(self, size: int) -> None:
        shape = self.wide[int(self.rng.integers(len(self.wide))) :]
        if self.rng.random() < 0.3:
            shape = (*(1 if self.rng.random() < 0.4 else n for n in shape),)
        value = self.rng.integers(-size, size, shape)
        dtype = str(self.rng.choice(["int64", "int32", "int8"]))
        value = value.astype(dtype)
        if self.rng.random() < 0.4:
            self.add(value, value.tolist() if self.rng.random() < 0.5 else value)
            return
        var = T.tensor(dtype, shape=tuple(1 if n == 1 else None for n in shape))
        self.inputs.append(var)
        self.values.append(value)
        self.add(value, var)

    def mask(self, shape: tuple[int, ...]) -> None:
        """A mask of as many places as the index arrays are long, so that both go together."""
        count, total = self.wide[-1], int(np.prod(shape))
        if count > total:
            self.array(shape[0])
            for size in shape[1:]:
                self.slice(size)
            return
        flat = np.zeros(total, bool)
        flat[self.rng.permutation(total)[:count]] = True
        value = flat.reshape(shape)
        if self.rng.random() < 0.5:
            self.add(value, value)
            return
        var = T.tensor("bool", shape=(None,) * len(shape))
        self.inputs.append(var)
        self.values.append(value)
        self.add(value, var)


def seeds(config: pytest.Config) -> list[range]:
    one, count = config.getoption("--fuzz-seed"), config.getoption("--fuzz")
    if one is not None:
        return [range(one, one + 1)]
    count = 120 if count == 500 else count
    return [range(k, min(k + BATCH, count)) for k in range(0, count, BATCH)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "batch" in metafunc.fixturenames:
        metafunc.parametrize("batch", seeds(metafunc.config), ids=lambda r: f"{r.start}-{r.stop}")


def expected(x: np.ndarray, y: np.ndarray, drawn: Drawn) -> list[np.ndarray]:
    """The part, x with the part set to 7 and increased by y, the gradient of the sum of squares."""
    index = tuple(drawn.known)
    whole, more, slope = x.copy(), x.copy(), np.zeros_like(x)
    whole[index] = 7.0
    np.add.at(more, index, y)
    np.add.at(slope, index, 2 * x[index])
    return [x[index], whole, more, slope]


def test_random_indices(batch: range) -> None:
    inputs, arrays, outputs, wanted, owners = [], [], [], [], []
    for seed in batch:
        drawn = Drawn(seed)
        value = drawn.rng.normal(size=drawn.shape)
        part = value[tuple(drawn.known)]
        x = T.tensor("float64", shape=tuple(1 if n == 1 else None for n in drawn.shape), name="x")
        y = T.tensor("float64", shape=tuple(1 if n == 1 else None for n in part.shape), name="y")
        here = x[tuple(drawn.ours)]
        increase = drawn.rng.normal(size=part.shape)
        made = [here, here.set(7.0), here.inc(y), T.grad(T.sqr(here).sum(), x)]
        assert here.ndim == part.ndim, f"seed {seed}"
        inputs += [x, y, *drawn.inputs]
        arrays += [value, increase, *drawn.values]
        outputs += made
        wanted += expected(value, increase, drawn)
        owners += [f"seed {seed}: {what} {drawn.known}" for what in ("get", "set", "inc", "grad")]
    native = sg.function(inputs, outputs, on_unused_input="ignore")(*arrays)
    known = interpret(outputs, dict(zip(inputs, arrays, strict=True)))
    for owner, n, k, want in zip(owners, native, known, wanted, strict=True):
        np.testing.assert_allclose(n, want, rtol=1e-12, err_msg=owner)
        np.testing.assert_allclose(k, want, rtol=1e-12, err_msg=f"interpreted {owner}")


def test_one_element_with_a_new_axis_is_an_output() -> None:
    x = T.dvector("x")
    assert sg.function([x], x[None, 4])(np.arange(5.0)).tolist() == [4.0]


def test_all_of_a_tensor_can_be_set() -> None:
    x = T.dmatrix("x")
    for whole in (x[:], x[...], x[:, :]):
        f = sg.function([x], [whole.set(7.0), T.inc_subtensor(whole, x)])
        seven, twice = f(np.ones((2, 3)))
        np.testing.assert_array_equal(seven, np.full((2, 3), 7.0))
        np.testing.assert_array_equal(twice, np.full((2, 3), 2.0))
