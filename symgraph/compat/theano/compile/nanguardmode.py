"""`theano.compile.nanguardmode`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from symgraph.mode import MODES, Mode

__all__ = ["NanGuardMode"]


def NanGuardMode(
    nan_is_error: bool = True,
    inf_is_error: bool = True,
    big_is_error: bool = True,
    optimizer: Any = "default",
    linker: Any = None,
) -> Mode:
    """A mode in which a call whose results hold NaN is an error that names the node behind it."""
    return replace(MODES["fast_run"], nan=nan_is_error, inf=inf_is_error or big_is_error)
