"""`T.nnet`: functions of neural networks under Theano's names."""

from symgraph.ops.elementary import sigmoid, softplus
from symgraph.ops.nnet import (
    binary_crossentropy,
    categorical_crossentropy,
    confusion_matrix,
    crossentropy_categorical_1hot,
    crossentropy_softmax_1hot,
    elu,
    gelu,
    hard_sigmoid,
    logsoftmax,
    relu,
    selu,
    sigmoid_binary_crossentropy,
    silu,
    softmax,
    softsign,
    to_one_hot,
    ultra_fast_sigmoid,
)

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
    "sigmoid",
    "sigmoid_binary_crossentropy",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "to_one_hot",
    "ultra_fast_sigmoid",
]
