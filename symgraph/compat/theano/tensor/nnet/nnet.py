"""`theano.tensor.nnet.nnet`."""

from __future__ import annotations

from typing import Any

from symgraph.compat.standins.nnet import (
    CrossentropyCategorical1Hot,
    CrossentropyCategorical1HotGrad,
    CrossentropySoftmax1HotWithBiasDx,
    CrossentropySoftmaxArgmax1HotWithBias,
    LogSoftmax,
    Prepend_scalar_constant_to_each_row,
    Prepend_scalar_to_each_row,
    Softmax,
    SoftmaxGrad,
    SoftmaxWithBias,
    crossentropy_softmax_max_and_argmax_1hot_with_bias,
    rows_of,
)
from symgraph.nnet import *
from symgraph.nnet import logsoftmax as logsoftmax_of_rows
from symgraph.nnet import softmax as softmax_of_rows


def softmax(c: Any) -> Any:
    """The softmax of each row; a vector counts as one row, and gives a matrix of one."""
    return softmax_of_rows(rows_of(c))


def logsoftmax(c: Any) -> Any:
    """The logarithm of `softmax`, without overflow; of a vector, a matrix of one row."""
    return logsoftmax_of_rows(rows_of(c))


softmax_op, logsoftmax_op, softmax_grad = Softmax(), LogSoftmax(), SoftmaxGrad()
softmax_graph = softmax_of_rows
crossentropy_softmax_argmax_1hot_with_bias = CrossentropySoftmaxArgmax1HotWithBias()
crossentropy_softmax_1hot_with_bias_dx = CrossentropySoftmax1HotWithBiasDx()
crossentropy_categorical_1hot_grad = CrossentropyCategorical1HotGrad()
