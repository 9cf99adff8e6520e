"""LU factors, and what is made of them: solutions, inverses, determinants.

An op that works from the factors is given the matrix as well, which its routine does not read: so
its gradient is that of the solution or the determinant (M. Giles, "Collected matrix derivative
results", 2008), and not one taken through the elimination.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GradientError, GraphTypeError, MatrixError
from symgraph.families import Example, Sample
from symgraph.graph import Apply
from symgraph.ops.arith import add, minimum, mul, neg
from symgraph.ops.cast import cast, complex, conjugate, imag, real_of
from symgraph.ops.compare import eq
from symgraph.ops.create import arange, eye
from symgraph.ops.extrema import argmax
from symgraph.ops.index import subtensor
from symgraph.ops.linalg import check_leading_axes, leading_axes
from symgraph.ops.matrices import (
    MatrixOp,
    adjoint,
    floating_matrices,
    for_each_case,
    square,
    times,
)
from symgraph.ops.shape import expand_dims, shape_i, shape_padleft, swapaxes
from symgraph.ops.triangular import (
    ADJOINT,
    PLAIN,
    TRANSPOSED,
    SolveTriangular,
    above,
    aligned,
    as_numpy_mode,
    below,
    cho_solve,
    cholesky,
    solve_triangular,
    solved,
    to_matrix,
)
from symgraph.types import COMPLEX, Arg, Dims, Tensor, Tensors, as_operands, smaller, unify

__all__ = [
    "det",
    "inv",
    "logdet",
    "lu",
    "lu_factor",
    "lu_solve",
    "matrix_inverse",
    "slogdet",
    "solve",
    "solve_symmetric",
]

KINDS = ("gen", "general", "sym", "symmetric", "her", "hermitian", "pos", "positive definite")


@dataclass(frozen=True, repr=False)
class LUFactor(MatrixOp):
    """A[p] = L U of A (..., m, n): both factors in one matrix, and exchanges of rows that make p.

    L is unit lower triangular, its ones are not stored. `pivots` (int32) holds for each row, from
    the first on, the row it was exchanged for: the largest of its column below.
    """

    routine: ClassVar[str] = "symgraph.backends.routines.factor:lu_factor"

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The operand's, and int32."""
        return (dtypes[0], "int32")

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """The operand's, and as many pivots as there are rows or columns."""
        (a,) = args
        return (a.shape, (*a.shape[:-2], smaller(a.shape[-2], a.shape[-1])))

    def reference(self, a: Any) -> Any:
        """Gaussian elimination, row by row."""
        return for_each_case(_eliminated, a)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """A^-1' U' (below(L' g) + above(g U')) U^-1' of square matrices."""
        (a,), (lu, pivots), (g, _) = inputs, outputs, output_grads
        if a.type.shape[-2] != a.type.shape[-1] and None not in a.type.shape[-2:]:
            raise GradientError(f"the gradient of LU is known of square matrices, not of {a.type}")
        L = add(below(lu, -1), eye(shape_i(a, -1), dtype=a.type.dtype))
        U = above(lu)
        middle = add(below(times(adjoint(L), below(g, -1)), -1), above(times(above(g), adjoint(U))))
        right = adjoint(SolveTriangular(False, PLAIN)(U, adjoint(middle)))
        return [LUSolve(ADJOINT)(lu, pivots, times(adjoint(U), right), a)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Square ones in every dtype, a batch, wide and tall ones, none."""
        for dtype in ("float64", "float32", "complex128"):
            yield Example(cls(), (Sample((3, 3), "well", dtype),))
        yield Example(cls(), (Sample((2, 3, 3), "well"),))
        yield Example(cls(), (Sample((2, 4), differentiable=False),))
        yield Example(cls(), (Sample((2, 4, 2), differentiable=False),))
        yield Example(cls(), (Sample((0, 3, 3), "well"),))


def _eliminated(a: Any) -> tuple[Any, Any]:
    """The factors of one matrix; a column's largest element is found by LAPACK's measure."""
    lu, count = a.copy(), min(a.shape)
    pivots = np.zeros(count, np.int32)
    for k in range(count):
        pivots[k] = k + np.argmax(abs(lu[k:, k].real) + abs(lu[k:, k].imag))
        lu[[k, pivots[k]]] = lu[[pivots[k], k]]
        if lu[k, k] != 0:
            lu[k + 1 :, k] /= lu[k, k]
        lu[k + 1 :, k + 1 :] -= np.outer(lu[k + 1 :, k], lu[k, k + 1 :])
    return lu, pivots


class _FromFactors(MatrixOp):
    """Ops on the factors of a matrix, which is their last input."""

    def prepare(self, *inputs: Any) -> Tensors:
        """All but the pivots of one dtype."""
        lu, pivots, *others = as_operands(inputs)
        lu, *others = super().prepare(lu, *others)
        return [lu, pivots, *others]


@dataclass(frozen=True, repr=False)
class LUSolve(_FromFactors):
    """X with op(A) X = B from the factors of A (..., n, n); inputs: factors, pivots, B, A.

    `mode` is 0 for A itself, 1 for its transpose, 2 for its adjoint.
    """

    mode: int = PLAIN
    routine: ClassVar[str] = "symgraph.backends.routines.factor:lu_solve"
    reads: ClassVar[int | None] = 3
    failure = (MatrixError, "matrix %0 of the batch is singular")

    def settings(self) -> tuple[int, ...]:
        """The mode."""
        return (self.mode,)

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes of B, leading ones broadcast."""
        lu, _, b, a = args
        n = unify((square(lu, str(self)), square(a, str(self)), b.shape[-2]), f"{self}: rows")
        return (*leading_axes(lu.shape, b.shape, str(self)), n, b.shape[-1])

    def reference(self, lu: Any, pivots: Any, b: Any, a: Any) -> Any:
        """NumPy's solve."""
        return np.linalg.solve(as_numpy_mode(a, self.mode), b)

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The solution, run-time broadcasting refused."""
        check_leading_axes(node, inputs, (0, 2))
        return super().evaluate(node, inputs)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """To B op(A)^-1' g, to A minus that times X'."""
        (lu, pivots, _, a), (x,), (g,) = inputs, outputs, output_grads
        if self.mode == TRANSPOSED:
            to_b = conjugate(LUSolve(PLAIN)(lu, pivots, conjugate(g), a))
        else:
            to_b = LUSolve(ADJOINT if self.mode == PLAIN else PLAIN)(lu, pivots, g, a)
        return [None, None, to_b, to_matrix(self.mode, to_b, x)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """All modes, batches, one matrix for many right sides, nothing, complex numbers."""
        a, b = Sample((3, 3), "well"), Sample((3, 2))
        for mode in (PLAIN, TRANSPOSED, ADJOINT):
            yield Example(_solver(mode), (a, b))
        yield Example(_solver(PLAIN), (Sample((2, 3, 3), "well"), Sample((2, 3, 1))))
        yield Example(_solver(ADJOINT), (Sample((1, 3, 3), "well"), Sample((2, 3, 2))))
        yield Example(_solver(PLAIN), (Sample((2, 3, 3), "well"), Sample((1, 3, 2))))
        yield Example(_solver(PLAIN), (Sample((0, 0), "well"), Sample((0, 2))))
        complex_a = Sample((3, 3), "well", "complex128")
        yield Example(_solver(TRANSPOSED), (complex_a, Sample((3, 2), dtype="complex128")))
        single = (Sample((3, 3), "well", "float32"), Sample((3, 2), dtype="float32"))
        yield Example(_solver(PLAIN), single)


def _solver(mode: int) -> Any:
    """The solution of op(A) X = B as a function of A and B of one rank."""
    return lambda a, b: LUSolve(mode)(*LUFactor()(a), b, a)


def _inverse_adjoint(lu: Tensor, pivots: Tensor, a: Tensor) -> Tensor:
    return LUSolve(ADJOINT)(lu, pivots, _ones_on_diagonal(a), a)


def _ones_on_diagonal(a: Tensor) -> Tensor:
    unit = eye(shape_i(a, -1), dtype=a.type.dtype)
    return shape_padleft(unit, a.type.ndim - 2) if a.type.ndim > 2 else unit


@dataclass(frozen=True, repr=False)
class Det(_FromFactors):
    """The determinant from the factors of A (..., n, n); inputs: factors, pivots, A."""

    routine: ClassVar[str] = "symgraph.backends.routines.factor:determinant"
    reads: ClassVar[int | None] = 2

    def out_shape(self, *args: Arg) -> Dims:
        """The leading axes."""
        square(args[2], str(self))
        return args[2].shape[:-2]

    def reference(self, lu: Any, pivots: Any, a: Any) -> Any:
        """NumPy's det."""
        return np.linalg.det(a)

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The determinant times the inverse's adjoint."""
        (lu, pivots, a), (d,), (g,) = inputs, outputs, output_grads
        return [None, None, mul(_spread(mul(g, conjugate(d))), _inverse_adjoint(lu, pivots, a))]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One, a batch, an empty one."""
        for shape in ((3, 3), (2, 3, 3), (0, 0), (0, 2, 2)):
            yield Example(det, (Sample(shape, "well"),))
        yield Example(det, (Sample((3, 3), "well", "complex128"),))


def _spread(x: Tensor) -> Tensor:
    """One number for each matrix of a batch."""
    return expand_dims(x, (-2, -1)) if x.type.ndim else x


@dataclass(frozen=True, repr=False)
class SlogDet(_FromFactors):
    """Sign of the determinant and logarithm of its size; inputs: factors, pivots, A (..., n, n)."""

    routine: ClassVar[str] = "symgraph.backends.routines.factor:sign_and_logarithm"
    reads: ClassVar[int | None] = 2

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The operand's, and a real one."""
        return (dtypes[2], real_of(dtypes[2]))

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """The leading axes."""
        square(args[2], str(self))
        return (args[2].shape[:-2],) * 2

    def reference(self, lu: Any, pivots: Any, a: Any) -> Any:
        """NumPy's slogdet."""
        return tuple(np.linalg.slogdet(a))

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The inverse's adjoint times g; a complex sign turns by the trace's imaginary part."""
        (lu, pivots, a), (sign, _), (to_sign, g) = inputs, outputs, output_grads
        if a.type.dtype in COMPLEX:
            turn = imag(mul(conjugate(to_sign), sign))
            g = complex(g, neg(turn))
        return [None, None, mul(_spread(g), _inverse_adjoint(lu, pivots, a))]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One, a batch, an empty one."""
        for shape in ((3, 3), (2, 3, 3), (0, 0)):
            yield Example(slogdet, (Sample(shape, "well"),))
        yield Example(slogdet, (Sample((3, 3), "well", "complex128"),))


@dataclass(frozen=True, repr=False)
class Permutation(MatrixOp):
    """The order of rows (int64) that pivots bring about; inputs: pivots (..., k), A (..., n, m)."""

    routine: ClassVar[str] = "symgraph.backends.routines.factor:permutation"
    reads: ClassVar[int | None] = 1

    def prepare(self, *inputs: Any) -> Tensors:
        """As they are."""
        return as_operands(inputs)

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """Indices are int64."""
        return ("int64",)

    def out_shape(self, *args: Arg) -> Dims:
        """One index for each row of A."""
        return args[1].shape[:-1]

    def reference(self, pivots: Any, a: Any) -> Any:
        """Exchanged one after the other."""
        order = np.broadcast_to(np.arange(a.shape[-2]), a.shape[:-1]).copy()
        for index in np.ndindex(pivots.shape[:-1]):
            for k, j in enumerate(pivots[index]):
                order[index][[k, j]] = order[index][[j, k]]
        return order

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """An order does not move."""
        return [None, None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """One, a batch, more rows than columns."""
        for shape in ((3, 3), (2, 3, 3), (4, 2)):
            yield Example(
                lambda a: cls()(LUFactor()(a)[1], a), (Sample(shape, differentiable=False),)
            )


# --- what users call ----------------------------------------------------------------------------


def lu_factor(a: Any) -> list[Tensor]:
    """The factors of A (..., m, n) in one matrix, and pivots (int32), as SciPy's lu_factor.

    Row k was exchanged for row `pivots[k]`. The gradient is that of square matrices.

    >>> [v.eval().tolist() for v in lu_factor([[1.0, 2.0], [2.0, 2.0]])]
    [[[2.0, 2.0], [0.5, 1.0]], [1, 1]]
    """
    factors: list[Tensor] = LUFactor()(a)
    return factors


def lu_solve(lu_and_piv: Any, b: Any, trans: int = PLAIN, *, b_ndim: int | None = None) -> Tensor:
    """X with op(A) X = B from what `lu_factor` gives; `trans` is 0, 1 (transpose) or 2 (adjoint).

    >>> lu_solve(lu_factor([[1.0, 2.0], [2.0, 2.0]]), [3.0, 4.0]).eval()
    array([1., 1.])
    """
    lu, pivots = as_operands(lu_and_piv)
    factors = [(lu, {"lower": True, "unit_diagonal": True}), (lu, {"lower": False})]
    exchanges = _exchanges(lu, pivots)

    def solution(_: Tensor, right: Tensor) -> Tensor:
        x = times(exchanges, right) if trans == PLAIN else right
        for factor, options in factors if trans == PLAIN else factors[::-1]:
            x = solve_triangular(factor, x, trans=trans, **options)
        return x if trans == PLAIN else times(swapaxes(exchanges, -1, -2), x)

    return solved(solution, lu, b, b_ndim)


def _exchanges(lu: Tensor, pivots: Tensor) -> Tensor:
    """The matrices P with P A = L U."""
    order = expand_dims(Permutation()(pivots, lu), -1)
    return cast(eq(order, arange(shape_i(lu, -2))), real_of(lu.type.dtype))


def lu(a: Any, permute_l: bool = False, p_indices: bool = False) -> list[Tensor]:
    """P, L, U with A = P L U of A (..., m, n), as SciPy's lu.

    Parameters
    ----------
    permute_l
        Whether P L and U are wanted.
    p_indices
        Whether P is wanted as indices p with A = L[p] U, vectors instead of matrices.

    Returns
    -------
    list
        P (..., m, m), L (..., m, k), U (..., k, n), k the smaller of m and n. The gradient is that
        of square matrices.

    >>> [v.eval().tolist() for v in lu([[1.0, 2.0], [2.0, 2.0]])[1:]]
    [[[1.0, 0.0], [0.5, 1.0]], [[2.0, 2.0], [0.0, 1.0]]]
    """
    (a,) = floating_matrices("lu", [a])
    packed, pivots = LUFactor()(a)
    m, n = shape_i(a, -2), shape_i(a, -1)
    least = minimum(m, n)
    unit = eye(m, least, dtype=a.type.dtype)
    L = add(below(subtensor(packed, (Ellipsis, slice(None), slice(None, least))), -1), unit)
    U = above(subtensor(packed, (Ellipsis, slice(None, least), slice(None))))
    P = swapaxes(_exchanges(packed, pivots), -1, -2)
    if permute_l:
        return [times(P, L), U]
    return [argmax(P, axis=-1) if p_indices else P, L, U]


def solve(
    a: Any,
    b: Any,
    assume_a: str = "gen",
    lower: bool = False,
    *,
    transposed: bool = False,
    b_ndim: int | None = None,
) -> Tensor:
    """X with A X = B for A (..., n, n); B is a vector (n,) or matrices (..., n, k).

    Parameters
    ----------
    assume_a
        What is known of A: "gen" nothing, "sym" symmetric, "her" Hermitian, "pos" positive
        definite. Of the last three only one triangle is read; "pos" goes by Cholesky's factor.
    lower
        Which triangle that is.
    transposed
        Whether A' X = B is meant.
    b_ndim
        1 if the last axis of B holds vectors, 2 if the last two hold matrices.

    Returns
    -------
    tensor
        Of the sizes of B, leading axes broadcast, in the promoted floating dtype.

    Raises
    ------
    MatrixError
        If a matrix is singular, or not positive definite, when it runs.
    ShapeError
        If sizes do not fit.

    >>> solve([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0]).eval()
    array([1., 2.])
    """
    if assume_a not in KINDS:
        raise GraphTypeError(f"solve: assume_a is one of {', '.join(KINDS)}, not {assume_a!r}")
    a, b = as_operands([a, b])
    if assume_a.startswith("pos"):
        factor = cholesky(a if not transposed else swapaxes(a, -1, -2), lower=lower)
        return cho_solve((factor, lower), b, b_ndim=b_ndim)
    if not assume_a.startswith("gen"):
        a = _mirrored(a, lower, assume_a.startswith("her"))

    def solution(left: Tensor, right: Tensor) -> Tensor:
        ndim = max(left.type.ndim, right.type.ndim)
        factors, pivots = LUFactor()(left)
        pivots = shape_padleft(pivots, ndim - left.type.ndim) if left.type.ndim < ndim else pivots
        (factors, _), (left, right) = aligned(factors, right), aligned(left, right)
        return LUSolve(TRANSPOSED if transposed else PLAIN)(factors, pivots, right, left)

    return solved(solution, a, b, b_ndim)


def _mirrored(a: Tensor, lower: bool, conjugates: bool) -> Tensor:
    """The matrices of which one triangle is given."""
    turned = adjoint(a) if conjugates else swapaxes(a, -1, -2)
    strict = below(turned, -1) if not lower else above(turned, 1)
    return add(above(a) if not lower else below(a), strict)


def solve_symmetric(a: Any, b: Any, lower: bool = False, b_ndim: int | None = None) -> Tensor:
    """`solve` with a symmetric A, of which one triangle is read.

    >>> solve_symmetric([[2.0, 1.0], [0.0, 1.0]], [3.0, 2.0]).eval()
    array([1., 1.])
    """
    return solve(a, b, "sym", lower, b_ndim=b_ndim)


def inv(a: Any) -> Tensor:
    """The inverse of A (..., n, n). To multiply by it, `solve` is faster and more exact.

    Raises `MatrixError` if a matrix is singular when it runs.

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).eval()
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    (a,) = floating_matrices("inv", [a])
    inverse: Tensor = LUSolve(PLAIN)(*LUFactor()(a), _ones_on_diagonal(a), a)
    return inverse


matrix_inverse = inv


def det(a: Any) -> Tensor:
    """The determinant of A (..., n, n).

    It overflows soon as n grows; `slogdet` does not. The gradient divides by it.

    >>> det([[2.0, 1.0], [0.0, 3.0]]).eval()
    array(6.)
    """
    (a,) = floating_matrices("det", [a])
    result: Tensor = Det()(*LUFactor()(a), a)
    return result


def slogdet(a: Any) -> list[Tensor]:
    """The sign of the determinant of A (..., n, n), and the logarithm of its size.

    Of a singular matrix they are 0 and -inf. A complex "sign" is a number of modulus 1.

    >>> [v.eval().item() for v in slogdet([[1.0, 0.0], [0.0, -1.0]])]
    [-1.0, 0.0]
    """
    (a,) = floating_matrices("slogdet", [a])
    results: list[Tensor] = SlogDet()(*LUFactor()(a), a)
    return results


def logdet(a: Any) -> Tensor:
    """The logarithm of the size of the determinant of A (..., n, n).

    >>> logdet([[1.0, 0.0], [0.0, -1.0]]).eval()
    array(0.)
    """
    return slogdet(a)[1]
