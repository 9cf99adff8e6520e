"""Checks between the stages: the graph keeps its own rules, and values stay what they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.errors import VerifyError
from symgraph.graph import Graph, Variable
from symgraph.records import is_sparse_matrix

TOLERANCE = {
    "float16": 1e-2,
    "float32": 1e-4,
    "float64": 1e-9,
    "complex64": 1e-4,
    "complex128": 1e-9,
}


def check_graph(graph: Graph) -> None:
    """Raise `VerifyError` unless every output knows its owner and inputs come first."""
    known = set(graph.inputs)
    for node in graph.toposort():
        for index, out in enumerate(node.outputs):
            if out.owner is not node or out.index != index:
                raise VerifyError(
                    f"an output of {node}, made at {node.made_at}, has lost its owner"
                )
        for var in node.inputs:
            if var.owner is not None and var not in known:
                raise VerifyError(f"{node} reads {var} before it is computed")
        known.update(node.outputs)


def compare_values(
    stage: str, variables: Sequence[Variable], expected: Sequence[Any], found: Sequence[Any]
) -> None:
    """Raise `VerifyError` at the first value that a stage changed beyond rounding."""
    for var, want, have in zip(variables, expected, found, strict=True):
        problem = difference(want, have)
        if problem:
            raise VerifyError(f"{stage} changes {var}, made at {var.made_at}: {problem}")


def difference(want: Any, have: Any) -> str:
    """What tells two arrays, or lists of them, apart; empty if it is only rounding."""
    if isinstance(want, list):
        if len(want) != len(have):
            return f"{len(want)} elements became {len(have)}"
        return next(filter(None, map(difference, want, have)), "")
    if is_sparse_matrix(want):
        want, have = want.toarray(), have.toarray()
    want, have = np.asarray(want), np.asarray(have)
    if (want.dtype, want.shape) != (have.dtype, have.shape):
        return f"{want.dtype}{want.shape} became {have.dtype}{have.shape}"
    tolerance = TOLERANCE.get(str(want.dtype), 0.0)
    scale = float(np.max(np.abs(want), initial=0.0, where=np.isfinite(want))) if want.size else 0.0
    if np.allclose(have, want, rtol=tolerance, atol=tolerance * scale, equal_nan=True):
        return ""
    wrong = ~np.isclose(have, want, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    place = tuple(int(n) for n in np.argwhere(wrong)[0])
    return f"at {place} {want[place]!r} became {have[place]!r}"
