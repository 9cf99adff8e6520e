"""Calls recorded once and replayed, on a device that only pretends to record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.cuda import device, target
from symgraph.random import RandomStream


class Recorder(device.Simulated):
    """A simulated device that records launches; what it records is not done."""

    records: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__(0)
        self.recording: list[Callable[[], None]] | None = None
        self.counts = {"launches": 0, "recordings": 0, "replays": 0}

    def launch(
        self, kernel: Any, blocks: int, threads: tuple[int, int], args: Sequence[Any]
    ) -> None:
        """Run a kernel, or remember to."""
        run = super().launch
        if self.recording is not None:
            self.recording.append(lambda: run(kernel, blocks, threads, args))
        else:
            self.counts["launches"] += 1
            run(kernel, blocks, threads, args)

    def begin_recording(self) -> None:
        """Remember launches."""
        self.recording = []
        self.counts["recordings"] += 1

    def end_recording(self) -> Any:
        """What was remembered."""
        steps, self.recording = self.recording, None
        return Graph(self, steps or [])


class Graph:
    def __init__(self, owner: Recorder, steps: list[Callable[[], None]]) -> None:
        self.owner, self.steps = owner, steps

    def launch(self) -> None:
        self.owner.counts["replays"] += 1
        for step in self.steps:
            step()


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    if not device.SIMULATED:
        pytest.skip("a card records by itself")
    made = Recorder()
    monkeypatch.setattr(target, "open_device", lambda number=0: made)
    return made


def test_a_call_is_recorded_the_second_time_and_then_replayed(recorder: Recorder) -> None:
    x, rate = T.fmatrix("x"), T.fscalar("rate")
    W = sg.shared(np.zeros(3, "float32"), "W", target="cuda")
    loss = T.sqr(x - W).sum()
    updates = [(W, W - rate * T.grad(loss, W))]
    step = sg.function([x, rate], loss, updates=updates, mode=sg.Mode(backend="cuda"))
    on_cpu = np.zeros(3, "float32")
    rng = np.random.default_rng(1)
    kept = []
    for number in range(5):
        rows, by = rng.normal(size=(4, 3)).astype("float32"), np.float32(0.01 * number)
        kept.append((step(rows, by), ((rows - on_cpu) ** 2).sum()))
        on_cpu = on_cpu + by * 2 * (rows - on_cpu).sum(0)
        np.testing.assert_allclose(W.get_value(), on_cpu, rtol=1e-5, atol=1e-6)
    for found, expected in kept:
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert recorder.counts["recordings"] <= 2  # the rows, on the device already, came to move
    assert recorder.counts["replays"] >= 2
    before = dict(recorder.counts)
    other = step(rng.normal(size=(2, 3)).astype("float32"), np.float32(0))
    assert np.isfinite(other)
    assert recorder.counts["recordings"] == before["recordings"]
    assert recorder.counts["replays"] == before["replays"]


def test_a_call_that_waits_for_results_is_not_recorded(recorder: Recorder) -> None:
    x = T.dvector("x")
    f = sg.function([x], x[x > 0] * 2, mode=sg.Mode(backend="cuda"))
    for _ in range(3):
        np.testing.assert_array_equal(f([1.0, -1.0, 2.0]), [2, 4])
    assert recorder.counts["recordings"] == 0


def test_sorting_and_running_folds_are_recorded(recorder: Recorder) -> None:
    x = T.fvector("x")
    order = T.argsort(x)
    f = sg.function([x], [T.cumsum(x[::-1]), order], mode=sg.Mode(backend="cuda"))
    values = np.random.default_rng(1).normal(size=70).astype("float32")
    for sign in (1, -1, 1, -1):
        sums, places = f(sign * values)
        np.testing.assert_allclose(sums, np.cumsum(sign * values[::-1]), rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(places, np.argsort(sign * values, kind="stable"))
    assert recorder.counts["replays"] >= 2


def test_a_look_up_by_data_is_recorded_and_its_indices_are_checked(recorder: Recorder) -> None:
    table = sg.shared(np.arange(6, dtype="float32").reshape(3, 2), "table", target="cuda")
    n = T.lvector("n")
    rows = T.sqr(table[n]).sum()
    updates = [(table, table - np.float32(0.25) * T.grad(rows, table))]
    step = sg.function([n], rows, updates=updates, mode=sg.Mode(backend="cuda"))
    expected = table.get_value()
    for places in ([0, 2], [1, 1], [2, 0], [0, 3], [-1, -1], [-4, 0], [2, 1]):
        if min(places) < -3 or max(places) > 2:
            with pytest.raises(sg.errors.IndexRangeError, match="for an axis of 3"):
                step(places)
        else:
            assert step(places) == pytest.approx((expected[places] ** 2).sum())
            np.subtract.at(expected, places, 0.5 * expected[places])
        np.testing.assert_allclose(table.get_value(), expected, rtol=1e-5)
    assert recorder.counts["replays"] >= 4


def test_a_classifier_with_a_loop_and_random_numbers_is_recorded(recorder: Recorder) -> None:
    x, y = T.fmatrix("x"), T.ivector("y")
    W = sg.shared(np.ones(3, "float32"), "W", target="cuda")
    noise = RandomStream(5).uniform(size=(4, 3), dtype="float32")
    h, _ = sg.scan(lambda r, s: T.tanh(r + s), x.dimshuffle(1, 0), T.zeros((4,), "float32"))
    p = T.nnet.softmax((h.T + noise) * W)
    loss = T.nnet.categorical_crossentropy(p, y).mean()
    updates = [(W, W - np.float32(0.1) * T.grad(loss, W))]
    step = sg.function([x, y], loss, updates=updates, mode=sg.Mode(backend="cuda"))
    rows, labels = np.full((4, 3), 0.5, "float32"), np.array([0, 1, 1, 0], "int32")
    losses = [step(rows, labels) for _ in range(5)]
    assert len(set(map(float, losses))) == 5  # other draws, and other weights
    assert recorder.counts["replays"] >= 2
