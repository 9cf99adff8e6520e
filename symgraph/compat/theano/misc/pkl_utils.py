"""`theano.misc.pkl_utils`: a pickle in a zip file, its arrays beside it as `.npy` members.

The arrays can be read by name with `numpy.load` from any program. Shared variables give their
name to the file of their value.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import Counter
from pickle import HIGHEST_PROTOCOL as DEFAULT_PROTOCOL
from pickle import Pickler as StripPickler
from typing import Any

import numpy as np

from symgraph.shared import Container, SharedVariable

__all__ = ["DEFAULT_PROTOCOL", "StripPickler", "dump", "load"]
MAIN = "pkl"  # the member that holds the pickle


class _Writer(pickle.Pickler):
    """Pickles all but the arrays, which go to members of their own."""

    def __init__(self, stream: io.BytesIO, archive: zipfile.ZipFile, protocol: int) -> None:
        super().__init__(stream, protocol)
        self.archive = archive
        self.names: dict[int, str] = {}
        self.kept: list[Any] = []  # an array's id is its own as long as it lives
        self.used: Counter[str] = Counter()
        self.wished: dict[int, str] = {}

    def persistent_id(self, obj: Any) -> str | None:
        """The member that holds an array; None for what is pickled as usual."""
        if isinstance(obj, SharedVariable) and obj.name and isinstance(obj.container, Container):
            self.wished[id(obj.container.value)] = obj.name
        if type(obj) is not np.ndarray or obj.dtype == object:
            return None
        if id(obj) not in self.names:
            self.kept.append(obj)
            self.names[id(obj)] = self._write(obj, self.wished.get(id(obj), "array"))
        return self.names[id(obj)]

    def _write(self, array: Any, wish: str) -> str:
        number = self.used[wish]
        self.used[wish] += 1
        name = wish if number == 0 and wish != "array" else f"{wish}_{number}"
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
        self.archive.writestr(f"{name}.npy", stream.getvalue())
        return name


class _Reader(pickle.Unpickler):
    def __init__(self, stream: Any, archive: zipfile.ZipFile) -> None:
        super().__init__(stream)
        self.archive = archive
        self.arrays: dict[str, Any] = {}

    def persistent_load(self, name: str) -> Any:
        """The array in a member, the same object each time.

        In files of Theano's a name says what it is, "ndarray.W" or "gpuarray.W", and the latter's
        member begins with the name of a GPU.
        """
        if name not in self.arrays:
            kind, dot, own = name.partition(".")
            stream = io.BytesIO(self.archive.read(own if dot else f"{name}.npy"))
            if dot and kind == "gpuarray":
                pickle.load(stream)
            self.arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
        return self.arrays[name]


def dump(obj: Any, file_handler: Any, protocol: int = DEFAULT_PROTOCOL) -> None:
    """Pickle an object to a zip file opened for writing, its arrays in members of their own."""
    with zipfile.ZipFile(file_handler, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        stream = io.BytesIO()
        _Writer(stream, archive, protocol).dump(obj)
        archive.writestr(MAIN, stream.getvalue())


def load(f: Any) -> Any:
    """What `dump` wrote. As with any pickle, read only files you trust."""
    with zipfile.ZipFile(f, "r") as archive:
        return _Reader(io.BytesIO(archive.read(MAIN)), archive).load()
