"""Ops of `theano.tensor.nnet.nnet`: softmax, and cross-entropy with labels that are numbers."""

from __future__ import annotations

from typing import Any

from symgraph.compat.standins.base import OpClass
from symgraph.dataclass import dataclass
from symgraph.graph import Op
from symgraph.nnet import (
    crossentropy_categorical_1hot,
    crossentropy_softmax_1hot_with_bias,
    logsoftmax,
    prepend_scalar_to_each_row,
    softmax,
    softmax_with_bias,
)
from symgraph.tensor import (
    CheckAndRaise,
    and_,
    arange,
    argmax,
    ge,
    inc_subtensor,
    lt,
    max_and_argmax,
    shape_padleft,
    zeros_like,
)
from symgraph.types import as_tensor_variable

Kinds = tuple[type[Op], ...]


def rows_of(x: Any) -> Any:
    """A matrix; a vector counts as its only row."""
    x = as_tensor_variable(x)
    return shape_padleft(x) if x.type.ndim == 1 else x


def _labels(y_idx: Any, classes: Any) -> Any:
    """Labels, a ValueError when it runs unless each is the number of a class."""
    labels = as_tensor_variable(y_idx)
    inside = and_(ge(labels, 0), lt(labels, classes)).all()
    return CheckAndRaise(ValueError, "labels are numbers of classes")(labels, inside)


@dataclass(frozen=True)
class Softmax(OpClass):
    """The softmax of rows."""

    def apply(self, x: Any) -> Any:
        """A matrix."""
        return softmax(rows_of(x))


@dataclass(frozen=True)
class LogSoftmax(OpClass):
    """The logarithm of the softmax of rows, without overflow."""

    def apply(self, x: Any) -> Any:
        """A matrix."""
        return logsoftmax(rows_of(x))


@dataclass(frozen=True)
class SoftmaxWithBias(OpClass):
    """The softmax of rows to which a vector is added."""

    def apply(self, x: Any, b: Any) -> Any:
        """A matrix."""
        return softmax_with_bias(x, b)


@dataclass(frozen=True)
class SoftmaxGrad(OpClass):
    """The cotangent of rows from that of their softmax `sm`."""

    def apply(self, dy: Any, sm: Any) -> Any:
        """A matrix."""
        dy, sm = rows_of(dy), rows_of(sm)
        return dy * sm - (dy * sm).sum(axis=1, keepdims=True) * sm


@dataclass(frozen=True)
class CrossentropySoftmaxArgmax1HotWithBias(OpClass):
    """Cross-entropy of softmax(x + b) with labels, the softmax, and each row's best class."""

    def apply(self, x: Any, b: Any, y_idx: Any) -> Any:
        """A vector, a matrix, and a vector of the labels' dtype."""
        labels = _labels(y_idx, as_tensor_variable(x).shape[1])
        cost, p = crossentropy_softmax_1hot_with_bias(x, b, labels)
        return [cost, p, argmax(p, axis=1).astype(labels.type.dtype)]


@dataclass(frozen=True)
class CrossentropySoftmax1HotWithBiasDx(OpClass):
    """The cotangent of rows from that of their cross-entropy, which is sm - onehot(labels)."""

    def apply(self, dy: Any, sm: Any, y_idx: Any) -> Any:
        """A matrix."""
        dy, sm = as_tensor_variable(dy), as_tensor_variable(sm)
        labels = _labels(y_idx, sm.shape[1])
        less = inc_subtensor(sm[arange(sm.shape[0]), labels], -1)
        return less * (dy.dimshuffle(0, "x") if dy.type.ndim == 1 else dy)


@dataclass(frozen=True)
class CrossentropyCategorical1Hot(OpClass):
    """-log of the probability of the right class, for each row."""

    def apply(self, coding_dist: Any, true_one_of_n: Any) -> Any:
        """A vector."""
        return crossentropy_categorical_1hot(coding_dist, true_one_of_n)


@dataclass(frozen=True)
class CrossentropyCategorical1HotGrad(OpClass):
    """The cotangent of the probabilities from that of their cross-entropy."""

    def apply(self, g_y: Any, coding_dist: Any, true_one_of_n: Any) -> Any:
        """A matrix, 0 but for the right classes."""
        p = as_tensor_variable(coding_dist)
        place = (arange(p.shape[0]), as_tensor_variable(true_one_of_n))
        return inc_subtensor(zeros_like(p)[place], -as_tensor_variable(g_y) / p[place])


@dataclass(frozen=True)
class Prepend_scalar_constant_to_each_row(OpClass):  # noqa: N801 - Theano's name
    """Rows with a number in front."""

    val: Any = 0

    def apply(self, mat: Any) -> Any:
        """A matrix of one column more."""
        return prepend_scalar_to_each_row(self.val, mat)


@dataclass(frozen=True)
class Prepend_scalar_to_each_row(OpClass):  # noqa: N801 - Theano's name
    """Rows with a number in front, which is an operand."""

    def apply(self, val: Any, mat: Any) -> Any:
        """A matrix of one column more."""
        return prepend_scalar_to_each_row(val, mat)


def crossentropy_softmax_max_and_argmax_1hot_with_bias(x: Any, b: Any, y_idx: Any) -> list[Any]:
    """Cross-entropy, softmax(x + b), each row's largest probability and its class."""
    cost, p = crossentropy_softmax_1hot_with_bias(x, b, y_idx)
    return [cost, p, *max_and_argmax(p, axis=-1)]
