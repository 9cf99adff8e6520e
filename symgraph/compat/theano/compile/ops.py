"""`theano.compile.ops`: the ops Theano keeps outside its tensors."""

from symgraph.compat.theano.compile.rebroadcast import Rebroadcast
from symgraph.ops.cast import Cast as ViewOp
from symgraph.ops.custom import FromFunctionOp, as_op
from symgraph.ops.shape import MakeVector as Shape
from symgraph.ops.shape import ShapeI as Shape_i
from symgraph.ops.specify import SpecifyShape
from symgraph.tensor import shape, specify_shape

__all__ = [
    "FromFunctionOp",
    "Rebroadcast",
    "Shape",
    "Shape_i",
    "SpecifyShape",
    "ViewOp",
    "as_op",
    "shape",
    "specify_shape",
]
