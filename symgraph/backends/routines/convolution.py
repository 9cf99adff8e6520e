"""Convolutions in code that numba compiles: the functions of the LLVM target, called by address."""

# mypy: allow-untyped-decorators

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symgraph.backends.numba.compiler import helper, routine
from symgraph.backends.numba.pointers import data
from symgraph.backends.numba.support import hold
from symgraph.backends.routines.blas import register


@helper
def _sizes(first: Any, second: Any, third: Any, settings: Any) -> Any:
    """Batch and channels of three arrays, their sizes along three axes, settings: one array."""
    sizes = np.ones(17 + len(settings), np.int64)
    for k, shape in enumerate((first, second, third)):
        sizes[2 * k], sizes[2 * k + 1] = shape[0], shape[1]
        for axis in range(2, len(shape)):
            sizes[6 + 3 * k + 3 - len(shape) + axis] = shape[axis]
    for k, number in enumerate(settings):
        sizes[15 + k] = number
    return sizes


@intrinsic(prefer_literal=True)
def _run(typingctx: Any, kind: Any, out: Any, first: Any, second: Any, sizes: Any) -> Any:
    """Call the function of a kind for the dtype of `out`; see llvm/convolution.py."""
    symbol = f"{kind.literal_value}_{out.dtype}"

    def build(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        register(symbol)
        context.active_code_library._reload_init.add(partial(register, symbol))
        kind = ir.FunctionType(ir.VoidType(), [x.type for x in args[1:]])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, symbol), args[1:])
        return context.get_dummy_value()

    return types.none(kind, out, first, second, sizes), build


@routine
def convolve(out: Any, x: Any, w: Any, *settings: Any) -> None:
    """out[n, o, p] = sum over c, t of w[o, c, t] * x[n, c, p * stride + t * dilation - low]."""
    sizes = _sizes(x.shape, w.shape, out.shape, settings)
    _run("convolve", data(out), data(x), data(w), data(sizes))
    hold(sizes)


@routine
def convolve_inputs(out: Any, w: Any, cotangent: Any, *settings: Any) -> None:
    """The image's cotangent: what `convolve` reads at a place, weighted as it was."""
    sizes = _sizes(out.shape, w.shape, cotangent.shape, settings)
    _run("convolve_inputs", data(out), data(w), data(cotangent), data(sizes))
    hold(sizes)


@routine
def convolve_weights(out: Any, x: Any, cotangent: Any, *settings: Any) -> None:
    """The weights' cotangent: for each tap the products of what it was over and the cotangent."""
    sizes = _sizes(x.shape, out.shape, cotangent.shape, settings)
    _run("convolve_weights", data(out), data(x), data(cotangent), data(sizes))
    hold(sizes)
