"""Variables as users meet them: constructors, types, operators, and what only looks like NumPy."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.config import config
from symgraph.errors import GraphTypeError, NotNumPyError, ShapeError
from symgraph.interpret import interpret
from symgraph.types import TensorType

x, n, m = T.dvector("x"), T.lvector("n"), T.dmatrix("m")
X = np.array([1.5, -2.0, 0.25])

PREFIXES = {"b": "int8", "w": "int16", "i": "int32", "l": "int64", "f": "float32", "d": "float64"}
MORE = {"c": "complex64", "z": "complex128", "ub": "uint8", "uw": "uint16", "ui": "uint32"}
RANKS = {"scalar": 0, "vector": 1, "matrix": 2, "tensor3": 3, "tensor4": 4, "tensor5": 5}


@pytest.mark.parametrize("prefix", [*PREFIXES, *MORE])
def test_constructors(prefix: str) -> None:
    for name, rank in RANKS.items():
        var = getattr(T, prefix + name)("v")
        assert (var.dtype, var.ndim, var.name) == ((PREFIXES | MORE)[prefix], rank, "v")
    assert getattr(T, f"{prefix}row")().broadcastable == (True, False)
    assert getattr(T, f"{prefix}col")().broadcastable == (False, True)


def test_constructors_of_several() -> None:
    assert [v.name for v in T.matrices("a b")] == ["a", "b"]
    assert [v.name for v in T.fvectors("a", "b", "c")] == ["a", "b", "c"]
    assert [v.ndim for v in T.scalars(3)] == [0, 0, 0]


def test_declared_shapes() -> None:
    v = T.matrix("v", shape=("batch", 784))
    assert v.type.shape == ("batch", 784)
    assert str(v.type) == "TensorType(float64, (batch, 784))"
    assert T.tensor("int8", shape=(2, None)).type == TensorType("int8", (2, None))
    with pytest.raises(GraphTypeError, match="has 2 axes, but"):
        T.matrix(shape=(3,))
    with pytest.raises(GraphTypeError, match="no tensor dtype"):
        T.tensor("float80", shape=(3,))
    with pytest.raises(ShapeError, match=r"3 and 4|sizes"):
        T.vector(shape=(3,)) + T.vector(shape=(4,))


def test_python_numbers_are_weak() -> None:
    f = T.fvector("f")
    assert (f * 0.1).dtype == "float32"
    assert (f + 1).dtype == (2 * f).dtype == "float32"
    assert (n + 1).dtype == "int64"
    assert (T.bvector() * 2).dtype == "int8"
    assert (n * 0.5).dtype == "float64"
    with config(floatX="float32"):
        assert (T.wvector() * 0.5).dtype == "float32"
        assert (n / 2).dtype == "float32"
    assert (f + np.float64(1)).dtype == "float64"


BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.lt, operator.le, operator.gt, operator.ge,
]  # fmt: skip


@pytest.mark.parametrize("op", BINARY, ids=lambda f: f.__name__)
def test_operators_with_either_side_a_number_or_array(op: Callable[..., Any]) -> None:
    other = np.array([2.0, 3.0, 0.5])
    for left, right, want in (
        (x, x + 3, op(X, X + 3)),
        (x, 2.0, op(X, 2.0)),
        (2.0, T.abs_(x), op(2.0, np.abs(X))),
        (other, T.abs_(x), op(other, np.abs(X))),
    ):
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(interpret([op(left, right)], {x: X})[0], want, rtol=1e-12)


@pytest.mark.parametrize(
    "op", [operator.and_, operator.or_, operator.xor], ids=lambda f: f.__name__
)
def test_bit_operators(op: Callable[..., Any]) -> None:
    at = np.array([1, 6, -3])
    assert interpret([op(n, 5)], {n: at})[0].tolist() == op(at, 5).tolist()
    assert interpret([op(n > 0, n < 5)], {n: at})[0].tolist() == op(at > 0, at < 5).tolist()
    assert interpret([~n], {n: at})[0].tolist() == (~at).tolist()


METHODS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda a: a.sum(0),
    "prod": lambda a: a.prod(),
    "mean": lambda a: a.mean(1),
    "var": lambda a: a.var(0),
    "std": lambda a: a.std(),
    "max": lambda a: a.max(1),
    "min": lambda a: a.min(),
    "argmax": lambda a: a.argmax(1),
    "argmin": lambda a: a.argmin(),
    "any": lambda a: (a > 1).any(0),
    "all": lambda a: (a > 1).all(1),
    "T": lambda a: a.T,
    "reshape": lambda a: a.reshape((3, 2)),
    "flatten": lambda a: a.flatten(),
    "transpose": lambda a: a.transpose(1, 0),
    "dot": lambda a: a.dot(a.T),
    "matmul": lambda a: a @ a.T,
    "clip": lambda a: a.clip(0.5, 2),
    "astype": lambda a: a.astype("int32"),
    "slices": lambda a: a[1:, ::-1],
    "look-up": lambda a: a[[1, 0, 1]],
    "pairs": lambda a: a[[0, 1], [2, 0]],
    "new axes": lambda a: a[:, None, 1:],
    "ellipsis": lambda a: a[..., 0],
    "negative": lambda a: a[-1, -2],
    "take": lambda a: a.take([0, 2], axis=1),
    "round": lambda a: a.round(),
    "diagonal": lambda a: a.diagonal(),
    "trace": lambda a: a.trace(),
    "ptp": lambda a: a.max(0) - a.min(0),
    "shape": lambda a: a.shape[0] * a.shape[1],
    "size": lambda a: a.size,
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_numpys(name: str) -> None:
    value = np.array([[1.5, -2.0, 0.25], [3.0, 0.5, 2.5]])
    want = np.asarray(METHODS[name](value))
    found = sg.function([m], METHODS[name](m))(value)
    np.testing.assert_allclose(found, want, rtol=1e-12)
    assert found.shape == want.shape


LOOKALIKES: dict[str, tuple[Callable[[], Any], str]] = {
    "if": (lambda: 1 if x > 0 else 0, "T.switch"),
    "bool": (lambda: bool(x), "T.switch"),
    "and": (lambda: x > 0 and x < 1, "&"),
    "chain": (lambda: 0 < x < 1, "&"),
    "assignment": (lambda: operator.setitem(x, 0, 1), r"set_subtensor"),
    "iteration": (lambda: list(x), "scan"),
    "len": (lambda: len(x), r"x.shape\[0\]"),
    "float": (lambda: float(x), "eval"),
    "int": (lambda: int(x), "eval"),
    "range": (lambda: range(n), "T.arange"),
    "list index": (lambda: [1, 2][n], "T.arange"),
    "in": (lambda: 3 in x, "T.eq"),
    "numpy": (lambda: np.exp(x), "T.exp"),
    "asarray": (lambda: np.asarray(x), "symgraph.tensor"),
}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_what_only_looks_like_numpy(name: str) -> None:
    act, cure = LOOKALIKES[name]
    with pytest.raises(TypeError, match=cure) as caught:
        act()
    if isinstance(caught.value, NotNumPyError):
        assert "made at" in str(caught.value)


def test_known_sizes_allow_more() -> None:
    fixed = T.matrix(shape=(2, None))
    assert len(fixed) == 2
    a, b = fixed
    assert a.ndim == b.ndim == 1


def test_indices_that_make_no_sense() -> None:
    with pytest.raises(GraphTypeError, match="2 indices for x of 1 axes"):
        x[0, 0]
    with pytest.raises(GraphTypeError, match="index is an integer"):
        x[0.5]
    with pytest.raises(GraphTypeError, match="step 0"):
        x[::0]


def test_set_and_inc() -> None:
    f = sg.function([x], [x[1:].set(7), x[[0, 0]].inc(1.0), T.set_subtensor(x[0], x[1])])
    assert [r.tolist() for r in f(X)] == [[1.5, 7, 7], [3.5, -2, 0.25], [-2, -2, 0.25]]


def test_walks() -> None:
    a = T.exp(x)
    z = a + a * 2
    assert [str(node.op) for node in sg.graph.toposort([z])] == ["Exp", "Mul", "Add"]
    assert x in set(sg.graph.ancestors([z]))
    assert [v for v in sg.graph.inputs([z]) if v.name] == [x]


def test_names_and_places_travel() -> None:
    z = T.exp(x)
    z.name = "z"
    z.tag.test_value = 3
    assert z.made_at.file == __file__
    again = sg.clone(z)
    assert (again.name, again.tag.test_value, again.made_at) == ("z", 3, z.made_at)


def test_functions_that_are_methods_too() -> None:
    value = np.array([[3.0, 0.0, 2.0], [1.0, 5.0, 0.0]])
    x = T.dmatrix("x")
    ours = [
        x.cumsum(1), x.cumprod(), x.sort(0), x.argsort(), x.repeat(2, 1), x.nonzero()[1],
        x.nonzero_values(), x[0].sort().searchsorted([1.0, 9.0]), x.compress([0, 1], 0),
        x.ptp(1), x.mT, x.conjugate(), T.constant([1, 0, 1]).choose([x[0], x[1]]), x.trace(1),
    ]  # fmt: skip
    numpys = [
        value.cumsum(1), value.cumprod(), np.sort(value, 0), value.argsort(), value.repeat(2, 1),
        value.nonzero()[1], value[value != 0], np.searchsorted([0.0, 2.0, 3.0], [1.0, 9.0]),
        value.compress([0, 1], 0), np.ptp(value, 1), value.T, value,
        np.array([1, 0, 1]).choose([value[0], value[1]]), value.trace(1),
    ]  # fmt: skip
    for found, want in zip(sg.function([x], ours)(value), numpys, strict=True):
        np.testing.assert_array_equal(found, want)
