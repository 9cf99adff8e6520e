"""`theano.tensor.io`: arrays that are read from files whenever a function is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.compat.theano.gof.type import generic
from symgraph.graph import Apply, Constant, Op, Variable
from symgraph.types import TensorType

__all__ = ["LoadFromDisk", "load"]


class LoadFromDisk(Op):
    """The array in an .npy file, whose path is the operand: `LoadFromDisk(dtype, pattern)(path)`.

    `mmap_mode` is None, or "c" to map the file to memory; writes to it stay in memory.
    """

    __props__ = ("dtype", "broadcastable", "mmap_mode")

    def __init__(
        self, dtype: str, broadcastable: Sequence[bool], mmap_mode: str | None = None
    ) -> None:
        if mmap_mode not in (None, "c"):
            raise ValueError(f"mmap_mode is None or 'c': the file is not written to; {mmap_mode!r}")
        self.dtype, self.broadcastable = str(np.dtype(dtype)), tuple(broadcastable)
        self.mmap_mode = mmap_mode

    def make_node(self, path: Any) -> Apply:
        """Of a string, or a variable of any Python object."""
        place = path if isinstance(path, Variable) else Constant(generic, str(path))
        kind = TensorType(self.dtype, self.broadcastable)
        return Apply(self, [place], [kind.make_variable()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Read the file; a TypeError if its dtype is not what was declared."""
        (path,) = inputs
        mode: Any = self.mmap_mode
        array = np.load(path, mmap_mode=mode, allow_pickle=False)
        if str(array.dtype) != self.dtype:
            raise TypeError(f"{path} holds {array.dtype}, not {self.dtype}")
        output_storage[0][0] = array


def load(path: Any, dtype: str, broadcastable: Sequence[bool], mmap_mode: str | None = None) -> Any:
    """The array in an .npy file, read whenever a function that needs it is called.

    `path` may be a variable, `theano.Variable(theano.Generic())`, that the function is given.
    """
    return LoadFromDisk(dtype, broadcastable, mmap_mode)(path)
