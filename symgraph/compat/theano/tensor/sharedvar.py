"""`theano.tensor.sharedvar`."""

from symgraph.shared import SharedVariable, TensorSharedVariable, shared

ScalarSharedVariable = TensorSharedVariable
tensor_constructor = scalar_constructor = shared

__all__ = [
    "ScalarSharedVariable",
    "SharedVariable",
    "TensorSharedVariable",
    "scalar_constructor",
    "shared",
    "tensor_constructor",
]
