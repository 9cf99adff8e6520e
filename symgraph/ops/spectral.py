"""Eigenvalues and singular values.

Gradients: M. Giles, "Collected matrix derivative results", 2008; of complex singular vectors, Z.
Wan and S. Zhang, "Automatic differentiation for complex valued SVD", 2019; of general eigenvectors,
C. Boeddeker et al., "On the computation of complex-valued gradients", 2017. Eigenvectors are
determined up to a phase: a cost that depends on it has no gradient, and one that depends on the
vectors has none where two values are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GradientError, GraphTypeError, MatrixError
from symgraph.families import Example, Sample
from symgraph.ops.arith import add, mul, sub, true_div
from symgraph.ops.cast import cast, conjugate, imag, real_of
from symgraph.ops.cast import complex as complex_of
from symgraph.ops.compare import eq
from symgraph.ops.create import eye
from symgraph.ops.matrices import (
    MatrixOp,
    adjoint,
    column,
    floating_matrices,
    row,
    square,
    times,
)
from symgraph.ops.select import switch
from symgraph.ops.shape import shape_i
from symgraph.ops.solve import solve
from symgraph.ops.specify import match_sizes
from symgraph.ops.triangular import SolveTriangular, below, cholesky, halved
from symgraph.types import COMPLEX, Arg, Dims, Tensor, Tensors, promote, smaller

__all__ = ["eig", "eigh", "eigvals", "eigvalsh", "svd", "svdvals"]

NO_CONVERGENCE = (MatrixError, "the iteration for matrix %0 of the batch did not converge")


def on_diagonal(values: Tensor) -> Tensor:
    """Diagonal matrices of vectors over the last axis."""
    return mul(column(values), eye(shape_i(values, -1), dtype=values.type.dtype))


def diagonal_of(x: Tensor) -> Tensor:
    """The diagonals of square matrices, as vectors over the last axis."""
    return mul(x, eye(shape_i(x, -1), dtype=x.type.dtype)).sum(axis=-1)


def reciprocals(x: Tensor) -> Tensor:
    """1 / x, and 0 where x is 0."""
    zero = eq(x, 0)
    return switch(zero, 0, true_div(1, switch(zero, 1, x)))


def apart(values: Tensor) -> Tensor:
    """1 / (w_j - w_i) for every pair of values, 0 on the diagonal."""
    return reciprocals(sub(row(values), column(values)))


@dataclass(frozen=True, repr=False)
class Eigh(MatrixOp):
    """Eigenvalues, rising, and eigenvectors (columns) of Hermitian A (..., n, n); one triangle."""

    lower: bool = True
    routine: ClassVar[str] = "symgraph.backends.routines.spectral:eigh"
    failure = NO_CONVERGENCE

    def settings(self) -> tuple[int, ...]:
        """The triangle."""
        return (int(self.lower),)

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Values are real."""
        return (real_of(dtypes[0]), dtypes[0])

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """A vector and a matrix."""
        n, leading = square(args[0], str(self)), args[0].shape[:-2]
        return ((*leading, n), (*leading, n, n))

    def reference(self, a: Any) -> Any:
        """NumPy's eigh of the transpose, as LAPACK is called."""
        w, v = np.linalg.eigh(a.swapaxes(-1, -2), UPLO="U" if self.lower else "L")
        return w, v.conj()

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """V (diag(g_w) + V' g_V / (w_j - w_i)) V', to the triangle."""
        (w, v), (to_w, to_v) = outputs, output_grads
        vectors = mul(apart(w), times(adjoint(v), to_v))
        return [self.to_triangle(times(v, add(vectors, on_diagonal(to_w)), adjoint(v)))]

    def to_triangle(self, whole: Tensor) -> Tensor:
        """The cotangent of the triangle that is read, from that of the Hermitian matrix."""
        half = halved(add(whole, adjoint(whole)))
        return half if self.lower else adjoint(half)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Both triangles, a batch, nothing, other dtypes."""
        yield Example(cls(), (Sample((3, 3), "well"),))
        yield Example(cls(False), (Sample((2, 3, 3), "well"),))
        yield Example(cls(), (Sample((0, 0), "well"),))
        yield Example(cls(), (Sample((3, 3), "well", "complex128", False),))
        yield Example(cls(), (Sample((2, 2), "well", "float32"),))


@dataclass(frozen=True, repr=False)
class Eigvalsh(Eigh):
    """Eigenvalues, rising, of Hermitian A (..., n, n), of which one triangle is read."""

    routine: ClassVar[str] = "symgraph.backends.routines.spectral:eigvalsh"

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Values are real."""
        return (real_of(dtypes[0]),)

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """A vector."""
        return super().out_shapes(*args)[:1]

    def reference(self, a: Any) -> Any:
        """NumPy's eigvalsh."""
        return np.linalg.eigvalsh(a, UPLO="L" if self.lower else "U")

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """V diag(g) V', to the triangle."""
        _, v = Eigh(self.lower)(inputs[0])
        return [self.to_triangle(times(v, on_diagonal(output_grads[0]), adjoint(v)))]


@dataclass(frozen=True, repr=False)
class Eig(MatrixOp):
    """Eigenvalues and eigenvectors (columns of length 1) of square matrices, complex."""

    routine: ClassVar[str] = "symgraph.backends.routines.spectral:eig"
    failure = NO_CONVERGENCE

    def prepare(self, *inputs: Any) -> Tensors:
        """A complex matrix."""
        (a,) = super().prepare(*inputs)
        return [cast(a, promote(a.type.dtype, "complex64"))]

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Complex."""
        return (dtypes[0],) * 2

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """A vector and a matrix."""
        n, leading = square(args[0], str(self)), args[0].shape[:-2]
        return ((*leading, n), (*leading, n, n))

    def reference(self, a: Any) -> Any:
        """NumPy's eig."""
        return tuple(np.linalg.eig(a))

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """V^-1' (diag(g_w) + (V' g_V - V' V diag(V' g_V)) / (w_j - w_i)') V'."""
        (w, v), (to_w, to_v) = outputs, output_grads
        along = times(adjoint(v), to_v)
        length = mul(times(adjoint(v), v), row(diagonal_of(along)))
        vectors = mul(conjugate(apart(w)), sub(along, length))
        inner = times(add(vectors, on_diagonal(to_w)), adjoint(v))
        return [solve(adjoint(v), inner)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """What does not depend on the phases: values and sizes of vectors."""

        def phaseless(a: Tensor) -> list[Tensor]:
            w, v = Eig()(a)
            return [w, abs(v)]

        yield Example(phaseless, (Sample((3, 3), "well"),))
        yield Example(phaseless, (Sample((2, 2, 2), "well"),))
        yield Example(Eig(), (Sample((0, 0), "well"),))
        yield Example(Eig(), (Sample((3, 3), "well", "complex64", False),))


@dataclass(frozen=True, repr=False)
class Svd(MatrixOp):
    """U, singular values, falling, and V' with A = U diag(s) V', of A (..., m, n).

    U is (..., m, k), V' (..., k, n), k the smaller of m and n, or square if they are `full`.
    """

    full: bool = False
    routine: ClassVar[str] = "symgraph.backends.routines.spectral:svd"
    failure = NO_CONVERGENCE

    def settings(self) -> tuple[int, ...]:
        """The form."""
        return (int(self.full),)

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Values are real."""
        return (dtypes[0], real_of(dtypes[0]), dtypes[0])

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """Two matrices, a vector between them."""
        *leading, m, n = args[0].shape
        k = smaller(m, n)
        rows, columns = (m, n) if self.full else (k, k)
        return ((*leading, m, rows), (*leading, k), (*leading, columns, n))

    def reference(self, a: Any) -> Any:
        """NumPy's svd of the transpose, as LAPACK is called."""
        v, s, u = np.linalg.svd(a.swapaxes(-1, -2), full_matrices=self.full)
        return u.swapaxes(-1, -2), s, v.swapaxes(-1, -2)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Through the values, through rotations of the vectors, and out of their span."""
        (a,), (u, s, vh), (to_u, to_s, to_vh) = inputs, outputs, output_grads
        if self.full:
            _refuse_oblong(self, a)
            u = match_sizes(u, a, [(u.type.ndim - 1, a.type.ndim - 1)])
        v, to_v = adjoint(vh), adjoint(to_vh)
        left, right = times(adjoint(u), to_u), times(vh, to_v)
        pairs = apart(mul(s, s))
        J, K = mul(pairs, left), mul(pairs, right)
        inner = add(mul(add(J, adjoint(J)), row(s)), mul(column(s), add(K, adjoint(K))))
        total = times(u, add(inner, on_diagonal(_with_phases(to_s, s, left))), vh)
        inverse = reciprocals(s)
        if not _is_shorter(a, -2):
            total = add(total, times(mul(sub(to_u, times(u, left)), row(inverse)), vh))
        if not _is_shorter(a, -1):
            total = add(total, times(mul(u, row(inverse)), adjoint(sub(to_v, times(v, right)))))
        return [total]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Square, wide, tall, a batch, empty, other dtypes."""
        yield Example(cls(), (Sample((3, 3), "well"),))
        yield Example(cls(), (Sample((2, 3), "well"),))
        yield Example(cls(), (Sample((2, 3, 2), "well"),))
        yield Example(cls(True), (Sample((2, 2), "well"),))
        yield Example(cls(True), (Sample((2, 3), "well", differentiable=False),))
        yield Example(cls(True), (Sample((3, 0), "well", differentiable=False),))
        yield Example(cls(), (Sample((0, 2, 3), "well"),))
        yield Example(cls(), (Sample((3, 2), "well", "complex128", False),))
        yield Example(cls(), (Sample((2, 2), "well", "float32"),))


def _with_phases(to_s: Tensor, s: Tensor, left: Tensor) -> Tensor:
    """The cotangent of the values; of complex matrices the phases between vectors turn as well."""
    if left.type.dtype not in COMPLEX:
        return to_s
    return complex_of(to_s, mul(imag(diagonal_of(left)), reciprocals(s)))


def _is_shorter(a: Tensor, axis: int) -> bool:
    """Whether an axis is known to be no longer than the other of the last two."""
    mine, other = a.type.shape[axis], a.type.shape[-3 - axis]
    return isinstance(mine, int) and isinstance(other, int) and mine <= other


def _refuse_oblong(op: Any, a: Tensor) -> None:
    m, n = a.type.shape[-2:]
    if isinstance(m, int) and isinstance(n, int) and m != n:
        raise GradientError(
            f"{op}: the vectors beyond the smaller size of {a.type} have no gradient; pass"
            " full_matrices=False"
        )


@dataclass(frozen=True, repr=False)
class SingularValues(MatrixOp):
    """The singular values, falling, of A (..., m, n)."""

    routine: ClassVar[str] = "symgraph.backends.routines.spectral:singular_values"
    failure = NO_CONVERGENCE

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Values are real."""
        return (real_of(dtypes[0]),)

    def out_shape(self, *args: Arg) -> Dims:
        """As many as the smaller size."""
        *leading, m, n = args[0].shape
        return (*leading, smaller(m, n))

    def reference(self, a: Any) -> Any:
        """NumPy's svd without vectors."""
        return np.linalg.svd(a, compute_uv=False)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """U diag(g) V'."""
        u, _, vh = Svd()(inputs[0])
        return [times(mul(u, row(output_grads[0])), vh)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Square, wide, a batch, empty."""
        for shape in ((3, 3), (2, 3), (2, 3, 2), (0, 2)):
            yield Example(cls(), (Sample(shape, "well"),))
        yield Example(cls(), (Sample((3, 2), "well", "complex128", False),))


# --- what users call ----------------------------------------------------------------------------


def eigh(a: Any, UPLO: str = "L") -> list[Tensor]:
    """Eigenvalues, rising, and eigenvectors (columns) of symmetric or Hermitian A (..., n, n).

    Only the lower ("L") or upper ("U") triangle is read, and the gradient is by that triangle. It
    is infinite or NaN for vectors of equal eigenvalues. Raises `MatrixError` where the iteration
    does not converge.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]])[0].eval()
    array([1., 2.])
    """
    results: list[Tensor] = Eigh(_is_lower(UPLO))(a)
    return results


def _is_lower(UPLO: str) -> bool:
    if UPLO not in ("L", "U"):
        raise GraphTypeError(f"UPLO is 'L' or 'U', not {UPLO!r}")
    return UPLO == "L"


def eigvalsh(a: Any, b: Any = None, lower: bool = True) -> Tensor:
    """The eigenvalues w, rising, of Hermitian A (..., n, n); with B, those of A v = w B v.

    B is positive definite. Of each one triangle is read. Errors are those of `eigh`, and of
    `cholesky` for B.

    >>> eigvalsh([[2.0, 0.0], [0.0, 1.0]]).eval()
    array([1., 2.])
    """
    if b is not None:
        a, b = floating_matrices("eigvalsh", [a, b])
        if not lower:
            a, b = adjoint(a), adjoint(b)
        factor, inner = cholesky(b), SolveTriangular()
        whole = add(below(a), adjoint(below(a, -1)))
        a, lower = inner(factor, adjoint(inner(factor, whole))), True
    values: Tensor = Eigvalsh(lower)(a)
    return values


def eig(a: Any) -> list[Tensor]:
    """Eigenvalues and eigenvectors (columns of length 1) of A (..., n, n), both complex.

    The vectors' gradient is that of costs which do not depend on their phases. Raises `MatrixError`
    where the iteration does not converge.

    >>> eig([[0.0, 1.0], [-1.0, 0.0]])[0].eval().imag
    array([ 1., -1.])
    """
    results: list[Tensor] = Eig()(a)
    return results


def eigvals(a: Any) -> Tensor:
    """The eigenvalues of A (..., n, n), complex.

    >>> eigvals([[2.0, 0.0], [0.0, 1.0]]).eval()
    array([2.+0.j, 1.+0.j])
    """
    return eig(a)[0]


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, singular values s, falling, and V' with A = U diag(s) V', of A (..., m, n).

    Parameters
    ----------
    full_matrices
        Whether U and V' are square; else they have the smaller size, and a gradient always.
    compute_uv
        Whether U and V' are wanted; else s is returned alone.

    Raises
    ------
    MatrixError
        Where the iteration does not converge.

    >>> svd([[3.0, 0.0], [0.0, -4.0]])[1].eval()
    array([4., 3.])
    """
    return Svd(full_matrices)(a) if compute_uv else SingularValues()(a)


def svdvals(a: Any) -> Tensor:
    """The singular values, falling, of A (..., m, n).

    >>> svdvals([[3.0, 0.0], [0.0, -4.0]]).eval()
    array([4., 3.])
    """
    values: Tensor = SingularValues()(a)
    return values
