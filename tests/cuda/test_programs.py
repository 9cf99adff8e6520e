"""Whole programs on the CUDA target give what they give on the CPU."""

from __future__ import annotations

import numpy as np

import symgraph as sg
import symgraph.tensor as T

CUDA = sg.Mode(backend="cuda")
RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def test_elementwise_and_reductions() -> None:
    x, y = T.fmatrix("x"), T.fvector("y")
    outputs = [
        T.exp(x) * y + 1,
        T.tanh(x).sum(axis=1),
        (x * y).sum(),
        x.sum(axis=0),
        T.nnet.softmax(x),
        T.argmax(x, axis=1),
        x.T,
    ]
    arrays = floats(5, 3), floats(3)
    expected = sg.function([x, y], outputs)(*arrays)
    for found, want in zip(sg.function([x, y], outputs, mode=CUDA)(*arrays), expected, strict=True):
        assert (found.dtype, found.shape) == (want.dtype, want.shape)
        np.testing.assert_allclose(found, want, rtol=2e-6)


def test_a_training_step_updates_its_weights() -> None:
    x = T.fmatrix("x")
    start, rows = floats(3, 2), floats(5, 3)
    weights = [sg.shared(start.copy(), "W") for _ in range(2)]
    losses = []
    for mode, W in zip((None, CUDA), weights, strict=True):
        loss = T.sqr(T.tanh(T.dot(x, W))).sum()
        step = sg.function([x], loss, updates=[(W, W - 0.1 * T.grad(loss, W))], mode=mode)
        losses.append([step(rows) for _ in range(3)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    np.testing.assert_allclose(weights[1].get_value(), weights[0].get_value(), rtol=1e-5)


def test_routines_without_a_kernel_run_on_the_cpu() -> None:
    x = T.fmatrix("x")
    found = sg.function([x], T.sort(x, axis=1) * 2, mode=CUDA)(rows := floats(3, 4))
    np.testing.assert_array_equal(found, np.sort(rows, axis=1) * 2)
