"""`theano.sandbox.cuda`: Theano's first GPU library, absent here as on a machine without one.

`cuda_available` and `cuda_enabled` are False, which programs ask before they take it.
"""

from __future__ import annotations

from typing import Any

from symgraph.compat.theano.gpuarray.absent import Absent, same
from symgraph.compat.theano.sandbox.cuda import basic_ops, dnn
from symgraph.errors import ConfigError
from symgraph.tensor import fcol, fmatrix, frow, fscalar, ftensor3, ftensor4, fvector
from symgraph.types import TensorType

cuda_available = cuda_enabled = False
cuda_initialization_error_message = "symgraph compiles for the CPU"
as_cuda_ndarray_variable = host_from_gpu = gpu_from_host = same
CudaNdarray = CudaNdarrayType = CudaNdarrayVariable = CudaNdarraySharedVariable = Absent
GpuOp = Absent


def use(device: str, **options: Any) -> None:
    """Take a GPU; an error, unless `device` is "cpu"."""
    if device != "cpu":
        raise ConfigError(
            f"there is no device {device!r} in theano.sandbox.cuda here; leave the call out, or ask"
            " theano.sandbox.cuda.cuda_available first"
        )
