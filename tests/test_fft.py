"""Fourier transforms and convolutions against NumPy and SciPy: forms, sizes, norms, gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.signal

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import GraphTypeError
from symgraph.gradient import verify_grad
from symgraph.types import TensorType

Case = tuple[Callable[..., Any], Callable[..., Any], tuple[np.ndarray, ...]]


def drawn(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed + sum(shape))
    if dtype.startswith("int"):
        return rng.integers(-9, 9, shape).astype(dtype)
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if "complex" in dtype else values).astype(dtype)


def check(cases: list[Case]) -> None:
    """All cases in one compiled function."""
    inputs = [[TensorType(str(a.dtype), [None] * a.ndim)() for a in arrays] for *_, arrays in cases]
    outputs = [f(*v) for (f, _, _), v in zip(cases, inputs, strict=True)]
    compiled = sg.function([v for own in inputs for v in own], outputs)
    found = compiled(*(a for *_, arrays in cases for a in arrays))
    for n, (value, (_, expected_of, arrays)) in enumerate(zip(found, cases, strict=True)):
        expected = expected_of(*arrays)
        assert (value.shape, value.dtype) == (expected.shape, expected.dtype), f"case {n}"
        tolerance = 1e-4 if value.dtype in (np.float32, np.complex64) else 1e-10
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance, err_msg=str(n))


ONE_AXIS = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = ("fft2", "ifft2", "fftn", "ifftn", "rfft2", "irfft2", "rfftn", "irfftn")
TAKES_REAL = ("rfft", "ihfft", "rfft2", "rfftn")


@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_transforms_are_numpys(norm: str | None) -> None:
    cases: list[Case] = []
    for name in (*ONE_AXIS, *SEVERAL):
        forms: list[dict[str, Any]] = [{}]
        if name in ONE_AXIS:
            forms += [{"axis": 0}, {"n": 3}, {"n": 8}, {"n": 5, "axis": -2}]
        else:
            forms += [{"s": (3, 5), "axes": (-2, -1)}, {"axes": (1, 0)}]
        x = drawn(4, 6, dtype="float64" if name in TAKES_REAL else "complex128")
        ours, theirs = getattr(T.fft, name), getattr(np.fft, name)
        cases += [(partial(ours, norm=norm, **form), partial(theirs, norm=norm, **form), (x,))
                  for form in forms]  # fmt: skip
    check(cases)


def test_dtypes_and_ranks() -> None:
    single, whole = drawn(2, 3, 4, dtype="float32"), drawn(5, dtype="int64")
    check([
        (T.fft.rfft, np.fft.rfft, (single,)), (T.fft.fft, np.fft.fft, (single,)),
        (T.fft.fftn, np.fft.fftn, (single,)), (T.fft.rfftn, np.fft.rfftn, (single,)),
        (partial(T.fft.fftn, axes=(2, 0)), partial(np.fft.fftn, axes=(2, 0)), (single,)),
        (partial(T.fft.irfft, n=5), partial(np.fft.irfft, n=5), (drawn(3, dtype="complex64"),)),
        (T.fft.fft, np.fft.fft, (whole,)), (T.fft.irfft, np.fft.irfft, (whole,)),
        (T.fft.fftshift, np.fft.fftshift, (single,)),
        (T.fft.ifftshift, np.fft.ifftshift, (single,)),
        (partial(T.fft.fftshift, axes=1), partial(np.fft.fftshift, axes=1), (single,)),
    ])  # fmt: skip
    n = T.lscalar("n")
    f = sg.function([n], [T.fft.fftfreq(n, 0.5), T.fft.rfftfreq(n, 0.5)])
    for size in (4, 5):
        for found, expected in zip(f(size), (np.fft.fftfreq, np.fft.rfftfreq), strict=True):
            np.testing.assert_allclose(found, expected(size, 0.5), rtol=1e-6)


def test_a_size_may_be_a_variable() -> None:
    x, n = T.dvector("x"), T.lscalar("n")
    f = sg.function([x, n], [T.fft.fft(x, n), T.fft.irfft(T.fft.rfft(x), x.shape[0])])
    for length in (3, 5, 8):
        values = drawn(5)
        spectrum, back = f(values, length)
        np.testing.assert_allclose(spectrum, np.fft.fft(values, length))
        np.testing.assert_allclose(back, values)


def test_theanos_pairs() -> None:
    x = drawn(2, 3, 5)
    for norm, factor in ((None, 1.0), ("ortho", 15**-0.5), ("no_norm", 1.0)):
        pairs = T.fft.rfft_pairs(x, norm)
        back = T.fft.irfft_pairs(pairs, norm, is_odd=True)
        found, again = sg.function([], [pairs, back])()
        expected = np.fft.rfftn(x, axes=(1, 2)) * factor
        np.testing.assert_allclose(found[..., 0] + 1j * found[..., 1], expected)
        np.testing.assert_allclose(again, x * (15 if norm == "no_norm" else 1))


def test_gradients() -> None:
    def weight(out: Any) -> Any:
        return (T.real(out) * T.sin(T.real(out)) + T.real(out) * T.imag(out)).sum()

    for f in (T.fft.rfft, partial(T.fft.rfft, n=8), partial(T.fft.rfftn, norm="ortho"),
              partial(T.fft.ihfft, n=3), partial(T.fft.rfft2, axes=(1, 0))):  # fmt: skip
        verify_grad(lambda x, f=f: weight(f(x)), [drawn(3, 5)], n_tests=1)
    z = drawn(3, 4, dtype="complex128")
    for f in (T.fft.fft, T.fft.ifft2, T.fft.irfft, partial(T.fft.irfft, n=7), T.fft.irfftn,
              partial(T.fft.hfft, n=5)):  # fmt: skip
        verify_grad(lambda x, y, f=f: weight(f(T.complex(x, y))), [z.real, z.imag], n_tests=1)


MODES = ("full", "same", "valid")
LENGTHS = ((7, 3), (3, 7), (6, 4), (4, 6), (1, 1), (5, 5))


def test_convolutions_are_numpys() -> None:
    cases: list[Case] = []
    for mode in MODES:
        for n, m in LENGTHS:
            pair = (drawn(n), drawn(m, seed=1))
            for f, g in ((T.convolve, np.convolve), (T.correlate, np.correlate)):
                cases.append((partial(f, mode=mode), partial(g, mode=mode), pair))
    z = (drawn(5, dtype="complex128"), drawn(3, dtype="complex128"))
    i = (drawn(5, dtype="int64"), drawn(3, dtype="int64"))
    cases += [(T.convolve, np.convolve, p) for p in (z, i)]
    cases += [(T.correlate, np.correlate, p) for p in (z, i)]
    check(cases)


def test_convolutions_are_scipys() -> None:
    cases: list[Case] = []
    names = ("convolve2d", "correlate2d", "fftconvolve")
    for name in names:
        for shapes in (((5, 6), (2, 3)), ((4, 4), (3, 4)), ((3, 3), (4, 4))):
            for mode in MODES:
                ours, theirs = getattr(T, name), getattr(scipy.signal, name)
                pair = (drawn(*shapes[0]), drawn(*shapes[1], seed=1))
                if name == "correlate2d" and shapes[0] < shapes[1] and mode == "valid":
                    continue  # SciPy exchanges them, which turns the result round
                cases.append((partial(ours, mode=mode), partial(theirs, mode=mode), pair))
    z = (drawn(4, 4, dtype="complex64"), drawn(2, 3, dtype="complex64"))
    cases += [(getattr(T, n), getattr(scipy.signal, n), z) for n in names]
    check(cases)
    verify_grad(partial(T.convolve2d, mode="same"), [drawn(3, 4), drawn(2, 2)])
    verify_grad(partial(T.correlate, mode="valid"), [drawn(3), drawn(6)])


def test_what_is_refused() -> None:
    x, z, v = T.dmatrix("x"), T.zvector("z"), T.dvector("v")
    for call, message in (
        (lambda: T.fft.fft(v, norm="half"), "norm"), (lambda: T.fft.rfft(z), "real numbers"),
        (lambda: T.fft.fft(v, axis=1), "axes"), (lambda: T.fft.fftn(x, axes=(0, 0)), "twice"),
        (lambda: T.fft.fftn(x, s=(3,), axes=(0, 1)), "sizes"), (lambda: T.convolve(x, v), "axes"),
        (lambda: T.convolve(v, v, "wrap"), "mode"), (lambda: T.fft.fft(v.astype("float16")), "16"),
        (lambda: T.fft.rfft_pairs(x, "backward"), "no_norm"),
    ):  # fmt: skip
        with pytest.raises(GraphTypeError, match=message):
            call()
