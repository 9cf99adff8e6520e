"""`theano.sandbox.cuda`: Theano's first GPU library, absent here as on a machine without one.

`cuda_available` and `cuda_enabled` are False, which programs ask before they take it.
"""

from __future__ import annotations

from typing import Any

from symgraph.backends.nvidia import this_machine
from symgraph.compat.theano.gpuarray.absent import Absent, same
from symgraph.compat.theano.sandbox.cuda.type import CudaNdarrayType
from symgraph.compat.theano.sandbox.cuda.var import CudaNdarraySharedVariable
from symgraph.compat.theano.sandbox.cuda import basic_ops, dnn
from symgraph.config import config
from symgraph.devices import CPU, canonical
from symgraph.tensor import fcol, fmatrix, frow, fscalar, ftensor3, ftensor4, fvector
from symgraph.types import TensorType

cuda_available = cuda_enabled = False
cuda_initialization_error_message = "symgraph compiles for the CPU"
as_cuda_ndarray_variable = host_from_gpu = gpu_from_host = same
CudaNdarray = CudaNdarrayVariable = Absent
GpuOp = Absent


def use(device: str, **options: Any) -> None:
    """Compute on a GPU from now on, or say what is missing for it."""
    name = canonical(device)
    if name != CPU:
        this_machine().check(name)
    config.device = name
