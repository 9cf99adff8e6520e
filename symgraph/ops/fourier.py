"""Discrete Fourier transforms, as numpy.fft has them, with gradients for real and complex numbers.

On the CPU SciPy's pocketfft transforms, between two native parts: what a call from Python costs is
little beside a transform, and everything around it (padding, scaling) is native. Programs for a GPU
call cuFFT.

Three ops do not scale anything, so that the adjoint of each is made of the others: the transform of
complex numbers, its form for real ones, which keeps half of the spectrum, and the way back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.families import Example, Library, Sample
from symgraph.later import Later
from symgraph.ops.arith import add, int_div, maximum, mul, sub, true_div
from symgraph.ops.arrange import roll
from symgraph.ops.cast import cast, complex, conjugate, imag, real, real_of
from symgraph.ops.compare import eq
from symgraph.ops.create import arange, zeros
from symgraph.ops.elementary import sqrt
from symgraph.ops.index import subtensor
from symgraph.ops.join import concatenate, stack
from symgraph.ops.logic import or_
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, scalars_of, shape_i
from symgraph.types import (
    COMPLEX,
    DISCRETE,
    Arg,
    Dims,
    Tensor,
    Tensors,
    as_operands,
    as_tensor_variable,
    check_dtype,
    promote,
    unify,
)

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfft_pairs",
    "irfftn",
    "rfft",
    "rfft2",
    "rfft_pairs",
    "rfftfreq",
    "rfftn",
]

NORMS = ("backward", "ortho", "forward")
transforms = Later("scipy.fft")
OTHER_WAY = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


class _Transform(Library):
    """What the three transforms have in common."""

    compiled: ClassVar[bool] = False
    reads: ClassVar[int | None] = 1

    def prepare(self, *inputs: Any) -> Tensors:
        """A floating tensor, of the kind the transform takes, and sizes."""
        x, *sizes = as_operands(inputs)
        return [cast(x, self.taken(_floating_dtype(x))), *sizes]

    def taken(self, dtype: str) -> str:
        """The dtype an operand is converted to."""
        return promote(dtype, "complex64")


def _floating_dtype(x: Tensor) -> str:
    dtype: str = x.type.dtype
    if dtype == "float16":
        raise GraphTypeError("there is no Fourier transform of float16; cast to float32")
    return "float64" if dtype in DISCRETE else dtype


@dataclass(frozen=True, repr=False)
class Fourier(_Transform):
    """Sums of x exp(-2 pi i j k / n) over axes, of the conjugate if `inverse`; not scaled."""

    axes: tuple[int, ...]
    inverse: bool = False
    routine: ClassVar[str] = "scipy.fft:fftn"

    def out_shape(self, *args: Arg) -> Dims:
        """The operand's."""
        return args[0].shape

    def reference(self, x: Any) -> Any:
        """SciPy's transform, without its factor."""
        if x.size == 0:
            return x
        if self.inverse:
            return transforms.ifftn(x, axes=self.axes, norm="forward", workers=config.workers)
        return transforms.fftn(x, axes=self.axes, workers=config.workers)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The transform the other way."""
        return [Fourier(self.axes, not self.inverse)(output_grads[0])]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One axis, two, both ways, of real and complex numbers, of single precision."""
        yield Example(cls((0,)), (Sample((5,)),))
        yield Example(cls((1,), True), (Sample((2, 4)),))
        yield Example(cls((0, 2)), (Sample((2, 1, 3)),))
        yield Example(cls((0,)), (Sample((4,), dtype="complex128"),))
        yield Example(cls((1,)), (Sample((2, 4), dtype="float32"),))
        yield Example(cls((1,)), (Sample((0, 4)),))


@dataclass(frozen=True, repr=False)
class RealFourier(_Transform):
    """The first n // 2 + 1 elements of the transform of n real numbers over an axis; not scaled."""

    axis: int
    routine: ClassVar[str] = "scipy.fft:rfft"

    def taken(self, dtype: str) -> str:
        """Real numbers."""
        if dtype in COMPLEX:
            raise GraphTypeError("rfft takes real numbers; take fft of complex ones, or T.real")
        return dtype

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Complex."""
        return (promote(dtypes[0], "complex64"),)

    def out_shape(self, *args: Arg) -> Dims:
        """Half the elements along the axis."""
        sizes = list(args[0].shape)
        sizes[self.axis] = sizes[self.axis] // 2 + 1
        return tuple(sizes)

    def reference(self, x: Any) -> Any:
        """SciPy's rfft."""
        if x.size == 0:
            shape = [n // 2 + 1 if k == self.axis else n for k, n in enumerate(x.shape)]
            return np.zeros(shape, np.result_type(x.dtype, np.complex64))
        return transforms.rfft(x, axis=self.axis, workers=config.workers)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The way back of the cotangent, elements that it takes twice halved."""
        (x,), (g,) = inputs, output_grads
        n = shape_i(x, self.axis)
        halved = mul(g, cast(_ends(g, n, self.axis, 1.0, 0.5), x.type.dtype))
        return [RealInverse(self.axis)(halved, n)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Even and odd lengths, single precision."""
        for n in (1, 4, 5):
            yield Example(cls(0), (Sample((n,)),))
        yield Example(cls(0), (Sample((4, 2)),))
        yield Example(cls(1), (Sample((2, 4), dtype="float32"),))
        yield Example(cls(1), (Sample((0, 4)),))


@dataclass(frozen=True, repr=False)
class RealInverse(_Transform):
    """n real numbers from the first n // 2 + 1 elements of a spectrum and n; not scaled.

    The other elements are the conjugates of these; imaginary parts that they rule out are ignored.
    """

    axis: int
    routine: ClassVar[str] = "scipy.fft:irfft"

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Real."""
        return (real_of(dtypes[0]),)

    def out_shape(self, *args: Arg) -> Dims:
        """n elements along the axis."""
        x, n = args
        sizes = list(x.shape)
        unify((sizes[self.axis], n.value // 2 + 1), f"{self}: elements of the spectrum")
        sizes[self.axis] = n.value
        return tuple(sizes)

    def reference(self, x: Any, n: Any) -> Any:
        """SciPy's irfft, without its factor."""
        if x.shape[self.axis] != n // 2 + 1:
            raise ValueError(f"{n} numbers come of {n // 2 + 1} elements, not {x.shape[self.axis]}")
        if x.size == 0 or n == 0:
            shape = [int(n) if k == self.axis else size for k, size in enumerate(x.shape)]
            return np.zeros(shape, x.real.dtype)
        return transforms.irfft(x, int(n), self.axis, norm="forward", workers=config.workers)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The transform of the cotangent, elements that are taken twice doubled."""
        (x, n), (g,) = inputs, output_grads
        back = RealFourier(self.axis)(g)
        return [mul(back, cast(_ends(x, n, self.axis, 1.0, 2.0), g.type.dtype)), None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Even and odd lengths, single precision."""
        for n in (1, 4, 5):
            length = Sample((), f"value:{n}", "int64", False)
            yield Example(cls(0), (Sample((n // 2 + 1,)), length))
        length = Sample((), "value:4", "int64", False)
        yield Example(cls(1), (Sample((2, 3), dtype="float32"), length))
        yield Example(cls(1), (Sample((2, 3), dtype="complex128"), length))


def _ends(x: Tensor, n: Tensor, axis: int, at: float, between: float) -> Tensor:
    """One value where half of a spectrum of n numbers mirrors itself, another elsewhere."""
    place = arange(shape_i(x, axis))
    single = or_(eq(place, 0), eq(mul(place, 2), n))
    values = switch(single, np.float64(at), np.float64(between))
    return dimshuffle(values, *(0 if k == axis else "x" for k in range(x.type.ndim)))


# --- sizes, axes and factors ---------------------------------------------------------------------


def _axes_of(x: Tensor, axes: Any, count: int | None = None) -> tuple[int, ...]:
    """Axes counted from 0: those given, the last `count`, or all."""
    ndim = x.type.ndim
    if axes is None:
        axes = range(ndim) if count is None else range(ndim - count, ndim)
    axes = tuple(axes) if isinstance(axes, list | tuple | range) else (axes,)
    if not axes or not all(isinstance(a, int | np.integer) and -ndim <= a < ndim for a in axes):
        raise GraphTypeError(f"a Fourier transform over axes {axes} of {x.type}")
    found = tuple(int(a) % ndim for a in axes)
    if len(set(found)) < len(found):
        raise GraphTypeError(f"a Fourier transform over axes {axes}: an axis stands twice")
    return found


def _resized(x: Tensor, n: Tensor | None, axis: int) -> Tensor:
    """`x` cut off, or filled up with zeros, to n elements along an axis."""
    size = shape_i(x, axis)
    if n is None or n is size:
        return x
    kept = subtensor(x, (*[slice(None)] * axis, slice(None, n)))
    sizes = [shape_i(x, k) for k in range(x.type.ndim)]
    sizes[axis] = maximum(sub(n, size), 0)
    return concatenate([kept, zeros(sizes, x.type.dtype)], axis=axis)


def _sizes_of(s: Any, axes: Sequence[int]) -> list[Tensor | None]:
    if s is None:
        return [None] * len(axes)
    sizes = scalars_of(s)
    if len(sizes) != len(axes):
        raise GraphTypeError(f"a Fourier transform of {len(sizes)} sizes over {len(axes)} axes")
    return list(sizes)


def _scaled(x: Tensor, norm: str | None, inverse: bool, lengths: Sequence[Tensor]) -> Tensor:
    """Divided by the number of elements transformed, its root, or nothing, as `norm` says."""
    way = norm or "backward"
    if way not in NORMS:
        raise GraphTypeError(f"norm is one of {', '.join(NORMS)}, not {norm!r}")
    if way == ("backward", "forward")[inverse]:
        return x
    count: Tensor = as_tensor_variable(np.int64(1))
    for length in lengths:
        count = mul(count, length)
    count = cast(count, real_of(x.type.dtype))
    return true_div(x, sqrt(count) if way == "ortho" else count)


def _transformed(
    a: Any, s: Any, axes: Any, norm: str | None, inverse: bool, last: int | None
) -> Tensor:
    (x,) = as_operands([a])
    if axes is None and s is not None and last is None:
        last = len(s)
    places = _axes_of(x, axes, last)
    for n, axis in zip(_sizes_of(s, places), places, strict=True):
        x = _resized(x, n, axis)
    result = Fourier(places, inverse)(x)
    return _scaled(result, norm, inverse, [shape_i(x, axis) for axis in places])


# --- what users call -----------------------------------------------------------------------------


def fft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The discrete Fourier transform, sums of a exp(-2 pi i j k / n) over an axis.

    Parameters
    ----------
    n
        How many elements are transformed: the axis is cut off there, or filled up with zeros.
    norm
        Which way divides by n: "backward" (None) the inverse, "forward" this one, "ortho" both by
        the root of n.

    Returns
    -------
    tensor
        complex64 for float32 and complex64, else complex128.

    >>> fft([1.0, 2.0]).eval()
    array([ 3.+0.j, -1.+0.j])
    """
    return _transformed(a, None if n is None else [n], [axis], norm, False, 1)


def ifft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `fft`, which describes the arguments.

    >>> ifft([3.0, -1.0]).eval()
    array([1.+0.j, 2.+0.j])
    """
    return _transformed(a, None if n is None else [n], [axis], norm, True, 1)


def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """`fftn` over two axes, by default the last ones.

    >>> fft2([[1.0, 2.0], [3.0, 4.0]]).eval().real
    array([[10., -2.],
           [-4.,  0.]])
    """
    return _transformed(a, s, axes, norm, False, 2)


def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of `fft2`."""
    return _transformed(a, s, axes, norm, True, 2)


def fftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Tensor:
    """The discrete Fourier transform over several axes, by default all, or the last len(s).

    `s` holds for each axis how many elements are transformed; `norm` is as for `fft`.

    >>> fftn([[1.0, 2.0], [3.0, 4.0]]).eval().real
    array([[10., -2.],
           [-4.,  0.]])
    """
    return _transformed(a, s, axes, norm, False, None)


def ifftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of `fftn`, which describes the arguments."""
    return _transformed(a, s, axes, norm, True, None)


def rfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The first n // 2 + 1 elements of `fft` of real numbers; the others are their conjugates.

    Arguments are those of `fft`. Raises `GraphTypeError` for complex numbers.

    >>> rfft([1.0, 2.0, 3.0]).eval().round(3)
    array([ 6. +0.j   , -1.5+0.866j])
    """
    return rfftn(a, None if n is None else [n], [axis], norm)


def irfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `rfft`: n real numbers, by default 2 (m - 1) of m elements.

    Imaginary parts that a spectrum of real numbers has not got are ignored.

    >>> irfft([3.0, -1.0]).eval()
    array([1., 2.])
    """
    return irfftn(a, None if n is None else [n], [axis], norm)


def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """`rfftn` over two axes, by default the last ones."""
    return rfftn(a, s, axes, norm)


def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of `rfft2`."""
    return irfftn(a, s, axes, norm)


def rfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Tensor:
    """`rfft` over the last of several axes, then `fft` over the others; arguments as for `fftn`.

    >>> rfftn([[1.0, 2.0], [3.0, 4.0]]).eval().real
    array([[10., -2.],
           [-4.,  0.]])
    """
    (x,) = as_operands([a])
    places = _axes_of(x, axes, len(s) if axes is None and s is not None else None)
    for n, axis in zip(_sizes_of(s, places), places, strict=True):
        x = _resized(x, n, axis)
    *others, last = places
    result = RealFourier(last)(x)
    result = Fourier(tuple(others))(result) if others else result
    return _scaled(result, norm, False, [shape_i(x, axis) for axis in places])


def irfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of `rfftn`; the last axis has s[-1] elements, by default 2 (m - 1) of m.

    >>> irfftn([[10.0, -2.0], [-4.0, 0.0]]).eval()
    array([[1., 2.],
           [3., 4.]])
    """
    (x,) = as_operands([a])
    places = _axes_of(x, axes, len(s) if axes is None and s is not None else None)
    *sizes, n = _sizes_of(s, places)
    *others, last = places
    for size, axis in zip(sizes, others, strict=True):
        x = _resized(x, size, axis)
    if n is None:
        n = mul(sub(shape_i(x, last), 1), 2)
    else:
        x = _resized(x, add(int_div(n, 2), 1), last)
    x = Fourier(tuple(others), True)(x) if others else x
    return _scaled(RealInverse(last)(x, n), norm, True, [*(shape_i(x, k) for k in others), n])


def hfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """`fft` of what has a real spectrum, given by the first half of it: real.

    >>> hfft([1.0, 2.0]).eval()
    array([ 3., -1.])
    """
    (a,) = as_operands([a])
    return irfft(conjugate(a), n, axis, OTHER_WAY.get(norm or "backward", norm))


def ihfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `hfft`.

    >>> ihfft([3.0, -1.0]).eval()
    array([1.-0.j, 2.-0.j])
    """
    return conjugate(rfft(a, n, axis, OTHER_WAY.get(norm or "backward", norm)))


def fftfreq(n: Any, d: Any = 1.0, dtype: str = "floatX") -> Tensor:
    """The frequency of each element of a spectrum of n samples at distance d, negative ones last.

    >>> fftfreq(4).eval()
    array([ 0.  ,  0.25, -0.5 , -0.25])
    """
    (n,) = scalars_of([n])
    place, half = arange(n), int_div(sub(n, 1), 2)
    signed = switch(place > half, sub(place, n), place)
    return _frequencies(signed, n, d, dtype)


def rfftfreq(n: Any, d: Any = 1.0, dtype: str = "floatX") -> Tensor:
    """The frequency of each element of the half spectrum that `rfft` gives.

    >>> rfftfreq(4).eval()
    array([0.  , 0.25, 0.5 ])
    """
    (n,) = scalars_of([n])
    return _frequencies(arange(add(int_div(n, 2), 1)), n, d, dtype)


def _frequencies(places: Tensor, n: Tensor, d: Any, dtype: str) -> Tensor:
    kind = check_dtype(dtype)
    return true_div(cast(places, kind), mul(cast(n, kind), cast(as_tensor_variable(d), kind)))


def fftshift(x: Any, axes: Any = None) -> Tensor:
    """The element of frequency 0 moved to the middle of axes, by default all.

    >>> fftshift([0, 1, 2, -2, -1]).eval()
    array([-2, -1,  0,  1,  2])
    """
    (x,) = as_operands([x])
    for axis in _axes_of(x, axes):
        x = roll(x, int_div(shape_i(x, axis), 2), axis)
    return x


def ifftshift(x: Any, axes: Any = None) -> Tensor:
    """The inverse of `fftshift`.

    >>> ifftshift([-2, -1, 0, 1, 2]).eval()
    array([ 0,  1,  2, -2, -1])
    """
    (x,) = as_operands([x])
    for axis in _axes_of(x, axes):
        x = roll(x, int_div(add(shape_i(x, axis), 1), 2), axis)
    return x


# --- Theano's form: real and imaginary parts along a last axis -----------------------------------

THEANO_NORMS = {None: ("backward", "backward"), "ortho": ("ortho", "ortho"),
                "no_norm": ("backward", "forward")}  # fmt: skip


def _norm_of(norm: str | None, inverse: bool) -> str:
    if norm not in THEANO_NORMS:
        raise GraphTypeError(f"norm is None, 'ortho' or 'no_norm', not {norm!r}")
    return THEANO_NORMS[norm][inverse]


def rfft_pairs(inp: Any, norm: str | None = None) -> Tensor:
    """Theano's rfft: `rfftn` over all axes but the first, as pairs of real and imaginary parts.

    `norm` is None (the inverse divides), "ortho" or "no_norm" (neither way divides). The result has
    one more axis, of 2 elements.

    >>> rfft_pairs([[1.0, 2.0]]).eval().tolist()
    [[[3.0, 0.0], [-1.0, 0.0]]]
    """
    (x,) = as_operands([inp])
    spectrum = rfftn(x, None, tuple(range(1, x.type.ndim)), _norm_of(norm, False))
    return stack([real(spectrum), imag(spectrum)], axis=spectrum.type.ndim)


def irfft_pairs(inp: Any, norm: str | None = None, is_odd: bool = False) -> Tensor:
    """Theano's irfft: the inverse of `rfft_pairs`; `is_odd` says that the last axis had odd length.

    >>> irfft_pairs([[[3.0, 0.0], [-1.0, 0.0]]]).eval()
    array([[1., 2.]])
    """
    (x,) = as_operands([inp])
    spectrum = complex(subtensor(x, (Ellipsis, 0)), subtensor(x, (Ellipsis, 1)))
    sizes = [shape_i(spectrum, k) for k in range(1, spectrum.type.ndim)]
    sizes[-1] = add(mul(sub(sizes[-1], 1), 2), int(is_odd))
    axes = tuple(range(1, spectrum.type.ndim))
    return irfftn(spectrum, sizes, axes, _norm_of(norm, True))
