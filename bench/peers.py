"""The frameworks that are measured, and what each calls the same thing.

A `Peer` loads its framework into one namespace, `lib`, that the builders of the rows get. symgraph
and PyTensor share Theano's vocabulary, so one builder serves both; what they spell differently is
evened out here.
"""

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
        Imports it.
    environment
        Variables for its process, given the number of threads and a folder for its cache.
    array
        A NumPy array as the framework's own.
    wait
        Returns when a result has been computed.
    """

    name: str
    module: str
    load: Callable[[], SimpleNamespace]
    environment: Callable[[int, Path], Environment]
    array: Callable[[SimpleNamespace, np.ndarray], Any] = lambda lib, array: array
    wait: Callable[[Any], Any] = lambda result: result

    @property
    def package(self) -> str:
        """The installed package it needs."""
        return self.module.partition(".")[0]

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None

    @property
    def version(self) -> str:
        return importlib.metadata.version(self.package)


def load_symgraph() -> SimpleNamespace:
    sg = importlib.import_module("symgraph")
    T = importlib.import_module("symgraph.tensor")

    def cross_entropy(scores: Any, labels: Any) -> Any:
        return T.nnet.categorical_crossentropy(T.nnet.softmax(scores), labels).mean()

    return SimpleNamespace(
        sg=sg, T=T, stream=sg.RandomStream, softmax=T.nnet.softmax, cross_entropy=cross_entropy
    )


def load_pytensor() -> SimpleNamespace:
    sg = importlib.import_module("pytensor")
    T = importlib.import_module("pytensor.tensor")
    special = importlib.import_module("pytensor.tensor.special")

    def softmax(scores: Any) -> Any:
        return special.softmax(scores, axis=-1)

    def cross_entropy(scores: Any, labels: Any) -> Any:
        logs = special.log_softmax(scores, axis=-1)
        return -logs[T.arange(labels.shape[0]), labels].mean()

    stream = importlib.import_module("pytensor.tensor.random.utils").RandomStream
    return SimpleNamespace(sg=sg, T=T, stream=stream, softmax=softmax, cross_entropy=cross_entropy)


def load_jax() -> SimpleNamespace:
    jax = importlib.import_module("jax")
    return SimpleNamespace(jax=jax, jnp=jax.numpy)


def load_torch() -> SimpleNamespace:
    torch = importlib.import_module("torch")
    return SimpleNamespace(torch=torch, F=torch.nn.functional, compile=lambda function: function)


def load_compiling_torch() -> SimpleNamespace:
    lib = load_torch()
    lib.compile = lib.torch.compile
    return lib


def jax_environment(threads: int, cache: Path) -> Environment:
    return {
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


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
    wait=lambda result: result.block_until_ready(),
)
TORCH = Peer("PyTorch", "torch", load_torch, torch_environment, array=torch_array)
TORCH_COMPILE = Peer(
    "torch.compile", "torch", load_compiling_torch, torch_environment, array=torch_array
)

PEERS = {peer.name: peer for peer in (SYMGRAPH, PYTENSOR, JAX, TORCH, TORCH_COMPILE)}
