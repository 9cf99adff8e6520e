"""The frameworks that are measured: how each is loaded, fed and waited for."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.libs import (
    load_compiling_torch,
    load_jax,
    load_pytensor,
    load_symgraph,
    load_torch,
)

Environment = dict[str, str]


@dataclass(frozen=True)
class Peer:
    """One framework.

    Parameters
    ----------
    name
        Its name in the table.
    module
        What a user's program imports.
    load
        Imports it into one namespace, that the builders of the rows get.
    environment
        Variables for its process, given the number of threads and a folder for its cache.
    array
        A NumPy array as the framework's own.
    wait
        Returns when a result has been computed.
    host
        A result of the framework's as a NumPy array.
    device
        Where it computes: "cpu" or "cuda".
    clock
        On a GPU, the seconds that a job takes there, by events of the device; None if the framework
        has none.
    """

    name: str
    module: str
    load: Callable[[], SimpleNamespace]
    environment: Callable[[int, Path], Environment]
    array: Callable[[SimpleNamespace, np.ndarray], Any] = lambda lib, array: array
    wait: Callable[[Any], Any] = lambda result: result
    host: Callable[[Any], np.ndarray] = np.asarray
    device: str = "cpu"
    clock: Callable[[SimpleNamespace, Callable[[], Any]], float] | None = None

    @property
    def package(self) -> str:
        """The installed package it needs."""
        return self.module.partition(".")[0]

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None

    @property
    def version(self) -> str:
        """Of the installed package, or of a checkout that is not installed."""
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return str(importlib.import_module(self.package).__version__)


def jax_environment(threads: int, cache: Path) -> Environment:
    return {
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def jax_wait(result: Any) -> Any:
    """Of one array its own method, which costs least."""
    if isinstance(result, list | tuple):
        return [jax_wait(part) for part in result]
    return result.block_until_ready()


def torch_environment(threads: int, cache: Path) -> Environment:
    return {"TORCHINDUCTOR_CACHE_DIR": str(cache)}


def torch_array(lib: SimpleNamespace, array: np.ndarray) -> Any:
    """Torch wants 64-bit labels."""
    return lib.torch.from_numpy(array.astype("int64") if array.dtype.kind == "i" else array)


SYMGRAPH = Peer(
    "symgraph",
    "symgraph.tensor",
    load_symgraph,
    lambda threads, cache: {
        "SYMGRAPH_FLAGS": f"floatX=float32,threads={threads},cache_dir={cache}"
    },
)
PYTENSOR = Peer(
    "PyTensor",
    "pytensor.tensor",
    load_pytensor,
    lambda threads, cache: {"PYTENSOR_FLAGS": f"floatX=float32,base_compiledir={cache}"},
)
JAX = Peer(
    "JAX",
    "jax.numpy",
    load_jax,
    jax_environment,
    array=lambda lib, array: lib.jnp.asarray(array),
    wait=jax_wait,
)
TORCH = Peer("PyTorch", "torch", load_torch, torch_environment, array=torch_array)
TORCH_COMPILE = Peer(
    "torch.compile", "torch", load_compiling_torch, torch_environment, array=torch_array
)

PEERS = {peer.name: peer for peer in (SYMGRAPH, PYTENSOR, JAX, TORCH, TORCH_COMPILE)}
