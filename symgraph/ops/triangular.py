"""Triangular matrices: what is solved with them, and Cholesky's factor.

Gradients: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation", 2008; I. Murray, "Differentiation of the Cholesky decomposition", 2016.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError, MatrixError
from symgraph.families import Example, Sample
from symgraph.graph import Apply
from symgraph.ops.arith import add, mul, neg
from symgraph.ops.cast import conjugate
from symgraph.ops.create import tri
from symgraph.ops.linalg import check_leading_axes, leading_axes
from symgraph.ops.matrices import MatrixOp, adjoint, column, square, times, vector_of
from symgraph.ops.select import switch
from symgraph.ops.shape import shape_i, shape_padleft, swapaxes
from symgraph.types import Arg, Dims, Tensor, Tensors, as_operands, unify

__all__ = [
    "cho_solve",
    "cholesky",
    "solve_lower_triangular",
    "solve_triangular",
    "solve_upper_triangular",
]

PLAIN, TRANSPOSED, ADJOINT = range(3)
MODES = {"N": PLAIN, "T": TRANSPOSED, "C": ADJOINT, 0: PLAIN, 1: TRANSPOSED, 2: ADJOINT}


def below(x: Tensor, k: int = 0) -> Tensor:
    """Matrices with zeros above diagonal `k`."""
    return switch(tri(shape_i(x, -2), shape_i(x, -1), k, "bool"), x, 0)


def above(x: Tensor, k: int = 0) -> Tensor:
    """Matrices with zeros below diagonal `k`."""
    return switch(tri(shape_i(x, -2), shape_i(x, -1), k - 1, "bool"), 0, x)


def halved(x: Tensor) -> Tensor:
    """The lower triangle, half of the diagonal."""
    return mul(add(below(x), below(x, -1)), 0.5)


def solve_by_mode(a: Tensor, mode: int) -> tuple[Tensor, int]:
    """What is to be solved with for the cotangent of a right side: (op(A)^-1)'."""
    return (conjugate(a), PLAIN) if mode == TRANSPOSED else (a, (ADJOINT, PLAIN, PLAIN)[mode])


def to_matrix(mode: int, b_bar: Tensor, x: Tensor) -> Tensor:
    """The cotangent of A from that of the right side of op(A) X = B."""
    product = neg(times(b_bar, adjoint(x)))
    if mode == PLAIN:
        return product
    return swapaxes(product, -1, -2) if mode == TRANSPOSED else adjoint(product)


def as_numpy_mode(a: Any, mode: int) -> Any:
    """op(A) as an array."""
    turned = a if mode == PLAIN else a.swapaxes(-1, -2)
    return turned.conj() if mode == ADJOINT else turned


@dataclass(frozen=True, repr=False)
class SolveTriangular(MatrixOp):
    """X with op(A) X = B for triangular A (..., n, n) and B (..., n, k).

    `mode` is 0 for A itself, 1 for its transpose, 2 for its adjoint. Only the triangle that counts
    is read, without the diagonal if that is `unit`.
    """

    lower: bool = True
    mode: int = PLAIN
    unit: bool = False
    routine: ClassVar[str] = "symgraph.backends.routines.factor:solve_triangular"
    failure = (MatrixError, "matrix %0 of the batch is singular: element %1 of its diagonal is 0")

    def settings(self) -> tuple[int, ...]:
        """The flags."""
        return (int(self.lower), self.mode, int(self.unit))

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes of B, leading ones broadcast."""
        a, b = args
        n = unify((square(a, str(self)), b.shape[-2]), f"{self}: rows")
        return (*leading_axes(a.shape, b.shape, str(self)), n, b.shape[-1])

    def reference(self, a: Any, b: Any) -> Any:
        """NumPy's solve with the triangle."""
        whole = np.tril(a) if self.lower else np.triu(a)
        if self.unit:
            whole = whole - whole * np.eye(a.shape[-1], dtype=a.dtype) + np.eye(a.shape[-1])
        return np.linalg.solve(as_numpy_mode(whole.astype(a.dtype), self.mode), b)

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The solution, run-time broadcasting refused."""
        check_leading_axes(node, inputs)
        return super().evaluate(node, inputs)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """To B op(A)^-1' g, to the triangle of A minus that times X'."""
        (a, _), (x,), (g,) = inputs, outputs, output_grads
        matrix, mode = solve_by_mode(a, self.mode)
        to_b = SolveTriangular(self.lower, mode, self.unit)(matrix, g)
        to_a = to_matrix(self.mode, to_b, x)
        part = below(to_a, -int(self.unit)) if self.lower else above(to_a, int(self.unit))
        return [part, to_b]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Both triangles, all modes, a batch, one matrix for many, nothing."""
        a, b = Sample((3, 3), "well"), Sample((3, 2))
        for mode in MODES.values():
            yield Example(cls(True, mode), (a, b))
        yield Example(cls(False, PLAIN), (a, b))
        yield Example(cls(False, TRANSPOSED, True), (Sample((2, 3, 3), "well"), Sample((2, 3, 1))))
        yield Example(cls(True), (Sample((1, 3, 3), "well"), Sample((2, 3, 2))))
        yield Example(cls(True), (Sample((2, 3, 3), "well"), Sample((1, 3, 2))))
        yield Example(cls(True), (Sample((2, 0, 0), "well"), Sample((2, 0, 2))))
        complex_a = Sample((3, 3), "well", "complex128")
        yield Example(cls(True, ADJOINT), (complex_a, Sample((3, 2), dtype="complex128")))


def aligned(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Two batches of matrices of one rank."""
    ndim = max(a.type.ndim, b.type.ndim)
    a, b = (shape_padleft(v, ndim - v.type.ndim) if v.type.ndim < ndim else v for v in (a, b))
    return a, b


def solved(op: Any, a: Any, b: Any, b_ndim: int | None = None) -> Tensor:
    """`op` on A and right sides that are vectors or matrices, as NumPy tells them apart."""
    a, b = as_operands([a, b])
    if b.type.ndim == 0:
        raise GraphTypeError(f"the right side of {op} is a vector or a matrix, not a scalar")
    is_vector = b.type.ndim == 1 if b_ndim is None else b_ndim == 1
    result = op(*aligned(a, column(b) if is_vector else b))
    return vector_of(result) if is_vector else result


def solve_triangular(
    a: Any,
    b: Any,
    *,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    b_ndim: int | None = None,
) -> Tensor:
    """X with A X = B for triangular A (..., n, n); B is a vector (n,) or matrices (..., n, k).

    Parameters
    ----------
    trans
        0 or "N" for A itself, 1 or "T" for its transpose, 2 or "C" for its adjoint.
    lower
        Which triangle is A; the other is not read.
    unit_diagonal
        Whether the diagonal is taken for ones.
    b_ndim
        1 if the last axis of B holds vectors, 2 if the last two hold matrices.

    Raises
    ------
    MatrixError
        If an element of the diagonal is 0 when it runs.

    >>> solve_triangular([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0], lower=True).eval()
    array([1., 2.])
    """
    if trans not in MODES:
        raise GraphTypeError(f"trans is one of 0, 1, 2, 'N', 'T', 'C', not {trans!r}")
    return solved(SolveTriangular(lower, MODES[trans], unit_diagonal), a, b, b_ndim)


def solve_lower_triangular(a: Any, b: Any, **options: Any) -> Tensor:
    """`solve_triangular` with the lower triangle of A.

    >>> solve_lower_triangular([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0]).eval()
    array([1., 2.])
    """
    return solve_triangular(a, b, lower=True, **options)


def solve_upper_triangular(a: Any, b: Any, **options: Any) -> Tensor:
    """`solve_triangular` with the upper triangle of A.

    >>> solve_upper_triangular([[2.0, 1.0], [0.0, 1.0]], [4.0, 2.0]).eval()
    array([1., 2.])
    """
    return solve_triangular(a, b, lower=False, **options)


@dataclass(frozen=True, repr=False)
class Cholesky(MatrixOp):
    """The lower triangular L with L L' = A, of the lower triangle of A (..., n, n).

    A matrix that is not positive definite is an error, or gives NaN if `silent`.
    """

    silent: bool = False
    routine: ClassVar[str] = "symgraph.backends.routines.factor:cholesky"
    failure = (
        MatrixError,
        "matrix %0 of the batch is not positive definite, as its leading minor of order %1 shows",
    )

    def settings(self) -> tuple[int, ...]:
        """The flag."""
        return (int(self.silent),)

    def out_shape(self, *args: Arg) -> Dims:
        """The operand's, square."""
        n = square(args[0], str(self))
        return (*args[0].shape[:-2], n, n)

    def reference(self, a: Any) -> Any:
        """NumPy's cholesky."""
        if not self.silent:
            return np.linalg.cholesky(a)
        out = np.empty_like(a)
        for index in np.ndindex(a.shape[:-2]):
            try:
                out[index] = np.linalg.cholesky(a[index])
            except np.linalg.LinAlgError:
                out[index] = np.nan
        return out

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """To the lower triangle S + S' with S = L^-1' half(L' g) L^-1, the diagonal once.

        half() keeps the lower triangle and halves the diagonal (Murray, equation 10).
        """
        (L,), (g,) = outputs, output_grads
        inner = halved(times(adjoint(L), below(g)))
        back = SolveTriangular(True, ADJOINT)
        s = adjoint(back(L, adjoint(back(L, inner))))
        return [halved(add(s, adjoint(s)))]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One, a batch, none, a complex one, single precision."""
        for shape in ((3, 3), (2, 2, 2), (0, 0), (0, 2, 2)):
            yield Example(cls(), (Sample(shape, "definite"),))
        yield Example(cls(), (Sample((3, 3), "definite", "complex128"),))
        yield Example(cls(), (Sample((3, 3), "definite", "float32"),))
        yield Example(cls(True), (Sample((2, 3, 3), "definite"),))


def cholesky(x: Any, lower: bool = True, on_error: str = "raise") -> Tensor:
    """The triangular L with L L' = x, or U with U' U = x, of positive definite x (..., n, n).

    Parameters
    ----------
    lower
        Whether L is wanted; it is made of the lower triangle of x, U of the upper one.
    on_error
        "raise" an error for a matrix that is not positive definite, or give "nan".

    Returns
    -------
    tensor
        Of the shape and dtype of x (integers give float64). Its gradient is that by the triangle
        that is read.

    Raises
    ------
    MatrixError
        If a matrix is not positive definite when it runs.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]]).eval()
    array([[2., 0.],
           [1., 2.]])
    """
    if on_error not in ("raise", "nan"):
        raise GraphTypeError(f"cholesky: on_error is 'raise' or 'nan', not {on_error!r}")
    (x,) = as_operands([x])
    op = Cholesky(on_error == "nan")
    return op(x) if lower else adjoint(op(adjoint(x)))


def cho_solve(c_and_lower: Any, b: Any, *, b_ndim: int | None = None) -> Tensor:
    """X with A X = B from Cholesky's factor of A: a pair of it and of whether it is lower.

    >>> cho_solve((cholesky([[4.0, 2.0], [2.0, 5.0]]), True), [8.0, 12.0]).eval()
    array([1., 2.])
    """
    factor, lower = c_and_lower
    first, second = (0, 2) if lower else (2, 0)
    middle = solve_triangular(factor, b, trans=first, lower=lower, b_ndim=b_ndim)
    return solve_triangular(factor, middle, trans=second, lower=lower, b_ndim=b_ndim)
