"""`theano.tensor.nnet.nnet`."""

from __future__ import annotations

from typing import Any

from symgraph.nnet import *
from symgraph.nnet import logsoftmax as logsoftmax_of_rows
from symgraph.nnet import softmax as softmax_of_rows
from symgraph.tensor import shape_padleft
from symgraph.types import as_tensor_variable


def _rows(x: Any) -> Any:
    x = as_tensor_variable(x)
    return shape_padleft(x) if x.type.ndim == 1 else x


def softmax(c: Any) -> Any:
    """The softmax of each row; a vector counts as one row, and gives a matrix of one."""
    return softmax_of_rows(_rows(c))


def logsoftmax(c: Any) -> Any:
    """The logarithm of `softmax`, without overflow; of a vector, a matrix of one row."""
    return logsoftmax_of_rows(_rows(c))


class Softmax:
    """Theano's op; an instance of it computes the softmax of rows."""

    def __call__(self, x: Any) -> Any:
        """As `softmax`."""
        return softmax(x)


class LogSoftmax:
    """Theano's op; an instance of it computes the logarithm of the softmax of rows."""

    def __call__(self, x: Any) -> Any:
        """As `logsoftmax`."""
        return logsoftmax(x)


softmax_op, logsoftmax_op = Softmax(), LogSoftmax()
softmax_graph = softmax_of_rows
