"""Kernels whose text is written by hand, for what Kernel IR does not say: scans and merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symgraph.kernel import BOOL, Buffer, Kernel, Name


@dataclass(frozen=True)
class Handmade(Kernel):
    """A kernel with a text of its own; its body only names the functions that the text calls."""

    text: str = field(default="", kw_only=True)


def handmade(name: str, params: Sequence[Buffer | Name], lines: str) -> Handmade:
    """A kernel of the number of its runs and its parameters, with the lines of its function.

    The driver has it under its name behind `do_`, which nothing of the user's begins with.
    """
    name = f"do_{name}"
    words = ", ".join(["extent", *(p.name if isinstance(p, Buffer) else p.id for p in params)])
    text = "\n".join(["@kernel", f"def {name}({words}):", *lines.strip("\n").splitlines()])
    return Handmade(name, tuple(params), (), text=text)


def in_memory(dtype: str) -> str:
    """The dtype that kernels see in memory: bools are bytes."""
    return "uint8" if dtype == BOOL else dtype
