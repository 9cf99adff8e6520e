"""A call in progress: what the text of a driver calls."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from symgraph.backends.cuda.device import Device
from symgraph.backends.cuda.geometry import geometry
from symgraph.backends.cuda.library import DeviceRoutine, Filling, device_routine
from symgraph.backends.cuda.own_routines import OWN
from symgraph.backends.numba import side
from symgraph.backends.routines.routine import routine_call
from symgraph.backends.stop import Stop
from symgraph.config import config
from symgraph.lower.program import Gemm, Routine


class Host:
    """Elements of a device's array, read one by one, unless a guard stops the call."""

    def __init__(self, run: Run, array: Any) -> None:
        self._run, self._device, self._array = run, run.device, array

    def __getitem__(self, place: int) -> Any:
        self._run.check()
        return self._device.get(self._array[int(place) : int(place) + 1])[0]


class Run:
    """One call on a device: its memory, its launches, its library calls."""

    def __init__(self, device: Device, routines: Sequence[Gemm | Routine]) -> None:
        self.device, self.routines = device, routines
        self._arena: Any = None
        self._note: Any = None
        self.marks: list[tuple[int, Any]] = []  # steps of the body, and what the device noted then

    def mark(self, place: int) -> None:
        """Have the device note the time when it has done all up to a step."""
        self.marks.append((place, self.device.mark()))

    def stop(self, code: int, first: int = 0, second: int = 0) -> None:
        """End the call: guard number `code` failed."""
        raise Stop(int(code), int(first), int(second))

    def note(self) -> Any:
        """Memory for the number of a guard that the device finds not to hold, and two values."""
        self._note = self.device.empty((3,), "int64")
        return self._note

    def check(self) -> None:
        """End the call if a guard of the device did not hold; waits for the device."""
        if self._note is not None:
            code, *values = self.device.get(self._note)
            if code:
                self.stop(code, *values)

    def reserve(self, size: int) -> None:
        """Memory for all temporaries of known size."""
        if self._arena is None or self._arena.size < size:
            self._arena = self.device.empty((int(size),), "uint8")

    def slot(self, start: int, length: int, dtype: str) -> Any:
        """A temporary in the reserved memory."""
        size = int(length) * np.dtype(dtype).itemsize
        return self._arena[int(start) : int(start) + size].view(dtype)

    def new(self, length: int, dtype: str) -> Any:
        """Memory of its own."""
        return self.device.empty((int(length),), dtype)

    def read(self, array: Any) -> Host:
        """The elements of an array, for the driver."""
        return Host(self, array)

    def put(self, array: Any, value: Any) -> None:
        """Write one number."""
        array[0] = value

    def copy(self, target: Any, source: Any, length: int) -> None:
        """Copy elements."""
        target[: int(length)] = source[: int(length)]

    def launch(self, kernel: Any, extent: int, width: int, *args: Any) -> None:
        """Run a kernel over an extent, if there is anything to do, by teams for a width."""
        if extent > 0:
            blocks, teams, members = geometry(self.device, int(extent), int(width))
            self.device.launch(kernel, blocks, (members, teams), (int(extent), *args))

    def gemm(
        self,
        m: int,
        n: int,
        k: int,
        alpha: Any,
        a: Any,
        trans_a: bool,
        b: Any,
        trans_b: bool,
        beta: Any,
        c: Any,
    ) -> None:
        """c = alpha * op(a) @ op(b) + beta * c; where beta is 0 c is not read."""
        left = a[: m * k].reshape((1, k, m) if trans_a else (1, m, k))
        right = b[: k * n].reshape((1, n, k) if trans_b else (1, k, n))
        out = c[: m * n].reshape(1, m, n)
        self.device.tools.products.multiply(left, right, out, trans_a, trans_b, alpha, beta)

    def own(self, number: int, kernels: Sequence[Any], *arrays: Any) -> None:
        """A routine that has kernels of ours, which are given with its arrays, outputs first."""
        step = self.routines[number]
        assert isinstance(step, Routine)
        OWN[step.routine].call(self, kernels, step.settings, *arrays)

    def routine(self, number: int, *arrays: Any) -> None:
        """A library call: outputs first, the last one a report if it may fail."""
        step = self.routines[number]
        assert isinstance(step, Routine)
        found = device_routine(step.node.op)
        if found is None:
            self._on_cpu(step, arrays)
            return
        if isinstance(found, Filling):
            found.launch(self.device, step.node.op, *arrays)
            return
        try:
            self._on_device(found, step, arrays)
        except np.linalg.LinAlgError:
            self._on_cpu(step, arrays)

    def _on_device(self, found: DeviceRoutine, step: Routine, arrays: Sequence[Any]) -> None:
        outputs, inputs = arrays[: len(step.outputs)], arrays[len(step.outputs) :]
        if found.fails:
            *outputs, report = outputs
            report[...] = 0
        if not any(out.size for out in outputs):
            return
        tools, sizes = self.device.tools, (outputs[0].shape,) if found.sized else ()
        with tools.solvers.strict() if found.fails else nullcontext():
            results = found.work(tools, step.node.op, *sizes, *inputs)
        for out, result in zip(outputs, results, strict=True):
            out[...] = result

    def _on_cpu(self, step: Routine, arrays: Sequence[Any]) -> None:
        """The CPU's routine: its arrays go there, its outputs come back."""
        self.check()
        there = [self.device.get(a) for a in arrays]
        call_on_cpu(step, there)
        for array, result in zip(arrays, there[: len(step.outputs)], strict=False):
            array[...] = self.device.put(result)


def call_on_cpu(step: Routine, arrays: Sequence[npt.NDArray[Any]]) -> None:
    """Call the native code of a routine on NumPy arrays, outputs first."""
    address = side.routine_address(routine_call(step), config.folder)
    words = np.array([n for a in arrays for n in (a.ctypes.data, *a.shape)], np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)(words.ctypes.data)
