"""The module of leaves: the loops that products and convolutions spend their time in.

It is optimised where the functions that call leaves are not: they run seldom, and are long.
"""

from __future__ import annotations

import re

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.conv_block import cut_text
from symgraph.backends.llvm.dots import dots_text
from symgraph.backends.llvm.packing import packing_text
from symgraph.backends.llvm.tiles import tiles_text

PREFIX = "leaf_"


def leaves_text(dtype: str) -> str:
    """The module for a dtype."""
    needs = Needs()
    texts = [*tiles_text(dtype, needs), *dots_text(dtype, needs), *packing_text(dtype, needs)]
    return "\n".join([*texts, cut_text(dtype, needs), needs.text(), ""])


def leaf_names(text: str) -> list[str]:
    """The functions of the module."""
    return re.findall(rf"^define void @({PREFIX}\w+)", text, re.MULTILINE)
