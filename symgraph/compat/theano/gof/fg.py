"""`theano.gof.fg`: a graph with known inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.errors import MissingInputError, RewriteError, SymgraphError
from symgraph.graph import Graph, Variable, clients
from symgraph.compat.theano.gof.graph import clone as clone_io

__all__ = ["CachedConstantError", "FunctionGraph", "InconsistencyError", "MissingInputError"]

InconsistencyError = RewriteError


class CachedConstantError(SymgraphError):
    """Kept for programs that catch it; nothing here raises it."""


class FunctionGraph(Graph):
    """The outputs of a graph as a function of its inputs; it is read, not changed in place."""

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        features: Any = None,
        clone: bool = True,
        update_mapping: Any = None,
    ) -> None:
        if clone:
            inputs, outputs = clone_io(inputs, outputs)
        super().__init__(tuple(inputs), tuple(outputs))
