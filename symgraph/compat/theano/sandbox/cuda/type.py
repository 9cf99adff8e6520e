"""`theano.sandbox.cuda.type`."""

from symgraph.compat.theano.gpuarray.absent import Absent

CudaNdarrayType = Absent

__all__ = ["CudaNdarrayType"]
