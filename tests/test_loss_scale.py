"""Loss scaling: gradients that float16 would lose, steps that are left out, the scale's way."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import GraphTypeError


def network(scale: sg.LossScale | None, weight: float = 1e-6) -> tuple[sg.Function, sg.Function]:
    """The gradient, and a training step, of a cost whose gradients pass through float16."""
    x = T.fvector("x")
    W = sg.shared(np.ones(4, "float32"), "W")
    h = T.cast(x * W, "float16")
    cost = weight * T.cast(h, "float32").mean() * 1e-3
    if scale is None:
        return sg.function([x], T.grad(cost, W)), W
    (g,) = scale.grad(cost, [W])
    updates = scale.guard({W: W - g}, [g])
    return sg.function([x], g), sg.function([x], W, updates=updates)


def test_small_gradients_survive() -> None:
    ones = np.ones(4, "float32")
    lost, _ = network(None)
    assert not lost(ones).any()  # 2.5e-10 is no number of float16
    kept, _ = network(sg.LossScale())
    assert kept(ones).dtype == np.float32
    np.testing.assert_allclose(kept(ones), 2.5e-10, rtol=2e-2)


def test_steps_with_infinite_gradients_are_left_out_and_the_scale_follows() -> None:
    scale = sg.LossScale(initial=2.0**20, interval=3, most=2.0**20)
    _, step = network(scale, weight=1.0)  # 2.5e-4 times the scale overflows nothing
    ones = np.ones(4, "float32")
    step(ones)
    assert (scale.value.get_value(), scale.steps.get_value()) == (2.0**20, 1)
    before = step(ones)
    step(ones * np.float32(np.inf))
    np.testing.assert_allclose(step(ones), before - 2.5e-4, rtol=1e-6)
    assert scale.value.get_value() == 2.0**19
    for _ in range(3):
        step(ones)
    assert scale.value.get_value() == 2.0**20
    for _ in range(3):
        step(ones)
    assert scale.value.get_value() == 2.0**20  # not above `most`


def test_the_scale_does_not_fall_below_its_least() -> None:
    scale = sg.LossScale(initial=4.0, least=2.0)
    _, step = network(scale)
    for _ in range(3):
        step(np.full(4, np.nan, "float32"))
    assert scale.value.get_value() == 2.0


def test_float16_parameters_keep_their_dtype() -> None:
    W = sg.shared(np.ones(3, "float16"), "W")
    scale = sg.LossScale()
    cost = (W**2).sum()
    (g,) = scale.grad(cost, [W])
    assert g.type.dtype == "float32"
    f = sg.function([], cost, updates=scale.guard([(W, W - 0.25 * g)], [g]))
    f()  # 2 * 2**15 is infinite in float16
    np.testing.assert_array_equal(W.get_value(), np.ones(3, "float16"))
    f()
    np.testing.assert_array_equal(W.get_value(), np.full(3, 0.5, "float16"))


@pytest.mark.parametrize(
    "wrong", [{"factor": 1.0}, {"interval": 0}, {"least": 0.0}, {"initial": 2.0**30}]
)
def test_numbers_that_do_not_fit(wrong: dict) -> None:
    with pytest.raises(GraphTypeError, match="a loss scale needs"):
        sg.LossScale(**wrong)
