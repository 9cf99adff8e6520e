"""Convolutions and correlations of signals, as NumPy and SciPy have them: sizes by mode.

The whole convolution is computed, and the part that a mode keeps cut out, so the longer operand may
stand on either side, whichever it turns out to be when the function runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.arith import add, int_div, maximum, minimum, mul, sub
from symgraph.ops.arrange import flip
from symgraph.ops.cast import cast, complex, conjugate, imag, real
from symgraph.ops.compare import ge
from symgraph.ops.convolution import Conv
from symgraph.ops.fourier import fftn, ifftn, irfftn, rfftn
from symgraph.ops.index import subtensor
from symgraph.ops.rounding import rint
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.types import COMPLEX, DISCRETE, Tensor, as_operands, promote

__all__ = ["convolve", "convolve2d", "correlate", "correlate2d", "fftconvolve"]

MODES = ("full", "same", "valid")


def convolve(a: Any, v: Any, mode: str = "full") -> Tensor:
    """The convolution of two vectors, sums of a[n] v[k - n].

    Parameters
    ----------
    mode
        "full": all n + m - 1 of them; "same": the middle ones, as many as the longer vector has;
        "valid": those in which all of the shorter vector takes part.

    Returns
    -------
    tensor
        Of the promoted dtype. Integers are exact up to 2**53.

    >>> convolve([1.0, 2.0, 3.0], [1.0, 10.0]).eval()
    array([ 1., 12., 23., 30.])
    """
    a, v = _signals("convolve", a, v, 1)
    return _part(_direct(a, v), a, v, mode, _as_long_as_longest)


def correlate(a: Any, v: Any, mode: str = "valid") -> Tensor:
    """The correlation of two vectors, sums of a[n + k] and the conjugate of v[n].

    `mode` is as for `convolve`; "valid" is what NumPy takes if none is given.

    >>> correlate([1.0, 2.0, 3.0], [1.0, 10.0]).eval()
    array([21., 32.])
    """
    a, v = _signals("correlate", a, v, 1)
    turned = flip(conjugate(v), 0)
    return _part(_direct(a, turned), a, v, mode, _as_long_as_longest, _from_longer)


def convolve2d(in1: Any, in2: Any, mode: str = "full") -> Tensor:
    """The convolution of two matrices.

    `mode` is as for `convolve`, but "same" is as large as the first matrix. With "valid" one of the
    matrices is to be at least as large as the other along both axes.

    >>> convolve2d([[1.0, 2.0]], [[1.0, 10.0]]).eval()
    array([[ 1., 12., 20.]])
    """
    a, v = _signals("convolve2d", in1, in2, 2)
    return _part(_direct(a, v), a, v, mode, _as_long_as_first)


def correlate2d(in1: Any, in2: Any, mode: str = "full") -> Tensor:
    """The correlation of two matrices; `mode` is as for `convolve2d`.

    >>> correlate2d([[1.0, 2.0]], [[1.0, 10.0]]).eval()
    array([[10., 21.,  2.]])
    """
    a, v = _signals("correlate2d", in1, in2, 2)
    return _part(_direct(a, flip(conjugate(v))), a, v, mode, _as_long_as_first, _late)


def fftconvolve(in1: Any, in2: Any, mode: str = "full") -> Tensor:
    """The convolution of two tensors of one rank over all axes, by Fourier transforms.

    It takes n log n steps where `convolve` takes n m, with an error relative to the largest element
    of the result. `mode` is as for `convolve2d`. Integers give float64.

    >>> fftconvolve([1.0, 2.0, 3.0], [1.0, 10.0]).eval().round(6)
    array([ 1., 12., 23., 30.])
    """
    a, v = as_operands([in1, in2])
    a, v = _signals("fftconvolve", a, v, a.type.ndim)
    sizes = [sub(add(shape_i(a, k), shape_i(v, k)), 1) for k in range(a.type.ndim)]
    if promote(a.type.dtype, v.type.dtype) in COMPLEX:
        whole = ifftn(mul(fftn(a, sizes), fftn(v, sizes)))
    else:
        whole = irfftn(mul(rfftn(a, sizes), rfftn(v, sizes)), sizes)
    return _part(whole, a, v, mode, _as_long_as_first)


def _signals(where: str, a: Any, v: Any, ndim: int) -> list[Tensor]:
    signals: list[Tensor] = list(as_operands([a, v]))
    if ndim == 0 or any(x.type.ndim != ndim for x in signals):
        kinds = " and ".join(str(x.type) for x in signals)
        raise GraphTypeError(f"{where} takes signals of {ndim or 1} axes, not {kinds}")
    return signals


def _direct(a: Tensor, v: Tensor) -> Tensor:
    """All of a convolution, by its definition."""
    dtype = promote(a.type.dtype, v.type.dtype)
    if dtype in DISCRETE:
        return cast(rint(_convolved(cast(a, "float64"), cast(v, "float64"))), dtype)
    if dtype not in COMPLEX:
        return _convolved(a, v)
    (x, y), (p, q) = ((real(s), imag(s)) for s in (a, v))
    parts = sub(_convolved(x, p), _convolved(y, q)), add(_convolved(x, q), _convolved(y, p))
    return cast(complex(*parts), dtype)


def _convolved(a: Tensor, v: Tensor) -> Tensor:
    ndim = a.type.ndim
    ones = (1,) * ndim
    images = (dimshuffle(x, "x", "x", *range(ndim)) for x in (a, v))
    out = Conv(ones, ones, ("full",) * ndim)(*images)
    return dimshuffle(out, *range(2, 2 + ndim))


def _as_long_as_longest(n: Tensor, m: Tensor) -> Tensor:
    return maximum(n, m)


def _as_long_as_first(n: Tensor, m: Tensor) -> Tensor:
    return n


def _early(n: Tensor, m: Tensor, spare: Tensor) -> Tensor:
    """How much of what "same" leaves out stands in front: half of it, rounded down."""
    return int_div(spare, 2)


def _late(n: Tensor, m: Tensor, spare: Tensor) -> Tensor:
    """The same rounded up, as SciPy's correlate2d does."""
    return sub(spare, int_div(spare, 2))


def _from_longer(n: Tensor, m: Tensor, spare: Tensor) -> Tensor:
    """The same as NumPy's correlate, which puts the longer vector first and turns the result."""
    return switch(ge(n, m), _early(n, m, spare), _late(n, m, spare))


def _part(
    whole: Tensor,
    a: Tensor,
    v: Tensor,
    mode: str,
    same: Callable[[Tensor, Tensor], Tensor],
    start_of: Callable[[Tensor, Tensor, Tensor], Tensor] = _early,
) -> Tensor:
    """What a mode keeps of the whole."""
    if mode not in MODES:
        raise GraphTypeError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    if mode == "full":
        return whole
    parts = []
    for axis in range(a.type.ndim):
        n, m = shape_i(a, axis), shape_i(v, axis)
        if mode == "valid":
            start, size = sub(minimum(n, m), 1), add(sub(maximum(n, m), minimum(n, m)), 1)
        else:
            size = same(n, m)
            start = start_of(n, m, sub(sub(add(n, m), 1), size))
        parts.append(slice(start, add(start, size)))
    return subtensor(whole, tuple(parts))
