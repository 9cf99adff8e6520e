"""Attention: two batched products round a softmax, which is one kernel over rows."""

from __future__ import annotations

import math
from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.activations import floating, softmax
from symgraph.ops.arith import add, mul, true_div
from symgraph.ops.cast import cast
from symgraph.ops.compare import ge
from symgraph.ops.create import arange
from symgraph.ops.elementary import sqrt
from symgraph.ops.linalg import matmul
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, shape_i, swapaxes
from symgraph.types import Tensor, as_tensor_variable

__all__ = ["attention"]


def attention(
    q: Any, k: Any, v: Any, mask: Any = None, causal: bool = False, scale: Any = None
) -> Tensor:
    """softmax(q k' scale) v: for each query the mean of values, weighted by how its key fits.

    Scaled dot-product attention (Vaswani et al., 2017).

    Parameters
    ----------
    q
        Queries: (..., queries, features).
    k
        Keys: (..., keys, features).
    v
        Values: (..., keys, values). Leading axes (batch, heads) are those of `q` and `k`.
    mask
        What broadcasts to (..., queries, keys): booleans, True where a query may look, or floats
        that are added to the scaled products.
    causal
        Whether a query looks only at keys up to its own place.
    scale
        A number, by default 1 / sqrt(features).

    A query that may look nowhere gives NaN.

    >>> x = [[1.0, 0.0], [0.0, 1.0]]
    >>> attention(x, x, [[1.0], [3.0]], causal=True, scale=0.0).eval()
    array([[1.],
           [2.]])
    """
    q, k, v = floating(q), floating(k), as_tensor_variable(v)
    if min(x.type.ndim for x in (q, k, v)) < 2:
        raise GraphTypeError("attention takes matrices, or batches of them, not vectors")
    scores = mul(matmul(q, swapaxes(k, -1, -2)), _factor(q, scale))
    if mask is not None:
        mask = as_tensor_variable(mask)
        boolean = mask.type.dtype == "bool"
        scores = switch(mask, scores, -math.inf) if boolean else add(scores, mask)
    if causal:
        rows = dimshuffle(arange(shape_i(q, -2)), 0, "x")
        columns = dimshuffle(arange(shape_i(k, -2)), "x", 0)
        scores = switch(ge(rows, columns), scores, -math.inf)
    return matmul(softmax(scores), v)


def _factor(q: Tensor, scale: Any) -> Any:
    """The scale, found from the features if it is not given."""
    if scale is not None:
        return scale
    features = q.type.shape[-1]
    if isinstance(features, int):
        return 1 / math.sqrt(features)
    return true_div(1.0, sqrt(cast(shape_i(q, -1), q.type.dtype)))
