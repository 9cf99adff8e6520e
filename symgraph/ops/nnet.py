"""Functions of neural networks. Compositions: fusion makes each of them one kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import abs_, add, clip, maximum, mul, neg, sub, true_div
from symgraph.ops.barrier import disconnected_grad
from symgraph.ops.cast import cast
from symgraph.ops.compare import eq, gt
from symgraph.ops.create import arange
from symgraph.ops.elementary import exp, expm1, log, log1p, sigmoid, tanh
from symgraph.ops.index import subtensor
from symgraph.ops.reduce import max as max_over
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.types import DISCRETE, Tensor, as_tensor_variable, upgrade_to_float

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "confusion_matrix",
    "crossentropy_categorical_1hot",
    "crossentropy_softmax_1hot",
    "elu",
    "gelu",
    "hard_sigmoid",
    "logsoftmax",
    "relu",
    "selu",
    "sigmoid_binary_crossentropy",
    "silu",
    "softmax",
    "softsign",
    "to_one_hot",
    "ultra_fast_sigmoid",
]

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _floating(x: Any) -> Tensor:
    x = as_tensor_variable(x)
    return cast(x, upgrade_to_float(x.type.dtype))


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis, the largest element taken out first.

    >>> softmax([[0.0, 0.0]]).eval()
    array([[0.5, 0.5]])
    """
    e = exp(_centred(x, axis))
    return true_div(e, sum_over(e, axis, keepdims=True))


def _centred(x: Any, axis: int) -> Tensor:
    """x less its largest element, which cancels in what follows: no gradient flows through it."""
    x = _floating(x)
    return sub(x, disconnected_grad(max_over(x, axis, keepdims=True)))


def logsoftmax(x: Any, axis: int = -1) -> Tensor:
    """log(softmax(x)), exact where softmax underflows."""
    centred = _centred(x, axis)
    return sub(centred, log(sum_over(exp(centred), axis, keepdims=True)))


def relu(x: Any, alpha: Any = 0) -> Tensor:
    """x where it is positive, `alpha` times x elsewhere. The gradient at 0 is `alpha`'s side.

    >>> relu([-1.0, 2.0]).eval()
    array([0., 2.])
    """
    x = as_tensor_variable(x)
    if isinstance(alpha, int | float) and alpha == 0:
        return switch(gt(x, 0), x, 0)
    return switch(gt(x, 0), x, mul(alpha, x))


def elu(x: Any, alpha: Any = 1) -> Tensor:
    """x where it is positive, alpha (exp(x) - 1) elsewhere (Clevert et al., 2015)."""
    x = _floating(x)
    return switch(gt(x, 0), x, mul(alpha, expm1(x)))


def selu(x: Any) -> Tensor:
    """The self-normalising ELU (Klambauer et al., 2017)."""
    return mul(SELU_SCALE, elu(x, SELU_ALPHA))


def softsign(x: Any) -> Tensor:
    """x / (1 + |x|)."""
    x = _floating(x)
    return true_div(x, add(1, abs_(x)))


def hard_sigmoid(x: Any) -> Tensor:
    """Sigmoid in three straight pieces: clip(0.2 x + 0.5, 0, 1)."""
    return clip(add(mul(_floating(x), 0.2), 0.5), 0, 1)


def ultra_fast_sigmoid(x: Any) -> Tensor:
    """The sigmoid itself: here the exact function costs no more than Theano's approximation."""
    result: Tensor = sigmoid(x)
    return result


def gelu(x: Any) -> Tensor:
    """x times the normal distribution function, by its tanh form (Hendrycks and Gimpel, 2016)."""
    x = _floating(x)
    inner = mul(float(np.sqrt(2 / np.pi)), add(x, mul(0.044715, mul(x, mul(x, x)))))
    return mul(mul(0.5, x), add(1, tanh(inner)))


def silu(x: Any) -> Tensor:
    """x sigmoid(x)."""
    return mul(x, sigmoid(x))


def binary_crossentropy(output: Any, target: Any) -> Tensor:
    """-(t log(o) + (1 - t) log(1 - o)), elementwise; `output` lies in (0, 1)."""
    output, target = as_tensor_variable(output), as_tensor_variable(target)
    return neg(add(mul(target, log(output)), mul(sub(1.0, target), log(sub(1.0, output)))))


def sigmoid_binary_crossentropy(output: Any, target: Any) -> Tensor:
    """Binary cross-entropy of sigmoid(output), without overflow, elementwise."""
    output, target = _floating(output), as_tensor_variable(target)
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


def to_one_hot(y: Any, nb_class: Any, dtype: str | None = None) -> Tensor:
    """A row of zeros with a one at its class, for each element of a vector of classes."""
    classes = dimshuffle(arange(nb_class), "x", 0)
    return cast(eq(dimshuffle(as_tensor_variable(y), 0, "x"), classes), dtype or "floatX")


def confusion_matrix(actual: Any, pred: Any) -> list[Tensor]:
    """How often class i was taken for class j, for classes 0 to the largest, and the classes."""
    actual, pred = as_tensor_variable(actual), as_tensor_variable(pred)
    count = add(maximum(max_over(actual), max_over(pred)), 1)
    order = arange(count)
    rows = cast(eq(dimshuffle(actual, 0, "x"), dimshuffle(order, "x", 0)), "int64")
    columns = cast(eq(dimshuffle(pred, 0, "x"), dimshuffle(order, "x", 0)), "int64")
    return [rows.T.dot(columns), order]
