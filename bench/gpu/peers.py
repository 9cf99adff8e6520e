"""The frameworks on a GPU: how each is loaded, fed, waited for, and timed by events."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench import peers as cpu
from bench.libs import Run, layer_norm, load_symgraph, theano_words
from bench.peers import Environment, Peer

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
MILLI = 1e-3


# --- symgraph -------------------------------------------------------------------------------------


def load_symgraph_on_gpu() -> SimpleNamespace:
    """Arguments lie on the device, and results stay there."""
    lib = load_symgraph()
    sg, T = lib.sg, lib.T
    place = importlib.import_module("symgraph.device_array").placed

    def kept(value: Any) -> Any:
        if isinstance(value, list):
            return [kept(part) for part in value]
        return sg.Out(value, device="")

    def launch(arrays: Any, symbols: Any, value: Any, **options: Any) -> Run:
        given = [place(array, "cuda:0") for array in arrays]
        compiled = sg.function(symbols, kept(value), **options)
        return lambda: compiled(*given)

    words = theano_words(sg, T, launch)
    placed = {name: words[name] for name in ("function", "step")}
    return SimpleNamespace(**{**vars(lib), **placed})


def symgraph_environment(threads: int, cache: Path) -> Environment:
    flags = f"floatX=float32,device=cuda,threads={threads},cache_dir={cache}"
    return {"SYMGRAPH_FLAGS": flags}


def symgraph_wait(result: Any) -> Any:
    """Of arrays on the device; others are there when they are returned."""
    if isinstance(result, list):
        return [symgraph_wait(part) for part in result]
    wait = getattr(result, "wait", None)
    return wait() if wait is not None else result


def symgraph_clock(lib: SimpleNamespace, job: Run) -> float:
    device = importlib.import_module("symgraph.backends.cuda.device").open_device(0)
    return cupy_seconds(device.stream, job)


# --- others ---------------------------------------------------------------------------------------


def load_cupy() -> SimpleNamespace:
    """Without gradients: what its users write with its functions."""
    cupy = importlib.import_module("cupy")

    def softmax(x: Any) -> Any:
        e = cupy.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def logsumexp(x: Any) -> Any:
        top = x.max(axis=-1, keepdims=True)
        return cupy.log(cupy.exp(x - top).sum(axis=-1)) + top[..., 0]

    def cross_entropy(scores: Any, labels: Any) -> Any:
        return (logsumexp(scores) - scores[cupy.arange(len(labels)), labels]).mean()

    def function(f: Callable[..., Any], arrays: Sequence[Any]) -> Run:
        return lambda: f(*arrays)

    return SimpleNamespace(
        cupy=cupy,
        m=cupy,
        softmax=softmax,
        logsumexp=logsumexp,
        cross_entropy=cross_entropy,
        moments=lambda x: [x.mean(axis=-1), x.var(axis=-1)],
        relu=lambda x: cupy.maximum(x, np.float32(0)),
        layer_norm=partial(layer_norm, cupy),
        function=function,
    )


def cupy_seconds(stream: Any, job: Run) -> float:
    """What a job takes on a stream of CuPy's."""
    cuda = importlib.import_module("cupy").cuda
    start, end = cuda.Event(), cuda.Event()
    start.record(stream)
    job()
    end.record(stream)
    end.synchronize()
    return float(cuda.get_elapsed_time(start, end)) * MILLI


def cupy_wait(result: Any) -> Any:
    importlib.import_module("cupy").cuda.get_current_stream().synchronize()
    return result


def torch_seconds(lib: SimpleNamespace, job: Run) -> float:
    start, end = (lib.torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    job()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) * MILLI


def torch_wait(result: Any) -> Any:
    importlib.import_module("torch").cuda.synchronize()
    return result


def jax_environment(threads: int, cache: Path) -> Environment:
    found = {**cpu.jax_environment(threads, cache), "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    return {**found, "JAX_PLATFORMS": "cuda"}


SYMGRAPH = Peer(
    "symgraph",
    "symgraph.tensor",
    load_symgraph_on_gpu,
    symgraph_environment,
    wait=symgraph_wait,
    host=lambda array: array.numpy() if hasattr(array, "numpy") else np.asarray(array),
    device="cuda",
    clock=None if SIMULATED else symgraph_clock,
)
JAX = replace(cpu.JAX, environment=jax_environment, device="cuda")
TORCH, TORCH_COMPILE = (
    replace(
        peer,
        array=lambda lib, array: cpu.torch_array(lib, array).cuda(),
        wait=torch_wait,
        host=lambda array: array.detach().cpu().numpy(),
        device="cuda",
        clock=torch_seconds,
    )
    for peer in (cpu.TORCH, cpu.TORCH_COMPILE)
)
CUPY = Peer(
    "CuPy",
    "cupy",
    load_cupy,
    lambda threads, cache: {"CUPY_CACHE_DIR": str(cache)},
    array=lambda lib, array: lib.cupy.asarray(array),
    wait=cupy_wait,
    host=lambda array: array.get(),
    device="cuda",
    clock=lambda lib, job: cupy_seconds(lib.cupy.cuda.get_current_stream(), job),
)
EVERYONE = (SYMGRAPH, *(() if SIMULATED else (JAX, TORCH, TORCH_COMPILE, CUPY)))
GPU_PEERS = {peer.name: peer for peer in EVERYONE}
