"""`T.linalg`: linear algebra under the names of numpy.linalg and of Theano's nlinalg and slinalg.

`T.nlinalg` and `T.slinalg` are this module too. Everything works on matrices over the last two axes
for every index of the leading ones. Names in capitals are Theano's ops: called, they give the
function, so that `MatrixInverse()(x)` reads as it did.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from symgraph.errors import MatrixError
from symgraph.ops.blocks import block_diag, tensorinv, tensorsolve
from symgraph.ops.diagonals import diag, diagonal, extract_diag, trace
from symgraph.ops.exponential import expm
from symgraph.ops.linalg import matmul, outer, tensordot
from symgraph.ops.matrices import adjoint
from symgraph.ops.matrix import kron, matrix_dot, matrix_power, vecdot
from symgraph.ops.norms import cond, matrix_norm, norm, vector_norm
from symgraph.ops.orthogonal import qr
from symgraph.ops.pseudo_inverse import lstsq, matrix_rank, pinv
from symgraph.ops.solve import (
    det,
    inv,
    logdet,
    lu,
    lu_factor,
    lu_solve,
    matrix_inverse,
    slogdet,
    solve,
    solve_symmetric,
)
from symgraph.ops.spectral import eig, eigh, eigvals, eigvalsh, svd, svdvals
from symgraph.ops.triangular import (
    cho_solve,
    cholesky,
    solve_lower_triangular,
    solve_triangular,
    solve_upper_triangular,
)

LinAlgError = MatrixError
alloc_diag = diag
multi_dot = matrix_dot


def _named_as_op(function: Callable[..., Any]) -> Callable[..., Callable[..., Any]]:
    """The class of a Theano op: called with settings, it gives a function of tensors."""
    return lambda **settings: partial(function, **settings)


AllocDiag = _named_as_op(diag)
Cholesky = _named_as_op(cholesky)
Det = _named_as_op(det)
Eig = _named_as_op(eig)
Eigh = _named_as_op(eigh)
Eigvalsh = _named_as_op(eigvalsh)
Expm = _named_as_op(expm)
ExtractDiag = _named_as_op(extract_diag)
MatrixInverse = _named_as_op(inv)
MatrixPinv = _named_as_op(pinv)
SVD = _named_as_op(svd)
Solve = _named_as_op(solve)

__all__ = [
    "SVD",
    "AllocDiag",
    "Cholesky",
    "Det",
    "Eig",
    "Eigh",
    "Eigvalsh",
    "Expm",
    "ExtractDiag",
    "LinAlgError",
    "MatrixInverse",
    "MatrixPinv",
    "Solve",
    "adjoint",
    "alloc_diag",
    "block_diag",
    "cho_solve",
    "cholesky",
    "cond",
    "det",
    "diag",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "extract_diag",
    "inv",
    "kron",
    "logdet",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "matmul",
    "matrix_dot",
    "matrix_inverse",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_lower_triangular",
    "solve_symmetric",
    "solve_triangular",
    "solve_upper_triangular",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]
