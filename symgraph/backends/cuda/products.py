"""Products of matrices on a device, for whole batches: cuBLAS by way of CuPy, or NumPy.

float16 is multiplied as it is stored and summed in float32, which is what tensor cores do.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from symgraph.later import Later

cupy = Later("cupy")
# By dtype: the name of its type in CUDA, and of the type that cuBLAS computes with.
TYPES = {
    "float16": ("CUDA_R_16F", "CUBLAS_COMPUTE_32F"),
    "float32": ("CUDA_R_32F", "CUBLAS_COMPUTE_32F"),
    "float64": ("CUDA_R_64F", "CUBLAS_COMPUTE_64F"),
    "complex64": ("CUDA_C_32F", "CUBLAS_COMPUTE_32F"),
    "complex128": ("CUDA_C_64F", "CUBLAS_COMPUTE_64F"),
}
# CuPy names no complex types; these are the numbers of NVIDIA's library_types.h.
COMPLEX = {"CUDA_C_32F": 4, "CUDA_C_64F": 5}


class Products(Protocol):
    """Multiplies batches of row-major matrices."""

    def multiply(
        self, a: Any, b: Any, c: Any, trans_a: bool, trans_b: bool, alpha: Any = 1, beta: Any = 0
    ) -> None:
        """c = alpha * op(a) @ op(b) + beta * c; where beta is 0 c is not read.

        All have three axes. A batch of one matrix is repeated. Factors are numbers, or arrays of
        one element on the device, which the driver need not know.
        """


class Card:
    """cuBLAS, over the memory of the result."""

    def multiply(
        self, a: Any, b: Any, c: Any, trans_a: bool, trans_b: bool, alpha: Any = 1, beta: Any = 0
    ) -> None:
        """One call; cuBLAS sees the transposes of row-major matrices, and multiplies b' by a'."""
        count, m, n = c.shape
        k = a.shape[1] if trans_a else a.shape[2]
        if not c.size:
            return
        if not k:
            c[...] = c * beta if beta != 0 else 0
            return
        cublas, runtime, dtype = cupy.cuda.cublas, cupy.cuda.runtime, c.dtype.name
        name, computed = TYPES[dtype]
        kind = COMPLEX[name] if name in COMPLEX else getattr(runtime, name)
        how = getattr(cublas, computed), cublas.CUBLAS_GEMM_DEFAULT
        scalar = np.float32 if dtype == "float16" else c.dtype
        handle = cupy.cuda.device.get_cublas_handle()
        if isinstance(alpha, cupy.ndarray) or isinstance(beta, cupy.ndarray):
            scales = [there(x, scalar) for x in (alpha, beta)]
            places = [x.data.ptr for x in scales]
            mode = cublas.CUBLAS_POINTER_MODE_DEVICE
        else:
            scales = [np.array(x, scalar) for x in (alpha, beta)]
            places = [x.ctypes.data for x in scales]
            mode = cublas.CUBLAS_POINTER_MODE_HOST
        before = cublas.getPointerMode(handle)
        cublas.setPointerMode(handle, mode)
        cublas.gemmStridedBatchedEx(
            handle,
            cublas.CUBLAS_OP_T if trans_b else cublas.CUBLAS_OP_N,
            cublas.CUBLAS_OP_T if trans_a else cublas.CUBLAS_OP_N,
            n, m, k, places[0], b.data.ptr, kind, b.shape[2], apart(b),
            a.data.ptr, kind, a.shape[2], apart(a), places[1],
            c.data.ptr, kind, n, m * n, count, *how,
        )  # fmt: skip
        cublas.setPointerMode(handle, before)


def there(x: Any, dtype: Any) -> Any:
    """A factor on the device; a number is written by a kernel, so that it can be recorded."""
    if isinstance(x, cupy.ndarray):
        return x.astype(dtype, copy=False)
    return cupy.full((1,), x, dtype)


def apart(x: Any) -> int:
    """How far the matrices of a batch lie apart: one is taken again and again."""
    return int(x.shape[1] * x.shape[2]) if len(x) > 1 else 0


class Simulated:
    """NumPy."""

    def multiply(
        self, a: Any, b: Any, c: Any, trans_a: bool, trans_b: bool, alpha: Any = 1, beta: Any = 0
    ) -> None:
        """The product, then its scale, then what it is added to."""
        left = a.swapaxes(1, 2) if trans_a else a
        product = np.matmul(left, b.swapaxes(1, 2) if trans_b else b) * alpha
        c[...] = product + c * beta if beta != 0 else product
