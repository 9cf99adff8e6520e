"""Costs of classifiers. Compositions: fusion and the rules of softmax make them fast and stable."""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.activations import floating, softmax
from symgraph.ops.arith import abs_, add, int_div, maximum, mod, mul, neg, sub
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq
from symgraph.ops.create import alloc, arange
from symgraph.ops.elementary import exp, log, log1p
from symgraph.ops.extrema import max as max_over
from symgraph.ops.extrema import max_and_argmax
from symgraph.ops.index import subtensor
from symgraph.ops.join import join
from symgraph.ops.linalg import batched_dot, dot, tensordot
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.reshape import flatten, reshape
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.types import DISCRETE, Tensor, as_tensor_variable

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "confusion_matrix",
    "crossentropy_categorical_1hot",
    "crossentropy_softmax_1hot",
    "crossentropy_softmax_1hot_with_bias",
    "crossentropy_softmax_max_and_argmax_1hot",
    "h_softmax",
    "prepend_0_to_each_row",
    "prepend_1_to_each_row",
    "prepend_scalar_to_each_row",
    "sigmoid_binary_crossentropy",
    "softmax_with_bias",
]


def binary_crossentropy(output: Any, target: Any) -> Tensor:
    """-(t log(o) + (1 - t) log(1 - o)), elementwise; `output` lies in (0, 1)."""
    output, target = as_tensor_variable(output), as_tensor_variable(target)
    return neg(add(mul(target, log(output)), mul(sub(1.0, target), log(sub(1.0, output)))))


def sigmoid_binary_crossentropy(output: Any, target: Any) -> Tensor:
    """Binary cross-entropy of sigmoid(output), without overflow, elementwise."""
    output, target = floating(output), as_tensor_variable(target)
    return add(sub(maximum(output, 0), mul(output, target)), log1p(exp(neg(abs_(output)))))


def categorical_crossentropy(coding_dist: Any, true_dist: Any) -> Tensor:
    """Cross-entropy of each row of a distribution: -sum(t log(p)).

    Parameters
    ----------
    coding_dist
        A matrix of probabilities, a row each case.
    true_dist
        A matrix of probabilities, or a vector of the right classes (integers).

    >>> categorical_crossentropy([[0.25, 0.75]], [0]).eval()
    array([1.38629436])
    """
    p, t = as_tensor_variable(coding_dist), as_tensor_variable(true_dist)
    ndim = p.type.ndim
    if t.type.ndim == ndim:
        return neg(sum_over(mul(t, log(p)), axis=ndim - 1))
    if t.type.ndim == 1 and ndim == 2 and t.type.dtype in DISCRETE:
        return neg(log(subtensor(p, (arange(shape_i(p, 0)), t))))
    raise GraphTypeError(
        "categorical_crossentropy takes rows of probabilities and either as many rows, or a vector"
        f" of classes (integers), not {p.type} and {t.type}"
    )


def crossentropy_categorical_1hot(coding_dist: Any, true_one_of_n: Any) -> Tensor:
    """-log of the probability of the right class, for each row."""
    return categorical_crossentropy(coding_dist, true_one_of_n)


def crossentropy_softmax_1hot(x: Any, y_idx: Any) -> list[Tensor]:
    """Cross-entropy of softmax(x) with classes `y_idx`, and softmax(x)."""
    p = softmax(x)
    return [categorical_crossentropy(p, y_idx), p]


def confusion_matrix(actual: Any, pred: Any) -> list[Tensor]:
    """How often class i was taken for class j, for classes 0 to the largest, and the classes.

    >>> confusion_matrix([0, 1, 1], [0, 1, 0])[0].eval()
    array([[1, 0],
           [1, 1]])
    """
    actual, pred = as_tensor_variable(actual), as_tensor_variable(pred)
    count = add(maximum(max_over(actual), max_over(pred)), 1)
    order = arange(count)
    rows = cast(eq(dimshuffle(actual, 0, "x"), dimshuffle(order, "x", 0)), "int64")
    columns = cast(eq(dimshuffle(pred, 0, "x"), dimshuffle(order, "x", 0)), "int64")
    return [rows.T.dot(columns), order]


def softmax_with_bias(x: Any, b: Any) -> Tensor:
    """softmax(x + b), a row of `x` at a time; `b` is a vector.

    >>> softmax_with_bias([[0.0, 0.0]], [1.0, 1.0]).eval()
    array([[0.5, 0.5]])
    """
    return softmax(add(as_tensor_variable(x), b))


def crossentropy_softmax_1hot_with_bias(x: Any, b: Any, y_idx: Any) -> list[Tensor]:
    """As `crossentropy_softmax_1hot` of x + b; `b` is a vector."""
    return crossentropy_softmax_1hot(add(as_tensor_variable(x), b), y_idx)


def crossentropy_softmax_max_and_argmax_1hot(x: Any, y_idx: Any) -> list[Tensor]:
    """The two of `crossentropy_softmax_1hot`, each row's largest probability and its class."""
    cost, p = crossentropy_softmax_1hot(x, y_idx)
    return [cost, p, *max_and_argmax(p, axis=-1)]


def prepend_scalar_to_each_row(val: Any, mat: Any) -> Tensor:
    """A matrix with a column in front that holds a scalar.

    >>> prepend_scalar_to_each_row(9.0, [[1.0], [2.0]]).eval()
    array([[9., 1.],
           [9., 2.]])
    """
    mat = as_tensor_variable(mat)
    column = alloc(cast(as_tensor_variable(val), mat.type.dtype), shape_i(mat, 0), 1)
    return join(1, column, mat)


def prepend_0_to_each_row(mat: Any) -> Tensor:
    """A matrix with a column of zeros in front."""
    return prepend_scalar_to_each_row(0, mat)


def prepend_1_to_each_row(mat: Any) -> Tensor:
    """A matrix with a column of ones in front."""
    return prepend_scalar_to_each_row(1, mat)


def h_softmax(
    x: Any,
    batch_size: Any,
    n_outputs: int,
    n_classes: int,
    n_outputs_per_class: int,
    W1: Any,
    b1: Any,
    W2: Any,
    b2: Any,
    target: Any = None,
) -> Tensor:
    """The two-level softmax: of a class of outputs, then of an output in it (Goodman, 2001).

    Parameters
    ----------
    x
        A matrix, a row each case.
    batch_size
        Its number of rows.
    n_outputs, n_classes, n_outputs_per_class
        Classes times outputs in each are n_outputs or more.
    W1, b1
        Weights (inputs, n_classes) and biases (n_classes,) of the classes.
    W2, b2
        Weights (n_classes, inputs, n_outputs_per_class) and biases (n_classes,
        n_outputs_per_class) of the outputs in their classes.
    target
        An output for each row. Only its probability is computed then, in time that grows with the
        square root of n_outputs; without it all probabilities are.

    Returns
    -------
    tensor
        Probabilities: a vector with `target`, else a matrix (batch_size, n_outputs).
    """
    x, weights = as_tensor_variable(x), as_tensor_variable(W2)
    classes = softmax(add(dot(x, W1), b1))
    if target is None:
        inner = softmax(add(tensordot(x, weights, [[1], [1]]), b2))
        whole = mul(dimshuffle(classes, 0, 1, "x"), inner)
        return subtensor(reshape(whole, (batch_size, -1)), (slice(None), slice(None, n_outputs)))
    target = flatten(as_tensor_variable(target))
    chosen, place = int_div(target, n_outputs_per_class), mod(target, n_outputs_per_class)
    rows = arange(shape_i(x, 0))
    scores = batched_dot(dimshuffle(x, 0, "x", 1), subtensor(weights, chosen))
    inner = softmax(add(reshape(scores, (shape_i(x, 0), -1)), subtensor(b2, chosen)))
    return mul(subtensor(classes, (rows, chosen)), subtensor(inner, (rows, place)))
