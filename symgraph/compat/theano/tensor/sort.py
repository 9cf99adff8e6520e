"""`theano.tensor.sort`."""

from symgraph.compat.standins.tensors import ArgSortOp, SortOp, TopKOp
from symgraph.tensor import argsort, argtopk, sort, topk, topk_and_argtopk

__all__ = [
    "ArgSortOp",
    "SortOp",
    "TopKOp",
    "argsort",
    "argtopk",
    "sort",
    "topk",
    "topk_and_argtopk",
]
