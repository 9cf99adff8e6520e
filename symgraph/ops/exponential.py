"""The exponential of matrices.

A. Al-Mohy and N. Higham, "Computing the Fréchet derivative of the matrix exponential, with an
application to condition number estimation", SIAM J. Matrix Anal. Appl. 30 (2009): the derivative of
exp at A along E is the upper right block of exp([[A, E], [0, A]]). Its adjoint is that at A' along
the cotangent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.families import Example, Sample
from symgraph.ops.cast import cast
from symgraph.ops.create import zeros_like
from symgraph.ops.index import subtensor
from symgraph.ops.join import concatenate
from symgraph.ops.matrices import MatrixOp, adjoint, floating_matrices, square
from symgraph.ops.shape import shape_i
from symgraph.types import Arg, Dims, Tensor, Tensors, promote

__all__ = ["expm"]

TERMS = 24  # of the series for matrices of norm 1/2 at most


@dataclass(frozen=True, repr=False)
class Expm(MatrixOp):
    """The exponential of square matrices, in double precision."""

    routine: ClassVar[str] = "symgraph.backends.routines.exponential:expm"

    def prepare(self, *inputs: Any) -> Tensors:
        """A matrix of float64 or complex128."""
        (a,) = super().prepare(*inputs)
        return [cast(a, promote(a.type.dtype, "float64"))]

    def out_shape(self, *args: Arg) -> Dims:
        """The operand's, square."""
        n = square(args[0], str(self))
        return (*args[0].shape[:-2], n, n)

    def reference(self, a: Any) -> Any:
        """Taylor's series of a matrix halved until it is small, squared as often."""
        largest = np.abs(a).sum(axis=-2).max(initial=0)
        halvings = int(np.ceil(np.log2(largest))) + 1 if largest > 0.5 else 0
        small = a / 2.0**halvings
        term = total = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
        for k in range(1, TERMS):
            term = term @ small / k
            total = total + term
        for _ in range(halvings):
            total = total @ total
        return total

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The upper right block of exp([[A', g], [0, A']])."""
        (a,), (g,) = inputs, output_grads
        turned, last = adjoint(a), a.type.ndim - 1
        above = concatenate([turned, g], axis=last)
        below = concatenate([zeros_like(g), turned], axis=last)
        whole = Expm()(concatenate([above, below], axis=last - 1))
        n = shape_i(a, -1)
        return [subtensor(whole, (Ellipsis, slice(None, n), slice(n, None)))]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Small and large ones, a batch, nothing, complex."""
        yield Example(cls(), (Sample((2, 2), "real"),))
        yield Example(cls(), (Sample((2, 2, 2), "small"),))
        yield Example(cls(), (Sample((0, 0), "small"),))
        yield Example(cls(), (Sample((2, 2), "small", "complex128"),))


def expm(a: Any) -> Tensor:
    """The exponential of A (..., n, n), the sum of A^k / k!.

    It is computed in double precision, and has the dtype of A (integers give float64).

    >>> expm([[0.0, 1.0], [0.0, 0.0]]).eval()
    array([[1., 1.],
           [0., 1.]])
    """
    (a,) = floating_matrices("expm", [a])
    return cast(Expm()(a), a.type.dtype)
