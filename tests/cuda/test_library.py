"""Library calls on the device: no array goes to the CPU unless a routine fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.cuda import running, target

CUDA = sg.Mode(backend="cuda")
RNG = np.random.default_rng(0)


def definite(*shape: int) -> np.ndarray:
    x = RNG.normal(size=shape)
    return x @ x.swapaxes(-1, -2) + shape[-1] * np.eye(shape[-1])


@pytest.fixture
def no_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a routine ran on the CPU")

    monkeypatch.setattr(running, "call_on_cpu", refuse)


def linear_algebra(a: Any, b: Any) -> list[Any]:
    w, v = T.linalg.eigh(a)
    u, s, vh = T.linalg.svd(a, full_matrices=False)
    q, r = T.linalg.qr(a)
    return [
        T.linalg.cholesky(a),
        T.linalg.solve(a, b),
        T.linalg.solve(a, b, "pos"),
        T.linalg.solve_triangular(a, b, lower=True, trans=1),
        T.linalg.inv(a),
        T.linalg.det(a),
        *T.linalg.slogdet(a),
        T.matmul(v * w.dimshuffle(*range(w.ndim - 1), "x", w.ndim - 1), v.swapaxes(-1, -2)),
        T.matmul(u * s.dimshuffle(*range(s.ndim - 1), "x", s.ndim - 1), vh),
        T.matmul(q, r),
        T.linalg.eigvalsh(a),
        T.linalg.svdvals(a),
        T.linalg.expm(a / 10),
    ]


@pytest.mark.usefixtures("no_cpu")
def test_linear_algebra_stays_on_the_device() -> None:
    a, b = T.dtensor3("a"), T.dtensor3("b")
    outputs = linear_algebra(a, b)
    arrays = definite(2, 2, 2), RNG.normal(size=(2, 2, 1))
    found, expected = (sg.function([a, b], outputs, mode=m)(*arrays) for m in (CUDA, None))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("no_cpu")
def test_fourier_transforms_are_part_of_a_program() -> None:
    x = T.dmatrix("x")
    smooth = T.fft.irfft(T.fft.rfft(x) * 0.5, x.shape[1])
    f = sg.function([x], [T.exp(smooth).sum(), T.grad(T.sqr(smooth).sum(), x)], mode=CUDA)
    rows = RNG.normal(size=(3, 5))
    total, gradient = f(rows)
    assert len(f.trace.plans) == 1
    np.testing.assert_allclose(total, np.exp(rows / 2).sum())
    np.testing.assert_allclose(gradient, rows / 2)


def failing(make: Callable[[Any], Any], array: np.ndarray) -> list[str]:
    """The errors on the device and on the CPU."""
    x = T.tensor("float64", (None,) * array.ndim, name="x")
    messages = []
    for mode in (CUDA, None):
        f = sg.function([x], make(x), mode=mode)
        with pytest.raises(sg.errors.MatrixError) as caught:
            f(array)
        messages.append(str(caught.value))
    return messages


@pytest.mark.parametrize(
    ("make", "last"),
    [
        (T.linalg.cholesky, -np.eye(2)),
        (T.linalg.inv, np.zeros((2, 2))),
        (lambda x: T.linalg.solve_triangular(x, x), np.zeros((2, 2))),
    ],
)
def test_a_matrix_that_cannot_be_used_is_the_same_error(
    make: Callable[[Any], Any], last: np.ndarray
) -> None:
    found, expected = failing(make, np.stack([np.eye(2), last]))
    assert found.replace(" on cuda:0", "") == expected
    assert "matrix 2 of the batch" in found
    assert "test_library.py" in found


def test_a_silent_factor_is_nan() -> None:
    x = T.dtensor3("x")
    f = sg.function([x], T.linalg.cholesky(x, on_error="nan"), mode=CUDA)
    first, second = f(np.stack([np.eye(2), -np.eye(2)]))
    np.testing.assert_array_equal(first, np.eye(2))
    assert np.isnan(second).all()


def test_batched_products_do_not_wait() -> None:
    x = T.ftensor3("x")
    y = T.nnet.softmax(T.batched_dot(x, x.dimshuffle(0, 2, 1)))
    f = sg.function([x], T.grad(y[:, 0].sum(), x), mode=CUDA)
    text = target.write(f.trace.plans[0], "")
    assert "run.routine" in text.driver
    assert not text.waits
    rows = RNG.normal(size=(2, 3, 4)).astype("float32")
    expected = sg.function([x], T.grad(y[:, 0].sum(), x))(rows)
    np.testing.assert_allclose(f(rows), expected, rtol=1e-5, atol=1e-6)
