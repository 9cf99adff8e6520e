"""The machine under the CUDA target: one small object that stands for a device.

It is the only place that knows whether there is a card. `open_device()` gives

- a `Card`: memory, streams, launches and libraries are CuPy's, kernels are PTX by numba-cuda;
- one of several `Simulated` devices, in a process with NUMBA_ENABLE_CUDASIM=1: memory is NumPy
  arrays of class `OnDevice`, kernels run in numba's CUDA simulator, one Python thread per CUDA
  thread.

Whatever both offer is the seam: memory, `launch`, recording (`replay.py`), and `tools`, the
libraries whose functions work on the device's arrays. Drivers (`driver.py`) and library calls
(`library.py`) use nothing else; arrays that come from or go to others (`memory.py`) also use
`copy`, `adopt` and `active`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from types import ModuleType
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from numba.cuda.core import config as numba_config

from symgraph.backends.cuda.solvers import IN_SIMULATOR, ON_CARD, Tools
from symgraph.backends.cuda.tiled import Tile
from symgraph.backends.nvidia import this_machine
from symgraph.config import config
from symgraph.kernel import Buffer, Kernel
from symgraph.later import Later

cupy, cupyx = Later("cupy"), Later("cupyx")
ptx_store = Later("symgraph.backends.cuda.ptx_store")
simulator = Later("numba.cuda.simulator.cudadrv.devicearray")
PINNED = 1 << 16  # bytes from which results come by way of pinned memory
NEWEST = (9, 0)  # the capability that kernels are written for at most; newer cards run them too
EXCHANGED = 16  # bytes that a member of a team has for an exchange: the widest number
SIMULATED = bool(numba_config.ENABLE_CUDASIM)
Made = Callable[[], ModuleType]  # gives a module of kernels, if one of them has to be compiled


class Device(Protocol):
    """What a device does for programs. Its arrays are row-major."""

    def __hash__(self) -> int:
        """Of its identity."""

    @property
    def name(self) -> str:
        """What the device is called."""

    @property
    def block(self) -> int:
        """The threads of a block."""

    @property
    def warp(self) -> int:
        """The threads of a team that need no barrier."""

    @property
    def one_team(self) -> bool:
        """Whether a block has to be one team."""

    @property
    def most_blocks(self) -> int:
        """How many blocks are worth launching at once."""

    @property
    def tools(self) -> Tools:
        """The libraries for its arrays."""

    def empty(self, shape: Sequence[int], dtype: str) -> Any:
        """A new array."""

    def holds(self, value: Any) -> bool:
        """Whether a value is an array of this device."""

    def put(self, array: npt.NDArray[Any]) -> Any:
        """A copy of a NumPy array on the device."""

    def get(self, array: Any) -> npt.NDArray[Any]:
        """A copy of a device's array as a NumPy array, once all that was launched is done."""

    def copy(self, array: Any, source: Device) -> Any:
        """A copy of an array of `source`, this or another device, once all it awaits is done."""

    def adopt(self, foreign: Any) -> Any:
        """What another library has on this device, itself, once all it awaits is done."""

    def active(self) -> AbstractContextManager[Any]:
        """Inside the block others learn that arrays of this device await its work."""

    @property
    def tile(self) -> Tile:
        """How a block computes a product of matrices."""

    def launch(
        self, kernel: Any, blocks: int, threads: tuple[int, int], args: Sequence[Any]
    ) -> None:
        """Run a kernel over `blocks` blocks of `threads`: those of a team, teams."""

    def load(self, made: Made, kernels: Sequence[Kernel]) -> Mapping[str, Any]:
        """The kernels of a module as `launch` takes them, by name."""

    @property
    def records(self) -> bool:
        """Whether calls can be recorded and replayed."""

    def address(self, array: Any) -> int:
        """Where an array lies."""

    def fill(self, array: Any, values: Any) -> None:
        """Copy an array, of NumPy or the device, into another of the same size and dtype."""

    def mark(self) -> Any:
        """What notes the time when all that was launched is done."""

    def seconds(self, one: Any, other: Any) -> float:
        """The time between two marks, once both are reached."""

    def begin_recording(self) -> None:
        """From now on launches are recorded, not done."""

    def end_recording(self) -> Any:
        """What was recorded: an object whose `launch()` does it."""

    def synchronize(self) -> None:
        """Wait for all that was launched."""


class Lent:
    """Memory of another library, told of by the CUDA array interface; on the simulator NumPy's."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        told = owner.__cuda_array_interface__
        kept = ("shape", "typestr", "data", "strides", "version")
        self.__array_interface__ = {key: told[key] for key in kept if key in told}


class OnDevice(npt.NDArray[Any]):  # type: ignore[type-arg, misc, unused-ignore]
    """Memory of the simulated device."""


class Simulated:
    """numba's CUDA simulator: slow, and exact about what threads and barriers do."""

    block: ClassVar[int] = 4  # each is a Python thread
    warp: ClassVar[int] = 4
    one_team: ClassVar[bool] = True  # barriers are those of blocks
    records: ClassVar[bool] = False
    most_blocks: ClassVar[int] = 2
    tools: ClassVar[Tools] = IN_SIMULATOR
    tile: ClassVar[Tile] = Tile(2, 2, columns=2, rows=2, depth=4)
    _one_at_a_time: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, number: int = 0) -> None:
        self.name = f"cuda:{number}"

    def empty(self, shape: Sequence[int], dtype: str) -> Any:
        """A new array."""
        return np.empty(tuple(shape), dtype).view(OnDevice)

    def holds(self, value: Any) -> bool:
        """Whether a value is an array of this device."""
        return isinstance(value, OnDevice)

    def put(self, array: npt.NDArray[Any]) -> Any:
        """A copy of a NumPy array on the device."""
        return np.array(array, order="C").view(OnDevice)

    def get(self, array: Any) -> npt.NDArray[Any]:
        """A copy of a device's array as a NumPy array."""
        return np.array(array, order="C", subok=False)

    def copy(self, array: Any, source: Device) -> Any:
        """A copy of an array of any simulated device."""
        return self.put(array)

    def adopt(self, foreign: Any) -> Any:
        """The memory that a library pretends to have on the device."""
        return np.asarray(Lent(foreign)).view(OnDevice)

    def active(self) -> AbstractContextManager[Any]:
        """Nothing: nothing is awaited."""
        return nullcontext()

    def launch(
        self, kernel: Any, blocks: int, threads: tuple[int, int], args: Sequence[Any]
    ) -> None:
        """Run a kernel over `blocks` blocks of `threads`: those of a team, teams."""
        given = [
            simulator.FakeCUDAArray(np.asarray(a)) if isinstance(a, np.ndarray) else a for a in args
        ]
        with self._one_at_a_time:
            before = sys.getswitchinterval()
            sys.setswitchinterval(1e-5)  # the threads of a block wait for each other
            try:
                kernel[blocks, threads, 0, EXCHANGED * threads[0]](*given)
            finally:
                sys.setswitchinterval(before)

    def load(self, made: Made, kernels: Sequence[Kernel]) -> Mapping[str, Any]:
        """The kernels as the simulator runs them."""
        module = made()
        return {kernel.name: getattr(module, kernel.name) for kernel in kernels}

    def address(self, array: Any) -> int:
        """Where an array lies."""
        return int(array.ctypes.data)

    def fill(self, array: Any, values: Any) -> None:
        """Copy an array into another."""
        array[...] = values

    def mark(self) -> float:
        """The time: all is done."""
        return time.perf_counter()

    def seconds(self, one: float, other: float) -> float:
        """What is between."""
        return other - one

    def begin_recording(self) -> None:
        """The simulator does not record."""
        raise NotImplementedError

    def end_recording(self) -> Any:
        """The simulator does not record."""
        raise NotImplementedError

    def synchronize(self) -> None:
        """Nothing: every launch is done when it returns."""


class Recording:
    """A CUDA graph with the stream it runs on and the memory that it uses."""

    def __init__(self, graph: Any, stream: Any, pool: Any) -> None:
        self._graph, self._stream, self._pool = graph, stream, pool

    def launch(self) -> None:
        """Do what was recorded, behind all that was launched before."""
        self._graph.launch(self._stream)


class Card:
    """An NVIDIA GPU."""

    block: ClassVar[int] = 256
    warp: ClassVar[int] = 32
    one_team: ClassVar[bool] = False
    records: ClassVar[bool] = True
    tile: ClassVar[Tile] = Tile(16, 16, columns=4, rows=8, depth=16)

    def __init__(self, number: int = 0) -> None:
        self.name = f"cuda:{number}"
        self.tools: Tools = ON_CARD
        self.number = number
        properties = cupy.cuda.runtime.getDeviceProperties(number)
        self.most_blocks = 8 * int(properties["multiProcessorCount"])
        self.capability = min((properties["major"], properties["minor"]), NEWEST)
        with cupy.cuda.Device(number):
            self.stream = cupy.cuda.Stream(non_blocking=True)

    def empty(self, shape: Sequence[int], dtype: str) -> Any:
        """A new array from CuPy's pool."""
        with self.active():
            return cupy.empty(tuple(shape), dtype)

    def holds(self, value: Any) -> bool:
        """Whether a value is an array of this device."""
        return isinstance(value, cupy.ndarray)

    def put(self, array: npt.NDArray[Any]) -> Any:
        """A copy of a NumPy array on the device."""
        with self.active():
            return cupy.asarray(array, order="C")

    def get(self, array: Any) -> npt.NDArray[Any]:
        """A copy of a device's array as a NumPy array, once all that was launched is done."""
        if array.nbytes < PINNED:
            return np.asarray(cupy.asnumpy(array, stream=self.stream))
        out: npt.NDArray[Any] = cupyx.empty_pinned(array.shape, array.dtype)
        array.get(self.stream, out=out)
        return out

    def copy(self, array: Any, source: Device) -> Any:
        """A copy of an array of a card, from card to card if need be."""
        assert isinstance(source, Card)
        if source is self:
            with self.active():
                return array.copy(order="C")
        with source.active():
            done = source.stream.record()
        with self.active():
            self.stream.wait_event(done)
            out = cupy.empty(array.shape, array.dtype)
            out.data.copy_from_device_async(array.data, array.nbytes, self.stream)
        return out

    def adopt(self, foreign: Any) -> Any:
        """What another library has on this card; it may have come by CuPy's current stream."""
        with cupy.cuda.Device(self.number):
            before = cupy.cuda.get_current_stream()
            told = hasattr(foreign, "__cuda_array_interface__")
            array = cupy.asarray(foreign) if told else cupy.from_dlpack(foreign)
            self.stream.wait_event(before.record())
        return array

    @contextmanager
    def active(self) -> Iterator[None]:
        """This card and its stream are CuPy's current ones inside the block.

        CuPy refuses the stream of a card that is not the current one.
        """
        with cupy.cuda.Device(self.number), self.stream:
            yield

    def launch(
        self, kernel: Any, blocks: int, threads: tuple[int, int], args: Sequence[Any]
    ) -> None:
        """Run a kernel over `blocks` blocks of `threads`: those of a team, teams."""
        function, kinds = kernel
        given = tuple(
            np.uint64(a.data.ptr) if kind is None else kind(a)
            for kind, a in zip(kinds, args, strict=True)
        )
        room = EXCHANGED * threads[0] if threads[0] > self.warp else 0
        with cupy.cuda.Device(self.number):
            function((blocks, 1, 1), (*threads, 1), given, room, self.stream)

    def load(self, made: Made, kernels: Sequence[Kernel]) -> Mapping[str, Any]:
        """The kernels as functions of this card, each with the kinds of its arguments."""
        return {kernel.name: self._function(made, kernel) for kernel in kernels}

    def _function(self, made: Made, kernel: Kernel) -> Any:
        text = ptx_store.ptx_of_kernel(made, kernel, self.capability, config.folder)
        with cupy.cuda.Device(self.number):
            module = cupy.cuda.function.Module()
            module.load(text.encode() + b"\0")
            function = module.get_function(ptx_store.entry_of(text))
        kinds = [None if isinstance(p, Buffer) else np.dtype(p.dtype).type for p in kernel.params]
        return function, (np.int64, *kinds)

    def address(self, array: Any) -> int:
        """Where an array lies."""
        return int(array.data.ptr)

    def fill(self, array: Any, values: Any) -> None:
        """Copy an array into another."""
        if isinstance(values, np.ndarray):
            array.set(np.ascontiguousarray(values), stream=self.stream)
            return
        with self.active():
            array[...] = values

    def mark(self) -> Any:
        """An event on this card's stream."""
        with cupy.cuda.Device(self.number):
            return self.stream.record()

    def seconds(self, one: Any, other: Any) -> float:
        """By the card's own clock."""
        other.synchronize()
        return float(cupy.cuda.get_elapsed_time(one, other)) * 1e-3

    def begin_recording(self) -> None:
        """Capture this card's stream into a CUDA graph.

        What is allocated meanwhile comes from a pool that the graph keeps: a replay writes to it
        again, so nobody else may be given it.
        """
        self._pool = cupy.cuda.MemoryPool()
        self._allocating = cupy.cuda.using_allocator(self._pool.malloc)
        self._allocating.__enter__()
        self.stream.begin_capture()

    def end_recording(self) -> Any:
        """The graph, ready to be launched on this card's stream."""
        try:
            return Recording(self.stream.end_capture(), self.stream, self._pool)
        finally:
            self._allocating.__exit__(None, None, None)

    def synchronize(self) -> None:
        """Wait for all that was launched."""
        self.stream.synchronize()


@cache
def open_device(number: int = 0) -> Device:
    """The device of a number; raises what is missing for it if it cannot be used."""
    this_machine().check(f"cuda:{number}")
    return Simulated(number) if SIMULATED else Card(number)
