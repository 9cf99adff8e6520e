"""`theano.compile.nanguardmode`."""

from __future__ import annotations

from typing import Any

from symgraph.compat.theano.compile.mode import Mode

__all__ = ["NanGuardMode"]


class NanGuardMode(Mode):
    """A mode in which a call whose results hold NaN is an error that names the node behind it."""

    def __init__(
        self,
        nan_is_error: bool = True,
        inf_is_error: bool = True,
        big_is_error: bool = True,
        optimizer: Any = "default",
        linker: Any = None,
        **settings: Any,
    ) -> None:
        watched = {"nan": nan_is_error, "inf": inf_is_error or big_is_error}
        super().__init__(linker, optimizer, **watched | settings)
