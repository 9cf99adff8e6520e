"""Typical mistakes: each error says what is wrong, in which line, and what to do."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import errors

x, y, v, n = T.dmatrix("x"), T.dmatrix("y"), T.dvector("v"), T.lvector("n")
ONES = np.ones((2, 2))
W = sg.shared(np.zeros((3, 2)), name="W")
COUNT = sg.shared(0, name="count")
THREE = T.matrix("three", shape=(3, 3))


@sg.as_op([T.dvector], [T.dvector])
def backwards(a: Any) -> Any:
    return a[::-1].copy()


def doubled() -> Any:
    @sg.as_op([T.dvector], [T.dvector])
    def inner(a: Any) -> Any:
        return a * 2

    return inner


# What is done wrong, the class of the error, what it says of the cure.
MISTAKES: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "sizes that differ": (
        lambda: T.matrix(shape=(2, 3)) + THREE, errors.ShapeError, "reshape or transpose",
    ),
    "a product that does not fit": (
        lambda: T.dot(T.matrix(shape=(2, 4)), THREE), errors.ShapeError, "reshape or transpose",
    ),
    "an argument of another rank": (
        lambda: sg.function([x], x)(np.ones(3)), errors.InputTypeError, "reshape the array",
    ),
    "an argument of another dtype": (
        lambda: sg.function([n], n)(np.array([0.5])), errors.InputTypeError, r"astype\('int64'\)",
    ),
    "a missing input": (
        lambda: sg.function([x], x + y), errors.MissingInputError, "add it to the inputs",
    ),
    "an unused input": (
        lambda: sg.function([x, y], x), errors.UnusedInputError, "leave it out",
    ),
    "a missing argument": (
        lambda: sg.function([x, y], x + y)(ONES), errors.MissingArgumentError, "pass x, y",
    ),
    "an update of another dtype": (
        lambda: sg.function([], [], updates=[(COUNT, COUNT + 0.5)]), errors.UpdateError, "T.cast",
    ),
    "an update of another rank": (
        lambda: sg.function([], [], updates=[(W, W.sum())]), errors.UpdateError, "sum over fewer",
    ),
    "an update of an input": (
        lambda: sg.function([x], [], updates=[(x, x + 1)]), errors.UpdateError, "symgraph.shared",
    ),
    "two updates of one variable": (
        lambda: sg.function([], [], updates=[(W, W + 1), (W, W + 2)]),
        errors.DuplicateUpdateError, "combine",
    ),
    "updates that are no pairs": (
        lambda: sg.function([], [], updates=[W + 1]), errors.UpdateError, "write updates=",
    ),
    "a disconnected gradient": (
        lambda: T.grad(x.sum(), y), errors.DisconnectedInputError, "disconnected_inputs='ignore'",
    ),
    "a gradient by integers": (
        lambda: T.grad((T.cast(n, "float64") ** 2).sum(), n),
        errors.DisconnectedInputError, "cast it to a float",
    ),
    "a gradient of integers": (lambda: T.grad(n.sum(), n), errors.NonScalarCostError, "cast it"),
    "a gradient of a matrix": (
        lambda: T.grad(x**2, x), errors.NonScalarCostError, "sum or average it",
    ),
    "an axis that is not there": (
        lambda: x.sum(axis=2), errors.GraphTypeError, "axes are 0 to 1",
    ),
    "dimshuffle of too few axes": (
        lambda: v.dimshuffle(0, 1), errors.GraphTypeError, "'x', a new axis",
    ),
    "too many indices": (lambda: x[0, 0, 0], errors.GraphTypeError, "add axes with None"),
    "a Python condition": (lambda: bool(x.sum() > 0), errors.NotNumPyError, "T.switch"),
    "a loop of Python": (lambda: list(x), errors.NotNumPyError, "use scan"),
    "an assignment": (lambda: x.__setitem__(0, 1), errors.NotNumPyError, "T.set_subtensor"),
    "a function of NumPy": (lambda: np.exp(x), errors.NotNumPyError, "T.exp"),
    "an operator for integers": (lambda: x & y, errors.GraphTypeError, r"\(x > 0\) & \(y > 0\)"),
    "a step that changes its dtype": (
        lambda: sg.scan(lambda h: T.cast(h, "float32"), outputs_info=[T.zeros(())], n_steps=3),
        errors.GraphTypeError, r"return T.cast\(value, 'float64'\)",
    ),
    "a step that changes its rank": (
        lambda: sg.scan(lambda h: h + v, outputs_info=[T.zeros(())], n_steps=3),
        errors.GraphTypeError, "give it an initial value of 1 axes",
    ),
    "a step with other arguments": (
        lambda: sg.scan(lambda a, b: a, sequences=[x], outputs_info=[None]),
        errors.GraphTypeError, "passes 1 rows of sequences, 0 earlier values",
    ),
    "givens of another type": (
        lambda: sg.function([x], x.sum(), givens=[(x, v)]), errors.GraphTypeError, "reshape it",
    ),
    "a convolution of matrices": (
        lambda: T.nnet.conv2d(x, y), errors.GraphTypeError, r"x.dimshuffle\('x', 'x', 0, 1\)",
    ),
    "a branch of another rank": (
        lambda: sg.ifelse(v.sum() > 0, x, v), errors.GraphTypeError, "reshape one of them",
    ),
}  # fmt: skip
# Of these the traceback shows the line, since they hold no variable that was made in one.
PLAIN: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "too many arguments": (
        lambda: sg.function([x], x)(ONES, 1), errors.SurplusArgumentError, "takes 1 arguments",
    ),
    "another keyword": (
        lambda: sg.function([x], x)(z=ONES), errors.SurplusArgumentError, "its inputs are x",
    ),
    "None for a tensor": (lambda: x + None, errors.GraphTypeError, "array of numbers"),
    "rows of unequal length": (
        lambda: sg.shared([[1.0], [1.0, 2.0]]), errors.GraphTypeError, "rows equally long",
    ),
    "a gradient by a value": (
        lambda: T.grad(x.sum(), 3), errors.UnknownVariableError, "the symbolic variable",
    ),
    "a loop without an end": (
        lambda: sg.scan(lambda h: h + 1, outputs_info=[T.zeros(())]),
        errors.GraphTypeError, "needs n_steps",
    ),
    "a function in a function": (
        lambda: pickle.dumps(sg.function([v], doubled()(v))),
        errors.GraphTypeError, "at the top of a module",
    ),
    "a mode that is not there": (
        lambda: sg.function([x], x, mode="FAST"), errors.ConfigError, "the modes are fast_run",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_cure(name: str) -> None:
    act, kind, cure = MISTAKES[name]
    with pytest.raises(kind) as failure:
        act()
    message = str(failure.value)
    assert re.search(cure, message), message
    assert re.search(rf"{Path(__file__).name}:\d+ `", message), message


@pytest.mark.parametrize("name", PLAIN)
def test_a_mistake_without_a_line_is_told_with_its_cure(name: str) -> None:
    act, kind, cure = PLAIN[name]
    with pytest.raises(kind, match=cure):
        act()


def test_an_op_of_a_function_at_the_top_of_a_module_is_pickled() -> None:
    assert pickle.loads(pickle.dumps(backwards)) is backwards
    f = pickle.loads(pickle.dumps(sg.function([v], backwards(v))))
    np.testing.assert_array_equal(f([1.0, 2.0]), [2.0, 1.0])


@pytest.mark.parametrize("reduce", [T.sum, T.prod, T.mean])
def test_imaginary_parts_are_not_lost_unnoticed(reduce: Callable[..., Any]) -> None:
    z = T.zvector("z")
    with pytest.raises(errors.GraphTypeError, match=r"(?s)imaginary.*T\.real") as error:
        reduce(z, dtype="float64")
    assert "test_mistakes.py" in str(error.value)
    with pytest.raises(errors.GraphTypeError, match="as float64"):
        reduce(z, acc_dtype="float64")
    assert reduce(z, dtype="complex64").dtype == "complex64"
