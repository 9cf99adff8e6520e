"""`theano.gpuarray.type`."""

from __future__ import annotations

from typing import Any, NoReturn

from symgraph.compat.standins.pickled import GpuSharedVariable as GpuArraySharedVariable
from symgraph.compat.standins.pickled import GpuType as GpuArrayType
from symgraph.compat.standins.pickled import plain_array as GpuArray_unpickler
from symgraph.compat.theano.gpuarray.absent import Absent
from symgraph.errors import ConfigError

GpuContextType = Absent
gpu_context_type = None


class ContextNotDefined(ConfigError):
    """A name of a GPU that was not given to one."""


def get_context(name: Any) -> NoReturn:
    """The GPU of a name; there is none."""
    raise ContextNotDefined(f"no GPU is called {name!r}")


def list_contexts() -> list[Any]:
    """The names given to GPUs."""
    return []


__all__ = [
    "ContextNotDefined",
    "GpuArraySharedVariable",
    "GpuArrayType",
    "GpuArray_unpickler",
    "GpuContextType",
    "get_context",
    "gpu_context_type",
    "list_contexts",
]
