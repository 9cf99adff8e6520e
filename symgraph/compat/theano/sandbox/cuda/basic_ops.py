"""`theano.sandbox.cuda.basic_ops`: transfers, which have nothing to do on the CPU."""

from symgraph.compat.theano.gpuarray.absent import Absent, same
from symgraph.tensor import alloc as gpu_alloc
from symgraph.compat.theano.gpuarray.absent import gpu_alloc_empty

as_cuda_ndarray_variable = gpu_contiguous = gpu_from_host = host_from_gpu = same
GpuFromHost = HostFromGpu = GpuContiguous = Absent

__all__ = [
    "GpuContiguous",
    "GpuFromHost",
    "HostFromGpu",
    "as_cuda_ndarray_variable",
    "gpu_alloc",
    "gpu_alloc_empty",
    "gpu_contiguous",
    "gpu_from_host",
    "host_from_gpu",
]
