"""`theano.compile.ops`: the ops Theano keeps outside its tensors."""

from symgraph.compat.standins.indexing import Shape, Shape_i, SpecifyShape
from symgraph.compat.theano.compile.rebroadcast import Rebroadcast
from symgraph.compat.theano.compile.views import (
    DeepCopyOp,
    OutputGuard,
    ViewOp,
    deep_copy_op,
    view_op,
)
from symgraph.ops.custom import FromFunctionOp, as_op
from symgraph.ops.shape import shape_i
from symgraph.tensor import shape, specify_shape

__all__ = [
    "DeepCopyOp",
    "FromFunctionOp",
    "OutputGuard",
    "Rebroadcast",
    "Shape",
    "Shape_i",
    "SpecifyShape",
    "ViewOp",
    "as_op",
    "deep_copy_op",
    "shape",
    "shape_i",
    "specify_shape",
    "view_op",
]
