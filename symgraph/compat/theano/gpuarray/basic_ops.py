"""`theano.gpuarray.basic_ops`: transfers, which have nothing to do on the CPU."""

from symgraph.compat.theano.gpuarray.absent import Absent, same
from symgraph.tensor import alloc as gpu_alloc
from symgraph.compat.theano.gpuarray.absent import gpu_alloc_empty

as_gpuarray_variable = gpu_contiguous = gpu_from_host = host_from_gpu = same
GpuFromHost = HostFromGpu = GpuContiguous = GpuKernelBase = Kernel = Absent


def infer_context_name(*variables: object) -> None:
    """The device variables are on: None, the only one."""


__all__ = [
    "GpuContiguous",
    "GpuFromHost",
    "GpuKernelBase",
    "HostFromGpu",
    "Kernel",
    "as_gpuarray_variable",
    "gpu_alloc",
    "gpu_alloc_empty",
    "gpu_contiguous",
    "gpu_from_host",
    "host_from_gpu",
    "infer_context_name",
]
