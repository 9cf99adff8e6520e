"""QR: orthonormal columns times an upper triangle.

Gradient: S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions with
application in optimum experimental design", 2018; of wide matrices D. Roberts and L. Roberts, "QR
and LQ decomposition matrix backpropagation algorithms for square, wide, and deep matrices", 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GradientError, GraphTypeError
from symgraph.families import Example, Sample
from symgraph.ops.arith import add, minimum, sub
from symgraph.ops.index import subtensor
from symgraph.ops.join import concatenate
from symgraph.ops.matrices import MatrixOp, adjoint, times
from symgraph.ops.shape import shape_i
from symgraph.ops.triangular import PLAIN, SolveTriangular, above, halved
from symgraph.types import Arg, Dims, Tensor, Tensors, smaller

__all__ = ["qr"]


@dataclass(frozen=True, repr=False)
class Qr(MatrixOp):
    """Q (..., m, k) with orthonormal columns and upper triangular R (..., k, n) with A = Q R.

    k is the smaller of m and n, or m if they are `complete`.
    """

    complete: bool = False
    routine: ClassVar[str] = "symgraph.backends.routines.spectral:qr"

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The operand's."""
        return (dtypes[0],) * 2

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """Two matrices."""
        *leading, m, n = args[0].shape
        k = m if self.complete else smaller(m, n)
        return ((*leading, m, k), (*leading, k, n))

    def reference(self, a: Any) -> Any:
        """NumPy's qr."""
        return tuple(np.linalg.qr(a, "complete" if self.complete else "reduced"))

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """(g_Q + Q mirror(R g_R' - g_Q' Q)) R^-1' of the leading columns; Q g_R of the others."""
        (a,), (q, r), (to_q, to_r) = inputs, outputs, output_grads
        if self.complete and not _is_wide(a):
            raise GradientError(
                f"{self}: columns of Q beyond those of {a.type} have no gradient; pass"
                " mode='reduced', or make it known that there are no more rows than columns"
            )
        k = minimum(shape_i(a, -2), shape_i(a, -1))
        first = (Ellipsis, slice(None), slice(None, k))
        rest = (Ellipsis, slice(None), slice(k, None))
        U, to_U = subtensor(r, first), subtensor(to_r, first)
        to_others = times(q, subtensor(to_r, rest))
        to_q = add(to_q, times(subtensor(a, rest), adjoint(subtensor(to_r, rest))))
        middle = sub(times(U, adjoint(above(to_U))), times(adjoint(to_q), q))
        half = halved(middle)
        inner = add(to_q, times(q, add(half, adjoint(half))))
        return [concatenate([adjoint(SolveTriangular(False, PLAIN)(U, adjoint(inner))), to_others],
                            axis=a.type.ndim - 1)]  # fmt: skip

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Square, tall, wide, a batch, complete, empty, complex."""
        for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 2)):
            yield Example(cls(), (Sample(shape, "well"),))
        yield Example(cls(True), (Sample((3, 2), "well", differentiable=False),))
        yield Example(cls(True), (Sample((3, 0), "well", differentiable=False),))
        yield Example(cls(), (Sample((0, 3, 2), "well"),))
        yield Example(cls(), (Sample((3, 2), "well", "complex128", False),))
        yield Example(cls(), (Sample((3, 2), "well", "float32"),))


def _is_wide(a: Tensor) -> bool:
    m, n = a.type.shape[-2:]
    return isinstance(m, int) and isinstance(n, int) and m <= n


def qr(a: Any, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and upper triangular R with A = Q R, of A (..., m, n).

    Parameters
    ----------
    mode
        "reduced": Q (..., m, k) and R (..., k, n), k the smaller of m and n; "complete": k is m;
        "r": R alone, of the reduced form.

    >>> qr([[0.0, 2.0], [1.0, 3.0]])[1].eval().round(6)
    array([[-1., -3.],
           [ 0., -2.]])
    """
    if mode not in ("reduced", "complete", "r"):
        raise GraphTypeError(f"qr: mode is 'reduced', 'complete' or 'r', not {mode!r}")
    factors = Qr(mode == "complete")(a)
    return factors[1] if mode == "r" else factors
