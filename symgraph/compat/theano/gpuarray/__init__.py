"""`theano.gpuarray`: Theano's second GPU library, absent here as on a machine without one."""

from symgraph.compat.theano.gpuarray import basic_ops, dnn, type
from symgraph.compat.theano.gpuarray.absent import Absent
from symgraph.compat.theano.gpuarray.basic_ops import as_gpuarray_variable
from symgraph.compat.theano.gpuarray.type import (
    GpuArraySharedVariable,
    GpuArrayType,
    get_context,
)

pygpu = None
pygpu_activated = False
GpuArrayVariable = GpuArrayConstant = Absent

__all__ = [
    "GpuArrayConstant",
    "GpuArraySharedVariable",
    "GpuArrayType",
    "GpuArrayVariable",
    "as_gpuarray_variable",
    "basic_ops",
    "dnn",
    "get_context",
    "pygpu",
    "pygpu_activated",
    "type",
]
