"""`theano.sandbox.cuda.var`."""

from symgraph.compat.standins.pickled import GpuSharedVariable as CudaNdarraySharedVariable
from symgraph.compat.theano.gpuarray.absent import Absent

CudaNdarrayVariable = CudaNdarrayConstant = Absent

__all__ = ["CudaNdarrayConstant", "CudaNdarraySharedVariable", "CudaNdarrayVariable"]
