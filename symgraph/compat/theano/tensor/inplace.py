"""`theano.tensor.inplace`: names that ended in `_inplace`.

Whether memory is written over is a decision of the compiler, so each is the plain function.
"""

from __future__ import annotations

from typing import Any

from symgraph import tensor

SUFFIX = "_inplace"


def __getattr__(name: str) -> Any:
    if name.endswith(SUFFIX) and hasattr(tensor, name.removesuffix(SUFFIX)):
        return getattr(tensor, name.removesuffix(SUFFIX))
    raise AttributeError(f"theano.tensor.inplace has no {name!r}")
