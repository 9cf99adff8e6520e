"""`theano.sparse.type`."""

from symgraph.records import SparseTensorType as SparseType

__all__ = ["SparseType"]
