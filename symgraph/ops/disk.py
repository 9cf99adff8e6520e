"""Arrays read from files while a function runs."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.graph import Apply, Op
from symgraph.types import Tensor, TensorType

__all__ = ["load"]
MmapMode: TypeAlias = Literal["c", "r", "r+"]


@dataclass(frozen=True, repr=False)
class LoadFromDisk(Op):
    """The array in an .npy file, read at every call."""

    path: str
    kind: TensorType
    mmap_mode: MmapMode | None

    def __str__(self) -> str:
        return f"LoadFromDisk{{{self.path}}}"

    def make_node(self, *inputs: Any) -> Apply:
        """Of no inputs."""
        return Apply(self, [], [self.kind.make_variable()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Read the file; an error if its dtype or rank is not what was declared."""
        array = np.load(self.path, mmap_mode=self.mmap_mode, allow_pickle=False)
        output_storage[0][0] = self.kind.filter(array, strict=True)


def load(
    path: str | PathLike[str],
    dtype: str,
    broadcastable: Sequence[bool] | None = None,
    mmap_mode: MmapMode | None = None,
    shape: Sequence[int | str | None] | None = None,
) -> Tensor:
    """The array in an .npy file, read whenever a function that needs it is called.

    Parameters
    ----------
    path
        The file.
    dtype
        The dtype it has.
    broadcastable, shape
        What its type says of its sizes, one entry an axis: whether it is 1, or the size itself.
    mmap_mode
        None, or "r", "r+" or "c" to map it to memory instead of reading it whole, as `numpy.load`.

    Raises
    ------
    GraphTypeError
        If the rank is not said, or there is no such mode.
    InputTypeError, InputShapeError, OSError
        When the function runs, if the file is another or is not there.
    """
    pattern = shape if shape is not None else broadcastable
    if pattern is None:
        raise GraphTypeError("load needs broadcastable=, one bool for each axis, or shape=")
    if mmap_mode not in (None, *get_args(MmapMode)):
        raise GraphTypeError(f"mmap_mode is one of {get_args(MmapMode)}, not {mmap_mode!r}")
    result: Tensor = LoadFromDisk(str(path), TensorType(dtype, pattern), mmap_mode)()
    return result
