"""`theano.tensor.slinalg`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symgraph.linalg import *
from symgraph.linalg import cholesky as cholesky_of
from symgraph.linalg import solve as solve_of
from symgraph.linalg import solve_triangular

STRUCTURES = {"symmetric": "sym", "general": "gen"}  # SciPy's words for Theano's
MATRIX_STRUCTURES = ("general", "symmetric", "lower_triangular", "upper_triangular")


@dataclass(frozen=True)
class Solve:
    """`Solve(A_structure)(A, b)`: X with A X = b, which reads what A's structure leaves of it."""

    A_structure: str = "general"
    lower: bool = False
    overwrite_A: bool = False  # noqa: N815
    overwrite_b: bool = False

    def __call__(self, A: Any, b: Any) -> Any:
        """The solution, a vector or a matrix as b is."""
        if self.A_structure in STRUCTURES:
            return solve_of(A, b, STRUCTURES[self.A_structure], self.lower)
        return solve_triangular(A, b, lower=self.A_structure == "lower_triangular")


@dataclass(frozen=True)
class Cholesky:
    """`Cholesky(lower)(A)`: the triangular factor of a positive definite A."""

    lower: bool = True
    on_error: str = "raise"

    def __call__(self, A: Any) -> Any:
        """The factor; with `on_error="nan"` NaN where A is not positive definite."""
        return cholesky_of(A, lower=self.lower, on_error=self.on_error)


solve_lower_triangular = Solve("lower_triangular", lower=True)
solve_upper_triangular = Solve("upper_triangular")
