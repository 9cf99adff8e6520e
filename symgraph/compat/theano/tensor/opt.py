"""`theano.tensor.opt`: where programs register rewrites of their own."""

from symgraph.compat.standins.indexing import MakeVector, Shape_i
from symgraph.compat.theano.gof.opt import local_optimizer
from symgraph.compat.theano.gof.optdb import register as register_canonicalize
from symgraph.ops.checks import Assert, assert_op

register_specialize = register_stabilize = register_useless = register_canonicalize
register_uncanonicalize = register_specialize_device = register_canonicalize
assert_, make_vector = assert_op, MakeVector()


class ShapeFeature:
    """Kept for programs that name it; every compile knows all sizes as formulas."""


__all__ = [
    "Assert",
    "MakeVector",
    "ShapeFeature",
    "Shape_i",
    "assert_",
    "assert_op",
    "local_optimizer",
    "make_vector",
    "register_canonicalize",
    "register_specialize",
    "register_specialize_device",
    "register_stabilize",
    "register_uncanonicalize",
    "register_useless",
]
