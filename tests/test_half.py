"""float16: stored and converted natively, computed in float32, as NumPy does it."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.llvm.machine import host
from symgraph.interpret import interpret

rng = np.random.default_rng(3)
X = rng.normal(size=(3, 4)).astype("float16")
ODD = np.array([0.0, -0.0, 1e-8, 6e-8, 65504, 65519, 65520, 1e6, -1e9, np.inf, np.nan])
needs_half = pytest.mark.skipif(not host().converts_half, reason="no such instructions")


@needs_half
def test_what_is_computed_natively() -> None:
    x = T.tensor("float16", shape=(None, 4), name="x")
    outputs = [
        T.exp(x) * 2 + 1, x.sum(), x.sum(0), x.mean(1), x.max(1), x.argmax(0), x[::-1, 1:],
        x[[2, 0]], T.concatenate([x, x * 2]), T.set_subtensor(x[0], 1.5),
        T.inc_subtensor(x[1:], x[1:]),
        x.T, x.reshape((-1,)), T.dot(x, x.T), T.sort(x), T.topk(x, 2), T.cumsum(x, 1),
        T.switch(x > 0, x, 0), T.cast(x, "int8"), T.cast(x, "complex64"),
        T.eye(3, dtype="float16"),
        T.arange(5, dtype="float16"), T.grad(T.cast(T.sqr(x).sum(), "float32"), x), T.isnan(x),
        T.cast(x, "bool"), T.nnet.softmax(x), x + T.constant(np.float32(1)), T.median(x),
    ]  # fmt: skip
    f = sg.function([x], outputs)
    assert "parts" in f.stages
    assert len(f.stages["parts"]) == 1, "no part is left to the interpreter"
    for found, want in zip(f(X), interpret(outputs, {x: X}), strict=True):
        assert found.dtype == want.dtype
        np.testing.assert_allclose(found, want, rtol=2e-3, atol=2e-3)


@needs_half
def test_numbers_are_rounded_once() -> None:
    fine = np.concatenate([ODD, rng.normal(size=2000) * 10.0 ** rng.integers(-9, 6, 2000)])
    ties = 1 + (np.arange(64) + 0.5) / 1024  # between two halves, and close to that
    fine = np.concatenate([fine, ties, ties + 1e-12, ties - 1e-12])
    d, s = T.dvector("d"), T.fvector("s")
    f = sg.function([d, s], [T.cast(d, "float16"), T.cast(s, "float16")])
    with np.errstate(all="ignore"):
        single = fine.astype("float32")
        want = [fine.astype("float16"), single.astype("float16")]
    for found, known in zip(f(fine, single), want, strict=True):
        np.testing.assert_array_equal(found, known)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(known))


@needs_half
def test_every_half_is_widened_exactly() -> None:
    every = np.arange(2**16, dtype="uint16").view("float16")
    h = T.tensor("float16", shape=(None,), name="h")
    wide, double = sg.function([h], [T.cast(h, "float32"), T.cast(h, "float64")])(every)
    np.testing.assert_array_equal(wide, every.astype("float32"))
    np.testing.assert_array_equal(double, every.astype("float64"))


def test_a_shared_variable_of_halves() -> None:
    w = sg.shared(np.ones(3, "float16"), name="w")
    step = sg.function([], T.sqr(w).sum(), updates=[(w, w - T.cast(0.25, "float16") * w)])
    assert float(step()) == 3.0
    assert w.get_value().dtype == "float16"
    np.testing.assert_array_equal(w.get_value(), np.full(3, 0.75, "float16"))


def test_averages_of_many_are_summed_in_float32() -> None:
    x = T.vector("x", dtype="float16")
    value = np.full(100_000, 2.0, "float16")
    value[::2] = 4.0
    average, variance = sg.function([x], [x.mean(), x.var()])(value)
    assert average.dtype == variance.dtype == np.float16
    assert (average, variance) == (3.0, 1.0)
