"""Functions over several devices, and values that live on them."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import device_array
from symgraph.backends.cuda import memory as memories
from symgraph.backends.nvidia import Machine, this_machine
from symgraph.errors import (
    DeviceMemoryError,
    DeviceMismatchError,
    IndexRangeError,
    InputShapeError,
    InputTypeError,
    NanError,
    NoDeviceError,
    ShapeError,
    UnknownDeviceError,
    VerifyError,
)

RNG = np.random.default_rng(0)
several = pytest.mark.skipif(this_machine().count < 2, reason="there is one device only")


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def on(device: str, array: Any) -> sg.DeviceArray:
    return device_array.placed(np.asarray(array), device)


def step_of(W: Any, device: str | None, **options: Any) -> sg.Function:
    x = T.fmatrix("x")
    cost = T.sqr(T.tanh(T.dot(x, W))).sum()
    updates = [(W, W - 0.1 * T.grad(cost, W))]
    return sg.function([x], cost, updates=updates, device=device, **options)


def test_training_on_a_device_is_training_on_the_cpu() -> None:
    start, rows = floats(3, 2), floats(5, 3)
    V, W = sg.shared(start, "V"), sg.shared(start, "W")
    on_cpu, on_gpu = step_of(V, None), step_of(W, "cuda")
    for _ in range(3):
        cost = on_gpu(rows)
        assert type(cost) is np.ndarray
        np.testing.assert_allclose(cost, on_cpu(rows), rtol=1e-5)
    np.testing.assert_allclose(W.get_value(), V.get_value(), rtol=1e-5)


def test_weights_stay_on_the_device_and_are_overwritten_there() -> None:
    W = sg.shared(floats(3, 2), "W")
    step = step_of(W, "cuda")
    step(floats(5, 3))
    held = W.get_value(borrow=True, return_internal_type=True)
    assert isinstance(held, sg.DeviceArray)
    before = held.numpy()
    step(floats(5, 3))
    assert W.get_value(borrow=True, return_internal_type=True) is held
    assert not np.array_equal(held.numpy(), before)


def test_a_function_on_the_cpu_takes_the_value_back() -> None:
    W = sg.shared(floats(3, 2), "W")
    step, look = step_of(W, "cuda"), sg.function([], W * 2)
    step(floats(5, 3))
    np.testing.assert_array_equal(look(), W.get_value() * 2)
    assert isinstance(W.get_value(borrow=True, return_internal_type=True), np.ndarray)
    step(floats(5, 3))
    assert isinstance(W.get_value(borrow=True, return_internal_type=True), sg.DeviceArray)


@several
def test_two_devices_and_the_cpu_give_what_one_gives() -> None:
    x = T.fmatrix("x")
    start = floats(3, 3)

    def build(first: str, second: str) -> list[np.ndarray]:
        V = sg.shared(start, "V", target=first)
        W = sg.shared(start, "W", target=second)
        h = T.tanh(T.dot(x, V))
        y = T.dot(h, W)
        cost = (y.transfer("cpu") ** 2).sum() + T.sort(h).sum()
        updates = [(p, p - 0.1 * T.grad(cost, p)) for p in (V, W)]
        f = sg.function([x], [cost, y.sum(axis=0)], updates=updates)
        values = [f(np.ones((2, 3), "float32")) for _ in range(2)][-1]
        return [*values, V.get_value(), W.get_value()]

    for found, want in zip(build("cuda:0", "cuda:1"), build("cpu", "cpu"), strict=True):
        np.testing.assert_allclose(found, want, rtol=2e-5)


def test_outputs_may_stay_on_the_device() -> None:
    x = T.fvector("x")
    f = sg.function([x], [sg.Out(x * 2, device=""), x + 1, x.transfer("cuda:0")], device="cuda")
    twice, more, same = f(rows := floats(4))
    assert isinstance(twice, sg.DeviceArray)
    assert (twice.device, twice.shape, twice.dtype) == ("cuda:0", (4,), np.float32)
    assert (len(twice), twice.ndim, twice.size, twice.nbytes) == (4, 1, 4, 16)
    np.testing.assert_array_equal(twice.wait().numpy(), rows * 2)
    np.testing.assert_array_equal(more, rows + 1)
    np.testing.assert_array_equal(same.numpy(), rows)
    assert f(same)[2] is not same  # results are the caller's own


def test_device_arrays_are_arguments() -> None:
    x = T.fvector("x")
    f = sg.function([x], x * 2, device="cuda")
    np.testing.assert_array_equal(f(on("cuda:0", np.ones(3, "float32"))), 2)
    with pytest.raises(InputTypeError, match="float64 on cuda:0"):
        f(on("cuda:0", np.ones(3)))
    with pytest.raises(InputTypeError, match="has 2 axes"):
        f(on("cuda:0", np.ones((3, 1), "float32")))


def test_arrays_of_other_devices_are_refused() -> None:
    x = T.fvector("x")
    value = on("cuda:0", floats(3))
    with pytest.raises(DeviceMismatchError, match=r"argument x.*lies on cuda:0.*computes on cpu"):
        sg.function([x], x * 2)(value)
    with pytest.raises(DeviceMismatchError, match="numpy"):
        np.asarray(value)
    if this_machine().count > 1:
        with pytest.raises(DeviceMismatchError, match="cpu and cuda:1"):
            sg.function([x], x * 2, device="cuda:1")(value)
        moved = value.to("cuda:1")
        assert (moved.device, moved.to("cuda:1") is moved) == ("cuda:1", True)
        np.testing.assert_array_equal(moved.to("cpu"), value.numpy())


def test_an_argument_in_overwritten_memory_is_copied() -> None:
    W = sg.shared(np.ones(3, "float32"), "W")
    x = T.fvector("x")
    f = sg.function([x], x.sum(), updates=[(W, W + x)], device="cuda")
    f(np.ones(3, "float32"))
    own = W.get_value(borrow=True, return_internal_type=True)
    assert float(f(own)) == 6
    np.testing.assert_array_equal(W.get_value(), 4)


@several
def test_targets_are_kept_by_every_way_in() -> None:
    W = sg.shared(np.ones(3, "float32"), "W", target="cuda:1")
    for value in (np.full(3, 2, "float32"), on("cuda:0", np.full(3, 2, "float32"))):
        W.set_value(value)
        assert W.get_value(return_internal_type=True).device == "cuda:1"
        np.testing.assert_array_equal(W.get_value(), 2)
    W.zero()
    np.testing.assert_array_equal(W.get_value(), 0)
    with sg.device("cuda:1"):
        b = sg.shared(np.ones(3, "float32"), "b")
    assert b.get_value(return_internal_type=True).device == "cuda:1"
    assert sg.shared(on("cuda:1", floats(3))).container.target == "cuda:1"
    with pytest.raises(InputShapeError, match="the value for V"):
        sg.shared(np.ones(3), "V", shape=(3,)).set_value(on("cuda:0", np.ones(4)))


def test_borrowing_and_copies() -> None:
    value = on("cuda:0", floats(3))
    W = sg.shared(value, "W", borrow=True)
    assert W.get_value(borrow=True, return_internal_type=True) is value
    other = W.get_value(return_internal_type=True)
    assert other is not value
    np.testing.assert_array_equal(other.numpy(), value.numpy())
    assert isinstance(W.get_value(borrow=True), np.ndarray)
    assert sg.shared(value).container.value is not value
    assert copy.deepcopy(value) is not value


class Foreign:
    """An array of another library, known by the CUDA array interface alone."""

    def __init__(self, array: sg.DeviceArray) -> None:
        self.owner = array
        self.__cuda_array_interface__ = array.__cuda_array_interface__


def test_arrays_of_other_libraries_are_taken_without_a_copy() -> None:
    mine = on("cuda:0", floats(3))
    taken = device_array.on_device(Foreign(mine))
    assert taken is not None
    assert taken.__cuda_array_interface__["data"][0] == mine.__cuda_array_interface__["data"][0]
    x = T.fvector("x")
    doubled = sg.function([x], x * 2, device="cuda")(Foreign(mine))
    np.testing.assert_array_equal(doubled, mine.numpy() * 2)
    W = sg.shared(Foreign(mine))
    np.testing.assert_array_equal(W.get_value(), mine.numpy())


def test_dlpack_out() -> None:
    mine = on("cuda:0", floats(3))
    if this_machine().simulated:  # a simulated device's memory is NumPy's
        np.testing.assert_array_equal(np.from_dlpack(mine), mine.numpy())
    else:
        assert mine.__dlpack_device__() == (2, 0)


def test_models_are_pickled_for_machines_with_and_without_a_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    W = sg.shared(floats(3, 2), "W", target="cuda:0")
    step = step_of(W, "cuda")
    rows = floats(5, 3)
    text = pickle.dumps((step, W))
    with_card, V = pickle.loads(text)
    assert V.get_value(return_internal_type=True).device == "cuda:0"
    monkeypatch.setattr("symgraph.backends.cuda.device.this_machine", Machine)
    monkeypatch.setattr("symgraph.backends.nvidia.this_machine", Machine)
    monkeypatch.setattr("symgraph.pipeline.this_machine", Machine)
    memories.memory.cache_clear()
    memories.open_device.cache_clear()
    with pytest.warns(UserWarning, match="compiled for the CPU instead"):
        without, U = pickle.loads(text)
    assert isinstance(U.get_value(return_internal_type=True), np.ndarray)
    assert not without.trace.places
    monkeypatch.undo()
    np.testing.assert_allclose(without(rows), with_card(rows), rtol=1e-5)
    np.testing.assert_allclose(U.get_value(), V.get_value(), rtol=1e-5)


def test_errors_of_a_call_leave_weights_as_they_were() -> None:
    W = sg.shared(np.ones(3, "float32"), "W")
    x, i = T.fvector("x"), T.lvector("i")
    f = sg.function([x, i], x[i], updates=[(W, W + x.sum())], device="cuda")
    with pytest.raises(IndexRangeError, match="7 for an axis of 2"):
        f(floats(2), [7])
    np.testing.assert_array_equal(W.get_value(), 1)
    g = sg.function([x], x + W, device="cuda")
    with pytest.raises(ShapeError, match="x has shape"):
        g(floats(2))


def test_full_memory_names_what_fills_it(monkeypatch: pytest.MonkeyPatch) -> None:
    W = sg.shared(np.ones((100, 10), "float32"), "W", target="cuda:0")
    x = T.fmatrix("x")
    f = sg.function([x], T.dot(x, W))
    device = memories.memory("cuda:0").device

    def full(*args: Any) -> Any:
        raise MemoryError

    f(np.ones((2, 100), "float32"))
    monkeypatch.setattr(type(device), "empty", full)
    with pytest.raises(DeviceMemoryError, match="cuda:0 has no room left") as caught:
        f(np.ones((2, 100), "float32"))
    text = str(caught.value)
    assert "4 kB  W, float32 of shape (100, 10), made at" in text
    assert "test_spread.py" in text
    assert "output" in text
    assert isinstance(caught.value, MemoryError)
    monkeypatch.setattr(type(device), "put", full)
    with pytest.raises(DeviceMemoryError):
        W.set_value(np.ones((100, 10), "float32"))


def test_missing_devices_are_named() -> None:
    x = T.fvector("x")
    with pytest.raises(UnknownDeviceError, match="cuda:77; this machine has cuda:0"):
        sg.function([x], x * 2, device="cuda:77")
    with pytest.raises(UnknownDeviceError):
        sg.shared(np.ones(3), target="cuda:77")
    assert issubclass(NoDeviceError, sg.errors.DeviceError)


def test_config_chooses_the_device() -> None:
    x = T.fvector("x")
    with sg.config(device="cuda"):
        f = sg.function([x], x * 2)
    assert "Transfer{cuda:0}" in sg.debugprint(f, file="str")
    assert "Transfer" not in sg.debugprint(sg.function([x], x * 2), file="str")


def test_verify_names_the_node_that_the_device_computes_wrongly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = T.fmatrix("x")
    rows = floats(5, 3)
    y = T.exp(T.dot(x, x.T)) + 1
    f = sg.function([x], y, device="cuda", mode="verify")
    np.testing.assert_allclose(f(rows), np.exp(rows @ rows.T) + 1, rtol=1e-4)

    def broken(run: Any, *args: Any) -> None:
        args[-1][...] = 0

    monkeypatch.setattr("symgraph.backends.cuda.running.Run.gemm", broken)
    with pytest.raises(VerifyError, match="native code changes") as caught:
        f(rows)
    assert "(Dot{trans_b}) on cuda:0 changes the result" in str(caught.value.__notes__)


def test_watching_for_nan() -> None:
    x = T.fvector("x")
    f = sg.function([x], T.log(x), device="cuda", mode="nanguard")
    np.testing.assert_array_equal(f(np.ones(3, "float32")), 0)
    with pytest.raises(NanError, match="first made by Log"):
        f(-np.ones(3, "float32"))


def test_functions_on_devices_are_looked_into(tmp_path: Path) -> None:
    W = sg.shared(floats(3, 2), "W")
    step, rows = step_of(W, "cuda", profile=True), floats(5, 3)
    step(rows)
    text = sg.debugprint(step, file="str")
    assert "Tanh [id" in text
    assert "on cuda:0" in text
    assert "def call(run" in step.source()
    assert step.llvm() == ""
    assert step.profile is not None
    assert step.profile.calls == 1
    table = {row.what: row for row in step.profile.by_kernel()}
    assert "matrix product on cuda:0" in table
    assert any("Tanh" in row.ops for row in table.values())
    assert all(name.endswith(" on cuda:0") for name in table)
    assert all(timed.seconds > 0 for timed in step.profile.steps)
    assert step.profile.seconds == pytest.approx(sum(step.profile.nodes().values()))
    step.profile.reset()
    assert step.profile.calls == 0
    held = {h.name: h.size for h in step.memory([(5, 3)]).held}
    assert held["x"] == 60
    assert step.memory([(5, 3)]).total("shared") == 24
    step.report(tmp_path / "report.html")
    for name in ("svg", "json", "dot", "onnx"):
        sg.export(step, tmp_path / f"graph.{name}")
    assert sg.bisect(step, [rows]).kind == "nothing"
