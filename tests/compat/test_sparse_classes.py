"""Theano's classes of sparse ops, made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import symgraph.compat.theano as theano
import symgraph.compat.theano.tensor as T
from symgraph.compat.theano import sparse
from symgraph.compat.theano.sparse import basic
from symgraph.errors import ShapeError

A = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
B = np.array([[0.0, 4.0, 2.0], [0.0, 1.0, 5.0]])


def test_classes_compute_what_their_functions_do() -> None:
    a, b = sparse.csr_dmatrix("a"), sparse.csc_dmatrix("b")
    x, v = T.dmatrix("x"), T.dvector("v")
    data, indices, indptr, shape = sparse.CSMProperties()(a)
    pairs = [
        (sparse.AddSS()(a, a), 2 * A),
        (sparse.add_s_s(a, a), 2 * A),
        (sparse.AddSD()(a, x), A + B),
        (sparse.MulSD()(a, x), A * B),
        (sparse.mul_s_d(a, x), A * B),
        (sparse.MulSV()(a, v), A * [1.0, 2.0, 3.0]),
        (sparse.GreaterThanSD()(a, x), A > B),
        (sparse.Transpose()(a), A.T),
        (sparse.Neg()(a), -A),
        (sparse.Dot()(a, x.T), A @ B.T),
        (sparse.StructuredDot()(a, x.T), A @ B.T),
        (sparse.TrueDot(grad_preserves_dense=False)(a, sparse.transpose(a)), A @ A.T),
        (sparse.Usmm()(2.0, a, x.T, T.constant(np.ones((2, 2)))), 1 + 2 * A @ B.T),
        (sparse.Remove0(inplace=True)(a), A),
        (sparse.DenseFromSparse()(b), B),
        (sparse.SparseFromDense("csc")(x), B),
        (sparse.Cast("float32")(a), A),
        (sparse.fcast(a), A),
        (sparse.HStack("csr", "float64")(a, a), np.hstack([A, A])),
        (sparse.VStack("csr", "float64")(a, a), np.vstack([A, A])),
        (sparse.SpSum(axis=0)(a), A.sum(0)),
        (sparse.GetItemList()(a, [1, 0]), A[[1, 0]]),
        (sparse.GetItemScalar()(a, (0, 2)), A[0, 2]),
        (sparse.CSR(data, indices, indptr, shape), A),
        (sparse.CSM("csc")(*sparse.csm_properties(b)), B),
    ]
    f = theano.function([a, b, x, v], [variable for variable, _ in pairs])
    found = f(scipy.sparse.csr_matrix(A), scipy.sparse.csc_matrix(B), B, [1.0, 2.0, 3.0])
    for number, (value, (_, want)) in enumerate(zip(found, pairs, strict=True)):
        dense = value.toarray() if scipy.sparse.issparse(value) else value
        np.testing.assert_allclose(dense, want, err_msg=str(number))


def test_settings_of_theanos_do_not_make_them_differ() -> None:
    assert sparse.Remove0(inplace=True) == sparse.Remove0() != sparse.Neg()
    assert hash(sparse.Remove0(inplace=True)) == hash(sparse.Remove0())
    assert sparse.CSM("csr") == sparse.CSR != sparse.CSC


def test_what_is_sparse_and_what_dense() -> None:
    matrix, x = scipy.sparse.csr_matrix(A), T.dmatrix("x")
    assert sparse.as_sparse_or_tensor_variable(matrix).type == sparse.csr_dmatrix
    assert sparse.as_sparse_or_tensor_variable(A).type == T.constant(A).type
    assert basic._is_sparse_variable(sparse.constant(matrix))
    assert basic._is_dense_variable(x)
    assert basic._is_sparse(matrix)
    assert basic._is_dense(A)
    for wrong in (basic._is_sparse, basic._is_dense, basic._is_sparse_variable):
        with pytest.raises(TypeError, match="neither"):
            wrong("a")


def test_theano_dot_takes_sparse_matrices() -> None:
    a, b, x = sparse.csr_dmatrix("a"), sparse.csc_dmatrix("b"), T.dmatrix("x")
    products = [theano.dot(a, x), theano.dot(x, a), theano.dot(a, b), theano.dot(x, x)]
    f = theano.function([a, b, x], [*products[:2], sparse.dense_from_sparse(products[2])])
    square, middle = A[:, :2], B.T @ B @ B.T
    left, right, both = f(scipy.sparse.csr_matrix(A), scipy.sparse.csc_matrix(B.T), middle)
    np.testing.assert_allclose(left, A @ middle)
    np.testing.assert_allclose(right, middle @ A)
    np.testing.assert_allclose(both, A @ B.T)
    np.testing.assert_allclose(products[3].eval({x: square}), square @ square)


def test_the_shape_of_a_made_matrix_may_be_an_input() -> None:
    data, indices, indptr, shape = T.dvector(), T.ivector(), T.ivector(), T.ivector("shape")
    f = theano.function([data, indices, indptr, shape],
                        sparse.CSM("csr")(data, indices, indptr, shape))  # fmt: skip
    given = scipy.sparse.csr_matrix(A)
    made = f(given.data, given.indices, given.indptr, np.array(A.shape, "int32"))
    np.testing.assert_array_equal(made.toarray(), A)
    with pytest.raises(ShapeError):
        f(given.data, given.indices, given.indptr, np.array([2, 3, 1], "int32"))
