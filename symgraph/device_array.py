"""Arrays in the memory of a device, as users hold them; and how foreign ones are taken in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from symgraph.devices import CPU, canonical
from symgraph.errors import DeviceError, DeviceMismatchError, InputTypeError, Place
from symgraph.graph import Type
from symgraph.later import Later
from symgraph.types import TensorType

GPU_KINDS = (2, 13)  # DLPack's numbers for CUDA's memory, and for its managed memory
runtime = Later("symgraph.backends.cuda.memory")
Origin = tuple[str, Place]  # the variable whose value it is, and where that was made
_live: WeakSet[DeviceArray] = WeakSet()


class Memory(Protocol):
    """The memory of one device. What lies in it is opaque here: CuPy's array, or a stand-in."""

    name: str  # "cuda:0"

    def upload(self, array: npt.NDArray[Any]) -> Any:
        """A copy of a host array on the device."""

    def download(self, raw: Any) -> npt.NDArray[Any]:
        """A copy on the host, once everything that writes it is done."""

    def duplicate(self, raw: Any) -> Any:
        """A copy on the same device."""

    def interface(self, raw: Any) -> dict[str, Any]:
        """The CUDA array interface of an array."""

    def dlpack(self, raw: Any, options: dict[str, Any]) -> Any:
        """The DLPack capsule of an array."""

    def wait(self) -> None:
        """Return when everything asked of the device so far is done."""


class DeviceArray:
    """An array on a GPU: what functions return for outputs that stay there.

    Work on it may still be under way when you hold it; whatever reads it waits. It is taken by
    functions on its device, by `shared` and `set_value`, and without a copy by every library that
    knows the CUDA array interface or DLPack: `cupy.asarray(a)`, `torch.from_dlpack(a)`.

    Pickled, it is a NumPy array with the name of its device; unpickled where there is no such
    device, it is the NumPy array.

    Attributes
    ----------
    device
        The name of its device: "cuda:0".
    shape, dtype, ndim, size, nbytes
        As NumPy's.
    """

    __slots__ = ("__weakref__", "memory", "origin", "raw")

    def __init__(self, memory: Memory, raw: Any, origin: Origin | None = None) -> None:
        self.memory, self.raw, self.origin = memory, raw, origin
        _live.add(self)

    @property
    def device(self) -> str:
        """The name of its device."""
        return self.memory.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        return tuple(self.raw.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its dtype."""
        return np.dtype(self.raw.dtype)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.raw.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.raw.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """The bytes of its elements."""
        return self.size * self.dtype.itemsize

    def numpy(self) -> npt.NDArray[Any]:
        """A copy as a NumPy array; waits for what computes it."""
        return self.memory.download(self.raw)

    def item(self) -> Any:
        """The one element of an array of size 1, as a Python number."""
        return self.numpy().item()

    def copy(self) -> DeviceArray:
        """A copy on the same device."""
        return DeviceArray(self.memory, self.memory.duplicate(self.raw), self.origin)

    def to(self, device: str) -> Any:
        """On another device: a `DeviceArray`, or a NumPy array for "cpu"; itself if it is there."""
        return moved(self, canonical(device))

    def wait(self) -> DeviceArray:
        """Itself, once everything asked of its device so far is done."""
        self.memory.wait()
        return self

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return self.memory.interface(self.raw)

    def __dlpack__(self, **options: Any) -> Any:
        return self.memory.dlpack(self.raw, options)

    def __dlpack_device__(self) -> Any:
        return self.raw.__dlpack_device__()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        raise DeviceMismatchError(
            f"this array lies on {self.device}, and NumPy computes on the CPU; copy it there with"
            " .numpy(), which waits for the device"
        )

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.device, self.numpy())

    def __deepcopy__(self, memo: Any) -> DeviceArray:
        return self.copy()

    def __repr__(self) -> str:
        return f"<{self.dtype} array of shape {self.shape} on {self.device}>"


def _restored(device: str, array: npt.NDArray[Any]) -> Any:
    """The array on its device if this machine has it, else in NumPy's memory."""
    try:
        return placed(array, device)
    except DeviceError:
        return array


def live() -> list[DeviceArray]:
    """The arrays on devices that somebody holds."""
    return list(_live)


def placed(array: npt.NDArray[Any], device: str, origin: Origin | None = None) -> DeviceArray:
    """A copy of a host array on a GPU."""
    memory: Memory = runtime.memory(device)
    return DeviceArray(memory, memory.upload(np.asarray(array, order="C")), origin)


def moved(value: Any, device: str, origin: Origin | None = None) -> Any:
    """An array on a device, itself if it is there; anything that is no array stays as it is."""
    if isinstance(value, DeviceArray):
        if value.device == device:
            return value
        return value.numpy() if device == CPU else runtime.between(value, device)
    if device == CPU or not isinstance(value, np.ndarray):
        return value
    return placed(value, device, origin)


def on_device(value: Any) -> DeviceArray | None:
    """A value that lies on a GPU, in whosever hands, as a `DeviceArray`; None for any other."""
    if isinstance(value, DeviceArray):
        return value
    if isinstance(value, np.ndarray | np.generic | int | float | complex | Sequence):
        return None
    asked = getattr(value, "__dlpack_device__", None)
    if hasattr(value, "__cuda_array_interface__") or (asked and int(asked()[0]) in GPU_KINDS):
        return runtime.adopted(value)
    return None


def fitting(kind: Type, value: DeviceArray) -> DeviceArray:
    """The array, which has to be of a type exactly: nothing is converted on the way.

    Raises
    ------
    InputTypeError, InputShapeError
    """
    if not isinstance(kind, TensorType) or value.dtype != kind.numpy_dtype:
        raise InputTypeError(f"is {value.dtype} on {value.device} where {kind} is needed")
    kind.check_sizes(value)
    return value
