"""`theano.sandbox.cuda.type`."""

from symgraph.compat.standins.pickled import GpuType as CudaNdarrayType
from symgraph.compat.standins.pickled import plain_array as CudaNdarray_unpickler

__all__ = ["CudaNdarrayType", "CudaNdarray_unpickler"]
