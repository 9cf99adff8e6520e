"""What the machine can do at most: bytes copied, multiply-adds, per second."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from bench.figures import Limits

CHAINS = 12  # sums side by side, so that none waits for the one before
TURNS = 10_000_000
COPIED = 2**25  # float32 numbers per thread: far more than a cache holds
TRIES = 3


def limits(threads: int, turns: int = TURNS, copied: int = COPIED) -> Limits:
    """The best of some tries, with so many threads at work at once."""
    engine, lanes = compiled()
    spin = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_int64)(engine.get_function_address("spin"))
    spun = fastest([lambda: spin(turns)] * threads)
    pairs = [np.ones((2, copied), "f4") for _ in range(threads)]
    copies = fastest([lambda pair=pair: np.copyto(pair[0], pair[1]) for pair in pairs])
    moved, done = 2 * 4 * copied, 2 * turns * CHAINS * lanes
    return Limits(threads * moved / copies, threads * done / spun)


def fastest(jobs: Sequence[Callable[[], Any]]) -> float:
    """Seconds until all are done, when each has a thread of its own."""

    def once() -> float:
        workers = [Thread(target=job) for job in jobs]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return time.perf_counter() - start

    return min(once() for _ in range(TRIES))


def compiled() -> tuple[llvm.ExecutionEngine, int]:
    """Code for this processor, and how many numbers one of its registers holds."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    lanes = 16 if features.get("avx512f") else 8 if features.get("avx2") else 4
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features.flatten(), opt=3
    )
    return llvm.create_mcjit_compiler(llvm.parse_assembly(spinning(lanes)), machine), lanes


def spinning(lanes: int) -> str:
    """LLVM's text of a loop that multiplies and adds in registers, and does nothing else."""
    v = f"<{lanes} x float>"
    carried = range(CHAINS)
    heads = [f"%a{k} = phi {v} [%x, %entry], [%b{k}, %loop]" for k in carried]
    steps = [f"%b{k} = call {v} @llvm.fma({v} %a{k}, {v} %x, {v} %x)" for k in carried]
    sums = [f"%s{k} = fadd {v} %{f's{k - 1}' if k else 'x'}, %b{k}" for k in carried]
    lines = "\n  ".join
    return f"""
declare {v} @llvm.fma({v}, {v}, {v})
define float @spin(i64 %turns) {{
entry:
  %first = sitofp i64 %turns to float
  %one = insertelement {v} undef, float %first, i32 0
  %x = shufflevector {v} %one, {v} undef, <{lanes} x i32> zeroinitializer
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  {lines(heads)}
  {lines(steps)}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %turns
  br i1 %more, label %loop, label %done
done:
  {lines(sums)}
  %result = extractelement {v} %s{CHAINS - 1}, i32 0
  ret float %result
}}
"""
