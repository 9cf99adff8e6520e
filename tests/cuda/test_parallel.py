"""Data-parallel training gives what one device gives."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import device_array
from symgraph.backends.cuda.reduction import Nccl
from symgraph.backends.nvidia import this_machine
from symgraph.errors import GraphTypeError, InputShapeError

DEVICES = [f"cuda:{n}" for n in range(min(this_machine().count, 3))]
pytestmark = pytest.mark.skipif(len(DEVICES) < 2, reason="there is one device only")
RATE = np.float32(0.1)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 3)).astype("f4"), RNG.integers(0, 2, 8).astype("i4")
START = RNG.normal(size=(3, 2)).astype("f4")


def problem() -> tuple[list[Any], Any, list[Any], Any]:
    x, y, rate = T.fmatrix("x"), T.ivector("y"), T.fscalar("rate")
    W, b = sg.shared(START, "W"), sg.shared(np.zeros(2, "f4"), "b")
    p = T.nnet.softmax(T.dot(x, W) + b)
    cost = T.nnet.categorical_crossentropy(p, y).mean() + 0.01 * (W**2).sum()

    def momentum(parameters: Any, gradients: Any) -> list[Any]:
        updates = []
        for p, g in zip(parameters, gradients, strict=True):
            v = sg.shared(np.zeros(p.get_value().shape, "f4"), "v")
            faster = 0.9 * v - rate * g
            updates += [(v, faster), (p, p + faster)]
        return updates

    return [x, y, rate], cost, [W, b], momentum


def test_devices_train_as_one() -> None:
    inputs, cost, alone, rule = problem()
    one = sg.function(inputs, cost, updates=rule(alone, T.grad(cost, alone)))
    inputs, cost, parameters, rule = problem()
    step = sg.DataParallel(inputs, cost, parameters, rule, DEVICES)
    for _ in range(3):
        np.testing.assert_allclose(step(X, Y, RATE), one(X, Y, RATE), rtol=1e-5)
    for replica in step.replicas:
        for mine, want in zip(replica, alone, strict=True):
            np.testing.assert_allclose(mine.get_value(), want.get_value(), rtol=1e-5)
    places = {v.get_value(return_internal_type=True).device for r in step.replicas for v in r}
    assert places == set(DEVICES)
    parameters[1].set_value(np.ones(2, "f4"))
    step.broadcast()
    assert all((replica[1].get_value() == 1).all() for replica in step.replicas)


def test_devices_draw_different_numbers() -> None:
    x = T.fmatrix("x")
    W = sg.shared(np.zeros(5, "f4"), "W")
    noise = sg.RandomStream(3).normal(size=(5,), dtype="float32")
    cost = (x.mean() * noise * W).sum()
    step = sg.DataParallel([x], cost, [W], lambda ps, gs: [(ps[0], gs[0])], DEVICES[:2])
    first = step.replicas
    step(np.ones((2, 1), "f4"))
    once = W.get_value()
    np.testing.assert_array_equal(first[1][0].get_value(), once)
    alone = sg.RandomStream(3).normal(size=(5,), dtype="float32").eval()
    assert not np.allclose(once, alone, atol=1e-3)  # the mean with another device's draw


def test_mistakes() -> None:
    inputs, cost, parameters, rule = problem()
    for devices in ([], ["cpu"], ["cuda", "cuda:0"]):
        with pytest.raises(GraphTypeError, match="each named once"):
            sg.DataParallel(inputs, cost, parameters, rule, devices)
    with pytest.raises(GraphTypeError, match="is no shared variable"):
        sg.DataParallel(inputs, cost, [inputs[0]], rule, DEVICES)
    with pytest.raises(GraphTypeError, match="no input has an axis"):
        sg.DataParallel(inputs[2:], cost, parameters, rule, DEVICES)
    step = sg.DataParallel(inputs, cost, parameters, rule, DEVICES)
    for x, y in ((X, Y[1:]), (X[:1], Y[:1])):
        with pytest.raises(InputShapeError, match="same number of rows"):
            step(x, y, RATE)


class FakeNccl:
    """NCCL's interface over memory that the host can reach: sums at the end of a group."""

    NCCL_FLOAT32, NCCL_SUM = 7, 0

    def __init__(self) -> None:
        self.started: list[tuple[int, Any]] = []
        self.NcclCommunicator = SimpleNamespace(initAll=self.members)

    def members(self, numbers: list[int]) -> list[Any]:
        assert numbers == [0, 1]
        return [SimpleNamespace(allReduce=self.all_reduce) for _ in numbers]

    def groupStart(self) -> None:
        self.started = []

    def all_reduce(self, send: int, receive: int, count: int, kind: int, op: int, s: int) -> None:
        assert (send, kind, op, s) == (receive, 7, 0, 0)
        place = ctypes.cast(send, ctypes.POINTER(ctypes.c_float))
        self.started.append((count, np.ctypeslib.as_array(place, (count,))))

    def groupEnd(self) -> None:
        for (_, a), (_, b) in zip(self.started[::2], self.started[1::2], strict=True):
            a[:] = b[:] = a + b


@pytest.mark.skipif(not this_machine().simulated, reason="memory of a card is not the host's")
def test_nccl_is_given_addresses_counts_and_kinds() -> None:
    def pair(*shape: int) -> list[Any]:
        return [device_array.placed(np.full(shape, n + 1, "f4"), f"cuda:{n}") for n in range(2)]

    groups = [pair(3), pair(2, 2)]
    reduce = Nccl(DEVICES[:2], FakeNccl())
    reduce(groups)
    assert all((array.numpy() == 3).all() for group in groups for array in group)
    with pytest.raises(GraphTypeError, match="NCCL sums no bool"):
        reduce([[device_array.placed(np.ones(1, bool), name) for name in DEVICES[:2]]])
