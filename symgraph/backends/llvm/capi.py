"""Addresses of what native code calls in Python, NumPy, SciPy and C's library."""

from __future__ import annotations

import ctypes
import importlib.machinery
import importlib.util
import logging
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]

from symgraph.backends.stop import Stop
from symgraph.kernel import EXTERNAL
from symgraph.later import Later

scipy = Later("scipy")
log = logging.getLogger(__name__)
ARRAY_TYPE = 2  # places in NumPy's table (numpy/__multiarray_api.h)
NUMPY = {"PyArray_New": 93, "PyArray_EquivTypes": 182}
CHAR_P, VOID_P, OBJECT = ctypes.c_char_p, ctypes.c_void_p, ctypes.py_object
capsule_pointer = ctypes.PYFUNCTYPE(VOID_P, OBJECT, CHAR_P)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
capsule_name = ctypes.PYFUNCTYPE(CHAR_P, OBJECT)(("PyCapsule_GetName", ctypes.pythonapi))
BLAS_THREADS = (
    "scipy_openblas_set_num_threads", "openblas_set_num_threads", "MKL_Set_Num_Threads",
    "bli_thread_set_num_threads",
)  # fmt: skip
PROCESS = ctypes.CDLL(None if os.name == "posix" else "msvcrt")


def address_in(capsule: Any) -> int:
    """The pointer a capsule holds."""
    return int(capsule_pointer(capsule, capsule_name(capsule)))


@cache
def _numpy_table() -> Any:
    place = address_in(_multiarray_umath._ARRAY_API)
    return ctypes.cast(place, ctypes.POINTER(VOID_P))


@cache
def blas_address(routine: str) -> int:
    """The address of a BLAS routine, such as dgemm."""
    return address_in(_cython_blas().__pyx_capi__[routine])


@cache
def use_one_blas_thread() -> None:
    """Let SciPy's BLAS and LAPACK use one thread from now on, in the whole process.

    How a factorisation rounds depends on how many threads shared it; products do not so far, but
    nobody promises it.
    """
    library = ctypes.CDLL(str(_cython_blas().__file__))  # what it depends on is searched too
    for name in BLAS_THREADS:
        function = getattr(library, name, None) or getattr(PROCESS, name, None)
        if function is not None:
            function(1)
            return
    log.warning("config.deterministic: this BLAS has no known way to be given one thread")


@cache
def _cython_blas() -> Any:
    """SciPy's table of BLAS routines, without the rest of scipy.linalg: that takes 0.2 s."""
    name = "scipy.linalg.cython_blas"
    if name in sys.modules:
        return sys.modules[name]
    folder = Path(str(scipy.__file__)).parent / "linalg"
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        file = folder / f"cython_blas{suffix}"
        if file.exists():
            spec = importlib.util.spec_from_file_location(name, file)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    return importlib.import_module(name)


def _special(symbol: str) -> int | None:
    if symbol == "array_type":
        return int(_numpy_table()[ARRAY_TYPE])
    if symbol == "stop_type":
        return id(Stop)
    if symbol == "type_error":
        return ctypes.addressof(VOID_P.in_dll(ctypes.pythonapi, "PyExc_TypeError"))
    if symbol in NUMPY:
        return int(_numpy_table()[NUMPY[symbol]])
    if symbol.startswith("descr_"):
        return id(DESCRIPTORS(symbol.removeprefix("descr_")))
    if symbol.startswith("special_"):
        name, _ = EXTERNAL[symbol.removeprefix("special_")]
        module = importlib.import_module("scipy.special.cython_special")
        return address_in(module.__pyx_capi__[name])
    if symbol.startswith("blas_"):
        return blas_address(symbol.removeprefix("blas_"))
    return None


@cache
def DESCRIPTORS(dtype: str) -> np.dtype[Any]:
    """NumPy's descriptor of a dtype."""
    return np.dtype(dtype)


@cache
def address_of(symbol: str) -> int:
    """Where a symbol lies."""
    special = _special(symbol)
    if special is not None:
        return special
    library = ctypes.pythonapi if symbol.startswith(("Py", "_Py")) else PROCESS
    return int(ctypes.cast(getattr(library, symbol), VOID_P).value or 0)
