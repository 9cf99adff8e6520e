"""Functions found whole: a graph compiled before is neither rewritten nor lowered again.

What a function needs to run is a recipe of a few hundred bytes: the keys of its modules, the
symbols they call, the constants that rewriting left. It is kept under a hash of everything it
follows from: the graph's content (`signature.py`), the rules and flags in force, this machine, the
versions of what it is compiled with, and the package's own sources as they were when imported.
What is looked at later (`f.graph`, `f.kernels`, an error's text) is made when it is asked for.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import astuple, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from symgraph import sources
from symgraph.backends import disk, threads
from symgraph.backends.llvm import library, target
from symgraph.config import Flags, config
from symgraph.dataclass import dataclass
from symgraph.graph import Constant
from symgraph.mode import Mode
from symgraph.placement import needs_placement
from symgraph.rules import ALL
from symgraph.runners import Native, Runner, Task, Warm
from symgraph.signature import NoSignatureError, Signature, signature_of

MOST_CONSTANTS = 1 << 20  # bytes of constants in a recipe; a function with more is not kept
# Flags that say how functions are run, shown or kept, not what is compiled.
BESIDE = (
    "mode", "check", "threads", "cache", "cache_dir", "on_unused_input", "allow_input_downcast",
    "exception_verbosity", "compute_test_value", "profile", "nan_check",
)  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """A function on disk. A constant is an array, or the number of one that the graph holds."""

    recipe: target.Recipe
    constants: tuple[Any, ...]
    replaced: tuple[int, ...]  # which updates are handed back


@dataclass(frozen=True)
class Place:
    """Where a function is kept, and the signature of its graph."""

    file: Path
    signature: Signature


def place_of(task: Task, mode: Mode) -> Place | None:
    """Where a task's function is kept; None if it cannot be told by its content, or nothing is."""
    folder = disk.usable(config.folder)
    known = set(ALL.known)
    plain = mode.backend == "llvm" and not mode.check and all(r in known for r in mode.rules)
    if folder is None or not plain or not sources.IMPORTED or needs_placement(task, mode.device):
        return None
    try:
        signature = signature_of(task.inputs, task.roots)
    except NoSignatureError:
        return None
    shared = {var: n for n, var in enumerate(task.inputs)}
    updated = tuple(shared[var] for var, _ in task.updates)
    rules = sorted(rule.name for rule in mode.rules)
    borrowed = sorted(task.borrowed)
    parts = (
        signature.digest,
        len(task.outputs),
        updated,
        borrowed,
        rules,
        _flags(),
        *_surroundings(),
    )
    key = hashlib.sha256(repr(parts).encode()).hexdigest()[:40]
    return Place(folder / f"{disk.PREFIX}{key}.fun", signature)


def find(place: Place, task: Task, make: Callable[[], Runner]) -> Warm | None:
    """The function kept at a place; None if there is none, or not all of it."""
    content = disk.kept(place.file)
    if content is None:
        return None
    kept: Kept = pickle.loads(content)
    threads.set_threads(config.workers, config.folder)
    entry = target.load_known(kept.recipe, place.file.parent)
    if entry is None:
        return None
    own = place.signature.constants
    constants = [own[c].data if isinstance(c, int) else c for c in kept.constants]
    replaced = [task.updates[n][0] for n in kept.replaced]
    return Warm(entry, constants, replaced, make)


def keep(place: Place, task: Task, runner: Runner, written: Any) -> None:
    """Keep a function that was compiled from end to end, unless sources changed meanwhile."""
    if not isinstance(runner, Native) or not isinstance(written, target.Written):
        return
    numbers = {id(c.data): n for n, c in enumerate(place.signature.constants)}
    inputs = (parameter.variable for parameter in runner.program.parameters)
    constants = [c.data for c in inputs if isinstance(c, Constant)]
    named = tuple(numbers.get(id(data), np.array(data)) for data in constants)
    size = sum(c.nbytes for c in named if not isinstance(c, int))
    if size > MOST_CONSTANTS or not sources.unchanged():
        return
    order = [var for var, _ in task.updates]
    replaced = tuple(order.index(var) for var in runner.replaced)
    disk.keep(place.file, pickle.dumps(Kept(written.recipe, named, replaced)))


def _flags() -> tuple[Any, ...]:
    standing = {name: getattr(Flags, name) for name in BESIDE}
    return astuple(replace(config.flags, **standing))


@cache
def _surroundings() -> tuple[str, ...]:
    """All that compiled code depends on besides the graph."""
    # SciPy folds constants and has BLAS; to import it for its version would take 8 ms.
    spec = find_spec("scipy")
    file = Path(spec.origin).stat() if spec is not None and spec.origin else None
    scipy = "" if file is None else f"{file.st_mtime_ns} {file.st_size}"
    return (scipy, *library.surroundings())
