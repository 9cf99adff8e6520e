"""`theano.tensor.var`."""

from symgraph.errors import GraphTypeError as AsTensorError
from symgraph.variable import TensorConstant, TensorOperators, TensorVariable

_tensor_py_operators = TensorOperators

__all__ = ["AsTensorError", "TensorConstant", "TensorVariable"]
