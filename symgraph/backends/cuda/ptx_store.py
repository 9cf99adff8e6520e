"""PTX kept on disk by what it follows from, so that a warm start compiles no kernel.

That is the text of the kernel, and of the functions it calls, without the user's lines; its
signature and the card's capability; the versions of what compiles it; and the sources that say what
the words of kernels mean.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

from symgraph.backends.cuda.kernels import kernel_text
from symgraph.backends.disk import PREFIX, counts, keep, kept, usable
from symgraph.backends.numba.scalar_math import definitions, externals
from symgraph.kernel import Buffer, Kernel
from symgraph.later import Later

ptx = Later("symgraph.backends.cuda.ptx")
# What writes PTX: numba's target, LLVM, and libNVVM as one of these packages brings it along.
COMPILERS = ("numba-cuda", "numba", "llvmlite", "nvidia-nvvm", "nvidia-cuda-nvcc-cu12")


def ptx_of_kernel(
    made: Callable[[], ModuleType],
    kernel: Kernel,
    capability: tuple[int, int],
    folder: Path | None,
) -> str:
    """The PTX of a kernel, from disk if it is there; else of the module that `made` gives."""
    place = usable(folder)
    file = None if place is None else place / f"{PREFIX}{key_of(kernel, capability)}.ptx"
    content = kept(file)
    if content is not None:
        counts["hits"] += 1
        return content.decode()
    counts["misses"] += 1
    text = str(ptx.ptx_of(ptx.library_of(made(), kernel), capability))
    if file is not None:
        keep(file, text.encode())
    return text


def key_of(kernel: Kernel, capability: tuple[int, int]) -> str:
    """A digest of all that the PTX of a kernel follows from."""
    own = kernel_text(replace(kernel, notes=()))
    kinds = [f"{'*' * isinstance(p, Buffer)}{p.dtype}" for p in kernel.params]
    parts = (own, *definitions([kernel]), *externals([kernel]), *kinds, repr(capability))
    return hashlib.sha256("\0".join((*parts, *_surroundings())).encode()).hexdigest()[:40]


@cache
def _surroundings() -> tuple[str, ...]:
    sources = hashlib.sha256()
    here = Path(__file__).parent
    for folder in (here, here.parent / "numba"):
        for file in sorted(folder.glob("*.py")):
            sources.update(file.read_bytes())
    return (sources.hexdigest(), *map(_version, COMPILERS))


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def entry_of(text: str) -> str:
    """The name of the kernel in its PTX."""
    found = re.search(r"\.visible \.entry (\w+)\(", text)
    assert found is not None
    return found[1]
