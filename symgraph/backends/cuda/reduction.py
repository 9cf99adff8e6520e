"""Sums over devices: NCCL by way of CuPy on cards, NumPy where devices are simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from symgraph.backends.nvidia import this_machine
from symgraph.device_array import DeviceArray
from symgraph.devices import number
from symgraph.errors import GraphTypeError
from symgraph.later import Later

cupy_nccl = Later("cupy.cuda.nccl")
# NCCL's names for dtypes: NCCL_FLOAT32, ...
NAMES = {
    "int8": "INT8", "uint8": "UINT8", "int32": "INT32", "uint32": "UINT32", "int64": "INT64",
    "uint64": "UINT64", "float16": "FLOAT16", "float32": "FLOAT32", "float64": "FLOAT64",
}  # fmt: skip


class Reduction(Protocol):
    """Sums arrays that several devices hold, one each."""

    def __call__(self, groups: Sequence[Sequence[DeviceArray]]) -> None:
        """Put the sum of each group, one array a device in order, into all of its arrays."""


class Nccl:
    """Sums by NCCL, each device's part on its own stream, so nothing is waited for."""

    def __init__(self, devices: Sequence[str], library: Any = cupy_nccl) -> None:
        self._library = library
        self._members = library.NcclCommunicator.initAll([number(name) for name in devices])

    def __call__(self, groups: Sequence[Sequence[DeviceArray]]) -> None:
        """Start all sums at once."""
        self._library.groupStart()
        try:
            for group in groups:
                for member, array in zip(self._members, group, strict=True):
                    self._start(member, array)
        finally:
            self._library.groupEnd()

    def _start(self, member: Any, array: DeviceArray) -> None:
        name = NAMES.get(str(array.dtype))
        if name is None:
            raise GraphTypeError(f"NCCL sums no {array.dtype}; it knows {', '.join(NAMES)}")
        kind = getattr(self._library, f"NCCL_{name}")
        memory: Any = array.memory
        address = array.__cuda_array_interface__["data"][0]
        stream = getattr(getattr(memory.device, "stream", None), "ptr", 0)
        member.allReduce(address, address, array.size, kind, self._library.NCCL_SUM, stream)


class Summed:
    """Sums in the memory of simulated devices, which is NumPy's."""

    def __call__(self, groups: Sequence[Sequence[DeviceArray]]) -> None:
        """Add up, in order."""
        for group in groups:
            total = sum(array.raw for array in group[1:]) + group[0].raw
            for array in group:
                array.raw[...] = total


def reduction(devices: Sequence[str]) -> Reduction:
    """What sums over some devices of this machine."""
    return Summed() if this_machine().simulated else Nccl(devices)
