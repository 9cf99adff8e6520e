"""Devices: their names, what a machine has of them, and what is said where something is missing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import symgraph as sg
from symgraph import cli, devices
from symgraph.backends import nvidia
from symgraph.backends.nvidia import Card, Machine
from symgraph.errors import (
    ConfigError,
    DeviceError,
    MissingExtraError,
    NoDeviceError,
    OldDriverError,
    UnknownDeviceError,
)

CARD = Card("Some Card", (9, 0), 80 << 30)
PACKAGES = (("numba-cuda", "0.30"), ("cupy", "14.2 (cupy-cuda13x)"))
WHOLE = Machine((13, 0), (CARD, CARD), PACKAGES, 13)


SPELLINGS = {"cpu": "cpu", "cuda": "cuda:0", "cuda1": "cuda:1", "gpu": "cuda:0", "gpu:3": "cuda:3"}


@pytest.mark.parametrize(("name", "meant"), SPELLINGS.items())
def test_names_have_one_meaning(name: str, meant: str) -> None:
    assert devices.canonical(name) == meant
    with sg.config(device=name):
        assert sg.config.place == meant


@pytest.mark.parametrize("name", ["opencl0:0", "tpu", "cuda:", "cuda:x", 3, None, ""])
def test_other_names_are_an_error(name: Any) -> None:
    with pytest.raises(UnknownDeviceError, match="there is no device"):
        devices.canonical(name)
    with pytest.raises(ConfigError, match="the names of devices"):
        sg.config.device = name


def test_a_program_may_name_devices() -> None:
    devices.give_name("dev1", "cuda1")
    assert devices.canonical("dev1") == "cuda:1"


@pytest.mark.parametrize(
    ("machine", "kind", "text"),
    [
        (Machine(), NoDeviceError, "driver .* is not installed.*device='cpu'"),
        (Machine((13, 0)), NoDeviceError, "finds no NVIDIA card"),
        (replace(WHOLE, packages=()), MissingExtraError, r"cupy are not.*'symgraph\[cuda\]'"),
        (replace(WHOLE, driver=(12, 4), packages=(), toolkit=None), MissingExtraError, r"\[cuda12"),
        (replace(WHOLE, packages=PACKAGES[:1]), MissingExtraError, "^cupy is not installed"),
        (replace(WHOLE, driver=(12, 8)), OldDriverError, r"12\.8.*need CUDA 13.*\[cuda12\]"),
        (replace(WHOLE, driver=(11, 4)), OldDriverError, "update the driver$"),
        (replace(WHOLE, cards=(Card("Old", (6, 1), 1),)), NoDeviceError, r"6\.1.*7\.5"),
    ],
)
def test_what_is_missing_is_said_with_its_cure(machine: Machine, kind: type, text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        machine.check()
    assert isinstance(caught.value, DeviceError)


def test_a_number_beyond_the_cards() -> None:
    WHOLE.check("cuda:1")
    with pytest.raises(UnknownDeviceError, match="cuda:2; this machine has cuda:0, cuda:1"):
        WHOLE.check("cuda:2")


def test_the_simulator_needs_nothing() -> None:
    Machine(simulated=True).check("cuda:3")
    with pytest.raises(UnknownDeviceError):
        Machine(simulated=True).check("cuda:4")


class FakeDriver:
    """The few functions of the driver's interface that are asked, for two cards."""

    def __init__(self, version: int = 13000, status: int = 0) -> None:
        self.version, self.status = version, status

    def cuInit(self, flags: int) -> int:
        return self.status

    def cuDriverGetVersion(self, out: Any) -> int:
        return self._put(out, self.version)

    def cuDeviceGetCount(self, out: Any) -> int:
        return self._put(out, 2)

    def cuDeviceGet(self, out: Any, place: int) -> int:
        return self._put(out, place + 40)

    def cuDeviceGetName(self, buffer: Any, length: int, handle: Any) -> int:
        buffer.value = f"Card {handle.value}".encode()
        return 0

    def cuDeviceGetAttribute(self, out: Any, attribute: int, handle: Any) -> int:
        return self._put(out, {75: 9, 76: 0}[attribute])

    def cuDeviceTotalMem_v2(self, out: Any, handle: Any) -> int:
        return self._put(out, 80 << 30)

    @staticmethod
    def _put(out: Any, value: int) -> int:
        out._obj.value = value
        return 0


def test_the_driver_is_asked() -> None:
    found = nvidia.machine(FakeDriver)
    assert found.driver == (13, 0)
    assert found.cards == (Card("Card 40", (9, 0), 80 << 30), Card("Card 41", (9, 0), 80 << 30))
    assert nvidia.machine(lambda: FakeDriver(12040, status=100)).cards == ()
    assert nvidia.machine(lambda: FakeDriver(12040, status=100)).driver == (12, 4)
    assert nvidia.machine(lambda: None).driver is None


def test_a_machine_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "LIBRARY", "libno-such-library.so")
    assert nvidia.load_driver() is None


def test_packages_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def package(name: str) -> Any:
        return SimpleNamespace(metadata={"Name": name}, version="14.0")

    for name, toolkit in {"cupy-cuda12x": 12, "cupy-cuda13x": 13, "cupy": None}.items():
        monkeypatch.setattr(nvidia.metadata, "distributions", lambda name=name: [package(name)])
        found = nvidia.machine(FakeDriver)
        assert ("cupy", f"14.0 ({name})") in found.packages
        assert found.toolkit == toolkit


@pytest.mark.parametrize(
    ("machine", "lines"),
    [
        (Machine(), ["cpu", "is not installed"]),
        (WHOLE, ["cuda:1", "80.0 GiB, compute 9.0", "runs CUDA 13.0", "GPUs can be used"]),
        (Machine(simulated=True), ["cuda:0-3", "simulator", "GPUs can be used"]),
    ],
)
def test_the_command_lists_them(
    machine: Machine, lines: list[str], capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvidia, "this_machine", lambda: machine)
    assert cli.main(["devices"]) == 0
    out = capsys.readouterr().out
    assert all(line in out for line in lines)
