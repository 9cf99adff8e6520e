"""`theano.tensor.type`."""

from symgraph.types import TensorType

__all__ = ["TensorType"]
