"""The memory of devices, as `symgraph.device_array` knows it: arrays in, out and across."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from symgraph.backends.cuda.device import open_device
from symgraph.device_array import DeviceArray, live
from symgraph.devices import number
from symgraph.errors import DeviceMemoryError
from symgraph.footprint import readable

T = TypeVar("T")
Buffers = Sequence[tuple[int, str]]  # their bytes, and what they are
SHOWN = 5  # buffers in an error


class DeviceMemory:
    """The memory of one device; what lies in it is CuPy's, or NumPy's if it is simulated."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.device = open_device(number(name))

    def upload(self, array: npt.NDArray[Any]) -> Any:
        """A copy of a host array, by way of CuPy's pinned memory."""
        return self.guarded(lambda: self.device.put(array))

    def download(self, raw: Any) -> npt.NDArray[Any]:
        """A copy on the host, once everything that writes it is done."""
        return self.device.get(raw)

    def duplicate(self, raw: Any) -> Any:
        """A copy on the same device."""
        return self.guarded(lambda: self.device.copy(raw, self.device))

    def interface(self, raw: Any) -> dict[str, Any]:
        """The CUDA array interface of an array; of a simulated one, with an address of NumPy's."""
        with self.device.active():
            if isinstance(raw, np.ndarray):
                return {**raw.__array_interface__, "version": 3, "stream": None}
            return dict(raw.__cuda_array_interface__)

    def dlpack(self, raw: Any, options: dict[str, Any]) -> Any:
        """The capsule of an array; what takes it waits for this device's work."""
        with self.device.active():
            return raw.__dlpack__(**options)

    def wait(self) -> None:
        """Return when everything asked of the device so far is done."""
        self.device.synchronize()

    def guarded(self, make: Callable[[], T], others: Callable[[], Buffers] = tuple) -> T:
        """What `make` makes; if the device has no room for it, an error that says what fills it.

        `others` tells the buffers of the call under way.
        """
        try:
            return make()
        except MemoryError as error:
            raise self._full(others()) from error

    def _full(self, others: Buffers) -> DeviceMemoryError:
        held = [(a.nbytes, described(a)) for a in live() if a.device == self.name]
        buffers = sorted([*held, *others], reverse=True)
        lines = "".join(f"\n  {readable(size)}  {what}" for size, what in buffers[:SHOWN])
        more = f"\n  and {len(buffers) - SHOWN} smaller ones" if len(buffers) > SHOWN else ""
        return DeviceMemoryError(
            f"{self.name} has no room left. Use smaller batches, let go of results you no longer"
            " need, or keep shared variables elsewhere by target='cpu'. The largest buffers in use:"
            f"{lines or ' none of this program'}{more}"
        )


def described(array: DeviceArray) -> str:
    """What an array is: the variable it is the value of, and the user's line."""
    if array.origin is None:
        return f"{array.dtype} of shape {array.shape}"
    name, place = array.origin
    return f"{name}, {array.dtype} of shape {array.shape}, made at {place}"


@cache
def memory(name: str) -> DeviceMemory:
    """The memory of a device; raises what is missing for it if it cannot be used."""
    return DeviceMemory(name)


def between(value: DeviceArray, device: str) -> DeviceArray:
    """A copy of an array on another device."""
    source, target = memory(value.device), memory(device)
    raw = target.guarded(lambda: target.device.copy(value.raw, source.device))
    return DeviceArray(target, raw, value.origin)


def adopted(foreign: Any) -> DeviceArray:
    """What another library has on a device, without a copy unless it is not row-major."""
    found = memory(f"cuda:{_number_of(foreign)}")
    raw = found.device.adopt(foreign)
    if not raw.flags.c_contiguous:
        raw = found.duplicate(raw)
    return DeviceArray(found, raw)


def _number_of(foreign: Any) -> int:
    """The number of the device that an array lies on."""
    asked = getattr(foreign, "__dlpack_device__", None)
    if asked is not None:
        return int(asked()[1])
    return int(getattr(getattr(foreign, "device", None), "id", 0))
