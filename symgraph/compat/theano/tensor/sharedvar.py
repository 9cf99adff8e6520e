"""`theano.tensor.sharedvar`."""

from symgraph.compat.theano.compile.sharedvalue import shared
from symgraph.shared import SharedVariable, TensorSharedVariable

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
