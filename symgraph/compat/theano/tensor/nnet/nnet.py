"""`theano.tensor.nnet.nnet`."""

from __future__ import annotations

from typing import Any

from symgraph.nnet import *
from symgraph.nnet import logsoftmax, softmax


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
softmax_graph = softmax
