"""Products of matrices on the device: in place, in batches, in half precision."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.cuda import target
from symgraph.backends.cuda.device import IN_SIMULATOR
from symgraph.lower.program import Gemm, Routine

CUDA = sg.Mode(backend="cuda")
RNG = np.random.default_rng(0)


def test_half_precision_is_multiplied_as_it_is_stored() -> None:
    x, w = (T.matrix(n, dtype="float16") for n in "xw")
    z = T.tensor3("z", dtype="float16")
    out = [T.dot(x, w), T.batched_dot(z, z.swapaxes(1, 2)), T.dot(x.T, x) * 2]
    f = sg.function([x, w, z], out, mode=CUDA)
    steps = list(f.trace.plans[0].steps)
    products = [s for s in steps if isinstance(s, Gemm)]
    assert {b.dtype for s in products for b in (s.a, s.b, s.c)} == {"float16"}
    (batch,) = (s for s in steps if isinstance(s, Routine))
    assert {b.dtype for b, _ in (*batch.outputs, *batch.inputs)} == {"float16"}
    arrays = [RNG.normal(size=s).astype("float16") for s in ((3, 4), (4, 2), (2, 3, 4))]
    for found, expected in zip(f(*arrays), sg.function([x, w, z], out)(*arrays), strict=True):
        assert found.dtype == "float16"
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)


def test_a_gradient_in_half_precision() -> None:
    x, w = (T.matrix(n, dtype="float16") for n in "xw")
    cost = T.sqr(T.cast(T.tanh(T.dot(x, w)), "float32")).sum()
    arrays = [RNG.normal(size=s).astype("float16") for s in ((3, 4), (4, 2))]
    found, expected = (sg.function([x, w], T.grad(cost, w), mode=m)(*arrays) for m in (CUDA, None))
    np.testing.assert_allclose(found, expected, rtol=5e-3, atol=5e-3)


def test_an_addend_is_added_over_its_memory() -> None:
    x, y = T.fmatrix("x"), T.fmatrix("y")
    W = sg.shared(np.ones((3, 2), "float32"), "W")
    step = sg.function([x, y], [], updates=[(W, W - 0.5 * T.dot(x, y))], mode=CUDA)
    assert "run.gemm" in target.write(step.trace.plans[0], "").driver
    rows = RNG.normal(size=(3, 4)).astype("float32"), RNG.normal(size=(4, 2)).astype("float32")
    step(*rows)
    np.testing.assert_allclose(W.get_value(), 1 - 0.5 * rows[0] @ rows[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("trans_a", [False, True])
@pytest.mark.parametrize("trans_b", [False, True])
def test_one_matrix_for_a_batch(trans_a: bool, trans_b: bool) -> None:
    a = RNG.normal(size=(1, 4, 3) if trans_a else (1, 3, 4))
    b = RNG.normal(size=(2, 5, 4) if trans_b else (2, 4, 5))
    c = np.ones((2, 3, 5))
    IN_SIMULATOR.products.multiply(a, b, c, trans_a, trans_b, 2.0, 3.0)
    left, right = (x.swapaxes(1, 2) if t else x for x, t in ((a, trans_a), (b, trans_b)))
    np.testing.assert_allclose(c, 2 * left @ right + 3)


def test_a_factor_on_the_device_is_not_read_by_the_driver() -> None:
    x, y, rate = T.fmatrix("x"), T.fmatrix("y"), T.fscalar("rate")
    W = sg.shared(np.ones((3, 2), "float32"), "W")
    step = sg.function([x, y, rate], [], updates=[(W, W - rate * T.dot(x, y))], mode=CUDA)
    lines = target.write(step.trace.plans[0], "").driver.splitlines()
    (product,) = (line for line in lines if "run.gemm" in line)
    assert "[:1]" in product
    assert not any("run.read" in line for line in lines)
    rows = RNG.normal(size=(3, 4)).astype("float32"), RNG.normal(size=(4, 2)).astype("float32")
    step(*rows, np.float32(0.25))
    np.testing.assert_allclose(W.get_value(), 1 - 0.25 * rows[0] @ rows[1], rtol=1e-5, atol=1e-6)
