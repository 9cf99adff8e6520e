"""Convolutions on the device, by kernels of ours: larger ones than the derived tests try."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.cuda import convolution, running, target
from symgraph.backends.cuda.device import SIMULATED, open_device

CUDA = sg.Mode(backend="cuda")
RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def test_a_convolution_and_its_gradients_are_recorded_kernels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a routine ran on the CPU")

    monkeypatch.setattr(running, "call_on_cpu", refuse)
    x, w = T.ftensor4("x"), T.ftensor4("w")
    y = T.nnet.conv2d(x, w, border_mode="half", subsample=(1, 2))
    outputs = [y, *T.grad(T.sqr(y).sum(), [x, w])]
    f = sg.function([x, w], outputs, mode=CUDA)
    assert not target.write(f.trace.plans[0], "").waits
    arrays = floats(2, 3, 4, 5), floats(5, 3, 3, 3)
    expected = sg.function([x, w], outputs)(*arrays)
    for found, want in zip(f(*arrays), expected, strict=True):
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-4)


def test_long_sums_are_cut_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    if not SIMULATED:
        pytest.skip("a card has other tiles")
    monkeypatch.setattr(type(open_device()), "most_blocks", 4)
    made = []
    parts = convolution._parts
    monkeypatch.setattr(convolution, "_parts", lambda *a: made.append(parts(*a)) or made[-1])
    x, w = T.dtensor3("x"), T.dtensor3("w")
    gradient = T.grad(T.sqr(T.nnet.conv1d(x, w)).sum(), w)
    arrays = RNG.normal(size=(3, 1, 24)), RNG.normal(size=(2, 1, 2))
    found = sg.function([x, w], gradient, mode=CUDA)(*arrays)
    assert made == [(3, 24)]
    np.testing.assert_allclose(found, sg.function([x, w], gradient)(*arrays), rtol=1e-12)
