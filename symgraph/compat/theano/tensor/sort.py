"""`theano.tensor.sort`."""

from symgraph.tensor import argsort, argtopk, sort, topk, topk_and_argtopk

__all__ = ["argsort", "argtopk", "sort", "topk", "topk_and_argtopk"]
