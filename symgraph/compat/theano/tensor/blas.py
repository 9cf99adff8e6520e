"""`theano.tensor.blas`: products; which of them are BLAS calls the compiler decides."""

from __future__ import annotations

from typing import Any

from symgraph.compat.theano.gof.fg import InconsistencyError
from symgraph.ops.linalg import Dot, Gemm
from symgraph.tensor import batched_dot, dot, outer

Dot22 = Dot

__all__ = ["Dot22", "Gemm", "InconsistencyError", "batched_dot", "gemm", "gemv", "ger"]


def gemm(z: Any, alpha: Any, x: Any, y: Any, beta: Any) -> Any:
    """beta * z + alpha * x @ y."""
    return beta * z + alpha * dot(x, y)


def gemv(y: Any, alpha: Any, a: Any, x: Any, beta: Any) -> Any:
    """beta * y + alpha * a @ x."""
    return gemm(y, alpha, a, x, beta)


def ger(a: Any, alpha: Any, x: Any, y: Any) -> Any:
    """a + alpha * outer(x, y)."""
    return a + alpha * outer(x, y)
