"""Pseudo-inverses and what they solve: least squares, rank.

Gradient: G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), equation 4.12. It needs
no singular vectors, so it stands where singular values are equal; the rank is taken to stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.families import Example, Index, Moved, Read, Sample
from symgraph.graph import Apply
from symgraph.ops.arith import abs_, add, maximum, mul, neg, sqr, sub, true_div
from symgraph.ops.cast import cast, real_of
from symgraph.ops.compare import eq, gt
from symgraph.ops.index import subtensor
from symgraph.ops.logic import and_
from symgraph.ops.matrices import adjoint, column, floating_matrices, row, times, vector_of
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.select import switch
from symgraph.ops.shape import expand_dims, shape_i
from symgraph.ops.spectral import Eigh, Eigvalsh, SingularValues, Svd
from symgraph.types import Arg, Dims, Tensor, Tensors, as_operands, as_tensor_variable

__all__ = ["lstsq", "matrix_rank", "pinv"]


@dataclass(frozen=True, repr=False)
class PseudoInverse(Moved):
    """The first operand, which is the pseudo-inverse of the second: that says its gradient."""

    def out_shape(self, *args: Arg) -> Dims:
        """The first operand's."""
        return args[0].shape

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """The same place."""
        return index

    def axis_map(self, node: Apply) -> tuple[int | None, ...]:
        """Every axis is itself."""
        return tuple(range(node.outputs[0].type.ndim))  # type: ignore[attr-defined]

    def reference(self, p: Any, a: Any) -> Any:
        """The first operand."""
        return p

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """-P' g P' + (I - A P) g' P P' + P' P g' (I - P A)."""
        (_, a), (p,), (g,) = inputs, outputs, output_grads
        turned, back = adjoint(p), adjoint(g)
        through = neg(times(turned, g, turned))
        right, left = times(back, p, turned), times(turned, p, back)
        out_of_span = add(sub(right, times(a, p, right)), sub(left, times(left, p, a)))
        return [None, add(through, out_of_span)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Square, wide and tall ones, a batch, equal singular values."""
        for shape in ((3, 3), (2, 3), (2, 3, 2)):
            yield Example(pinv, (Sample(shape, "well"),))
        yield Example(pinv, (Sample((3, 2), "well", "complex128", False),))


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Tensor:
    """The pseudo-inverse (..., n, m) of A (..., m, n), by Moore and Penrose.

    Parameters
    ----------
    rcond, rtol
        Singular values up to it, relative to the largest, count as 0; by default the dtype's
        resolution times the larger size.
    hermitian
        Whether A is known to be Hermitian; its lower triangle is read then.

    >>> pinv([[2.0, 0.0], [0.0, 0.0]]).eval()
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    (a,) = floating_matrices("pinv", [a])
    if hermitian:
        s, v = Eigh()(a)
        u, vh = v, adjoint(v)
    else:
        u, s, vh = Svd()(a)
    counts = _count_as_nonzero(abs_(s), a, rcond if rtol is None else rtol)
    inverse = switch(counts, true_div(1, switch(counts, s, 1)), 0)
    found: Tensor = PseudoInverse()(times(mul(adjoint(vh), row(inverse)), adjoint(u)), a)
    return found


def _count_as_nonzero(s: Tensor, a: Tensor, rcond: Any) -> Tensor:
    """Which singular values are large enough to count."""
    if rcond is None:
        resolution = np.finfo(real_of(a.type.dtype)).eps
        rcond = mul(cast(maximum(shape_i(a, -2), shape_i(a, -1)), s.type.dtype), resolution)
    limit = as_tensor_variable(rcond)
    limit = expand_dims(limit, -1) if limit.type.ndim else limit
    return gt(s, mul(limit, _largest(s)))


def _largest(s: Tensor) -> Tensor:
    """The largest of sorted values, or of the sizes of sorted ones; 0 if there is none."""
    ends = (subtensor(s, (Ellipsis, part)) for part in (slice(None, 1), slice(-1, None)))
    return maximum(*(sum_over(end, axis=-1, keepdims=True, dtype=s.type.dtype) for end in ends))


def matrix_rank(a: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Tensor:
    """How many singular values of A (..., m, n) are not 0, int64.

    Parameters
    ----------
    tol
        What counts as 0.
    rtol
        The same relative to the largest one; by default the dtype's resolution times the larger
        size.
    hermitian
        Whether A is known to be Hermitian.

    >>> matrix_rank([[1.0, 1.0], [1.0, 1.0]]).eval()
    array(1)
    """
    (a,) = floating_matrices("matrix_rank", [a])
    s = abs_(Eigvalsh()(a)) if hermitian else SingularValues()(a)
    if tol is not None:
        limit = as_tensor_variable(tol)
        counts = gt(s, expand_dims(limit, -1) if limit.type.ndim else limit)
    else:
        counts = _count_as_nonzero(s, a, rtol)
    return sum_over(cast(counts, "int64"), axis=-1)


def lstsq(a: Any, b: Any, rcond: Any = None) -> list[Tensor]:
    """The shortest X for which A X - B is shortest, for A (..., m, n), B (m,) or (..., m, k).

    Returns
    -------
    list
        X; the squared lengths of A X - B, (..., k), or for matrices nothing, (0,), unless A has
        full rank and m > n, as in NumPy; A's rank, int64; its singular values, falling.

    Parameters
    ----------
    rcond
        As for `pinv`.

    >>> lstsq([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], [1.0, 2.0, 3.0])[0].eval().round(6)
    array([1., 1.])
    """
    a, b = as_operands([a, b])
    is_vector = b.type.ndim == 1
    a, right = floating_matrices("lstsq", [a, column(b) if is_vector else b])
    x = times(pinv(a, rcond), right)
    s = SingularValues()(a)
    rank = sum_over(cast(_count_as_nonzero(s, a, rcond), "int64"), axis=-1)
    lengths = sum_over(sqr(abs_(sub(times(a, x), right))), axis=-2)
    if a.type.ndim == 2 and right.type.ndim == 2:
        n = shape_i(a, 1)
        full = and_(eq(rank, n), gt(shape_i(a, 0), n))
        count = mul(cast(full, "int64"), shape_i(right, 1))
        lengths = subtensor(lengths, slice(None, count))
    return [vector_of(x) if is_vector else x, lengths, rank, s]
