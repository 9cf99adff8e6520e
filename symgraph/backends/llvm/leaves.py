"""The modules of leaves: the loops that products and convolutions spend their time in.

They are optimised where the functions that call them are not: these run seldom, and are long.
"""

from __future__ import annotations

import re

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.conv_block import add_text, cut_text
from symgraph.backends.llvm.conv_dots import fold_text
from symgraph.backends.llvm.dots import dots_text
from symgraph.backends.llvm.packing import packing_text
from symgraph.backends.llvm.rows import rows_text
from symgraph.backends.llvm.tiles import tiles_text

PREFIX = "leaf_"


def leaves_texts(dtype: str) -> list[str]:
    """The modules for a dtype, which are compiled side by side: tiles, all others."""
    texts = []
    for write in (_tiles, _others):
        needs = Needs()
        texts.append("\n".join([*write(dtype, needs), needs.text(), ""]))
    return texts


def _tiles(dtype: str, needs: Needs) -> list[str]:
    return tiles_text(dtype, needs)


def _others(dtype: str, needs: Needs) -> list[str]:
    texts = [*dots_text(dtype, needs), *rows_text(dtype, needs), *packing_text(dtype, needs)]
    return [*texts, *(write(dtype, needs) for write in (cut_text, add_text, fold_text))]


def leaf_names(text: str) -> list[str]:
    """The functions of a module."""
    return re.findall(rf"^define void @({PREFIX}\w+)", text, re.MULTILINE)
