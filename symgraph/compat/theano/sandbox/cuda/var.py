"""`theano.sandbox.cuda.var`."""

from symgraph.compat.theano.gpuarray.absent import Absent

CudaNdarrayVariable = CudaNdarraySharedVariable = CudaNdarrayConstant = Absent

__all__ = ["CudaNdarrayConstant", "CudaNdarraySharedVariable", "CudaNdarrayVariable"]
