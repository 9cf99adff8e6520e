"""`theano.tensor.elemwise`."""

from symgraph.families import Elemwise
from symgraph.families import Reduce as CAReduce
from symgraph.ops.reduce import All, Prod, Sum
from symgraph.ops import reduce
from symgraph.ops.shape import DimShuffle

CAReduceDtype, Any = CAReduce, vars(reduce)["Any"]

__all__ = ["All", "Any", "CAReduce", "CAReduceDtype", "DimShuffle", "Elemwise", "Prod", "Sum"]
