"""Kernels as PTX, the assembly language of NVIDIA's GPUs; no GPU is needed to write it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numba
import numpy as np
from numba import types
from numba.cuda.compiler import compile_cuda, kernel_fixup

from symgraph.kernel import Buffer, Kernel, Name

AMPERE, HOPPER = (8, 0), (9, 0)  # compute capabilities


def signature(kernel: Kernel) -> types.Type:
    """numba's type of a kernel: its extent, then scalars and addresses of elements."""
    return types.void(types.int64, *map(_kind, kernel.params))


def _kind(param: Buffer | Name) -> types.Type:
    kind = numba.from_dtype(np.dtype(param.dtype))
    return types.CPointer(kind) if isinstance(param, Buffer) else kind


def library_of(made: ModuleType, kernel: Kernel) -> Any:
    """What numba makes of one kernel of a module: IEEE arithmetic, rounded step by step."""
    result = compile_cuda(
        getattr(made, kernel.name),
        types.void,
        signature(kernel).args,
        nvvm_options={"opt": 3, "fma": False},
        cc=AMPERE,
    )
    library, name = result.library, result.fndesc.llvm_func_name
    library._entry_name = name
    kernel_fixup(library.get_function(name), False)
    return library


def ptx_of(library: Any, capability: tuple[int, int] = AMPERE) -> str:
    """The PTX for a compute capability."""
    (text,) = library.get_asm_strs(cc=capability)
    return str(text)
