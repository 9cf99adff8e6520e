"""`device` and `contexts` among Theano's flags."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import symgraph as sg
from symgraph.backends import nvidia
from symgraph.backends.nvidia import Machine
from symgraph.compat.theano.configdefaults import config
from symgraph.compat.theano.sandbox import cuda
from symgraph.errors import NoDeviceError, UnknownDeviceError


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    with sg.config(device="cpu"):
        yield


def test_a_device_that_is_there_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "this_machine", lambda: Machine(simulated=True))
    with config.change_flags(device="gpu1"):
        assert (config.device, sg.config.place) == ("gpu1", "cuda:1")
    assert sg.config.place == "cpu"
    config.contexts = "left->cuda0;right->cuda1"
    config.device = "right"
    assert (config.contexts, sg.config.place) == ("left->cuda0;right->cuda1", "cuda:1")


def test_the_old_library_takes_a_device_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "this_machine", lambda: Machine(simulated=True))
    cuda.use("gpu1")
    assert sg.config.place == "cuda:1"
    monkeypatch.setattr(cuda, "this_machine", Machine)
    with pytest.raises(NoDeviceError):
        cuda.use("gpu0")
    cuda.use("cpu")
    assert sg.config.place == "cpu"


def test_without_one_the_cpu_is_used_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "this_machine", Machine)
    with pytest.warns(UserWarning, match=r"driver.*Using the CPU"):
        config.device = "cuda"
    assert config.device == "cpu"
    with config.change_flags(force_device=True), pytest.raises(NoDeviceError):
        config.device = "cuda"
    with pytest.raises(UnknownDeviceError):
        config.device = "opencl0:0"
