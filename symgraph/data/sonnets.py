"""Seven sonnets by William Shakespeare: a text to learn letters from."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def sonnets() -> str:
    """Sonnets 18, 29, 30, 60, 73, 116 and 130 (1609), an empty line between two of them.

    >>> sonnets().splitlines()[0]
    "Shall I compare thee to a summer's day?"
    """
    return files("symgraph.data").joinpath("sonnets.txt").read_text(encoding="utf-8")
