"""What pickles of Theano's hold of a GPU: they are read as what lies in plain memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.errors import ReplacedNameError
from symgraph.shared import TensorSharedVariable
from symgraph.types import TensorType

CURE = "Theano's GPU classes are not here; use theano.shared and theano.tensor.TensorType"


class GpuType(TensorType):
    """The type of arrays on a GPU: one that is unpickled becomes a `TensorType`."""

    __slots__ = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        raise ReplacedNameError(CURE)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__({"dtype": "float32"} | state)  # CUDA's first arrays had no other
        self.__class__ = TensorType  # type: ignore[assignment]


class GpuSharedVariable(TensorSharedVariable):
    """A shared variable on a GPU: one that is unpickled becomes a plain one."""

    __slots__ = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        raise ReplacedNameError(CURE)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__class__ = TensorSharedVariable  # type: ignore[assignment]


def plain_array(values: Any, *context: Any) -> Any:
    """The array that a pickle of a GPU's holds."""
    return np.asarray(values)
