"""Sparse matrices against SciPy: values, gradients, formats, borders of functions."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse as sp

import symgraph as sg
import symgraph.sparse as sparse
import symgraph.tensor as T
from symgraph.sparse import SparseTensorType

RNG = np.random.default_rng(5)


def random_matrix(rows: int, columns: int, density: float = 0.4):
    return sp.random(rows, columns, density, format="csr", rng=RNG) * 4


A = random_matrix(5, 4)
B = random_matrix(5, 4)
SQUARE = random_matrix(4, 4, 0.6)
D = RNG.normal(size=(5, 4))
M = RNG.normal(size=(4, 3))
V = RNG.normal(size=4)
W = RNG.normal(size=5)
EMPTY = sp.csr_matrix((5, 4))


def dense(value):
    """A result as an array, whatever it is."""
    return value.toarray() if sp.issparse(value) else np.asarray(value)


def check(function, *values, expected, native=False):
    """What a function of variables gives for values is as expected, in both formats.

    The parts are dense ops with tests of their own, so most of it is only interpreted.
    """
    inputs, arguments, outputs = [], [], []
    for format in ("csr", "csc"):
        own = []
        for value in values:
            if sp.issparse(value):
                var = SparseTensorType(format, str(value.dtype))()
                value = value.asformat(format)
            else:
                var = T.TensorType(str(np.asarray(value).dtype), [None] * np.ndim(value))()
            own.append(var)
            arguments.append(value)
        inputs += own
        outputs.append(function(*own))
    for mode in ("interpret", "fast_run") if native else ("interpret",):
        for result in sg.function(inputs, outputs, mode=mode)(*arguments):
            np.testing.assert_allclose(dense(result), dense(expected), rtol=1e-10, atol=1e-12)
            if sp.issparse(result):
                assert result.has_sorted_indices


UNARY = {
    "neg": lambda m: -m,
    "sqr": lambda m: m.multiply(m),
    "sqrt": lambda m: m.sqrt(),
    "sin": lambda m: m.sin(),
    "tan": lambda m: m.tan(),
    "sinh": lambda m: m.sinh(),
    "tanh": lambda m: m.tanh(),
    "arcsinh": lambda m: m.arcsinh(),
    "arctan": lambda m: m.arctan(),
    "log1p": lambda m: m.log1p(),
    "expm1": lambda m: m.expm1(),
    "sgn": lambda m: m.sign(),
    "ceil": lambda m: m.ceil(),
    "floor": lambda m: m.floor(),
    "trunc": lambda m: m.trunc(),
    "rint": lambda m: m.rint(),
    "deg2rad": lambda m: m.deg2rad(),
    "rad2deg": lambda m: m.rad2deg(),
    "conj": lambda m: m.conj(),
}


def test_functions_of_entries() -> None:
    x = sparse.csr_matrix("x", dtype="float64")
    small = sparse.csc_matrix("small", dtype="float64")
    outputs = [getattr(sparse, name)(x) for name in UNARY]
    outputs += [sparse.arcsin(small), sparse.arctanh(small)]
    f = sg.function([x, small], outputs, mode="interpret")
    *found, first, second = f(A, A.tocsc() / 5)
    for name, result in zip(UNARY, found, strict=True):
        np.testing.assert_allclose(dense(result), dense(UNARY[name](A)), rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(dense(first), np.arcsin(A.toarray() / 5))
    np.testing.assert_allclose(dense(second), np.arctanh(A.toarray() / 5))


STRUCTURED = {
    "sigmoid": (lambda d: 1 / (1 + np.exp(-d)), ()),
    "exp": (np.exp, ()),
    "log": (np.log, ()),
    "pow": (lambda d: d**2.5, (2.5,)),
    "minimum": (lambda d: np.minimum(d, 1.5), (1.5,)),
    "maximum": (lambda d: np.maximum(d, 1.5), (1.5,)),
    "add": (lambda d: d + 1.5, (1.5,)),
}


def test_structured_functions_leave_absent_entries_alone() -> None:
    x = sparse.csr_matrix("x", dtype="float64")
    outputs = [getattr(sparse, f"structured_{n}")(x, *rest) for n, (_, rest) in STRUCTURED.items()]
    costs = [sparse.sp_sum(out) for out in outputs]
    slopes = T.grad(sum(costs), x)
    *found, g = sg.function([x], [*outputs, slopes])(A)
    for result, (function, _) in zip(found, STRUCTURED.values(), strict=True):
        np.testing.assert_allclose(result.data, function(A.data), rtol=1e-12)
        np.testing.assert_array_equal(result.indices, A.indices)
    moved = [f(A.data + s * 1e-6).sum() for f, _ in STRUCTURED.values() for s in (1, -1)]
    assert g.data.sum() == pytest.approx(sum(moved[::2]) / 2e-6 - sum(moved[1::2]) / 2e-6, rel=1e-6)
    np.testing.assert_array_equal(g.indices, A.indices)


BINARY = [
    ("add", lambda a, b: sparse.add(a, b), (A, B), A + B),
    ("add one", lambda a: a + a, (A,), 2 * A),
    ("sub", lambda a, b: a - b, (A, B), A - B),
    ("mul", lambda a, b: a * b, (A, B), A.multiply(B)),
    ("mul empty", lambda a, b: a * b, (A, EMPTY), EMPTY),
    ("add dense", lambda a, d: a + d, (A, D), A.toarray() + D),
    ("dense sub", lambda a, d: sparse.sub(d, a), (A, D), D - A.toarray()),
    ("sub dense", lambda a, d: a - d, (A, D), A.toarray() - D),
    ("mul dense", lambda a, d: sparse.mul(d, a), (A, D), A.toarray() * D),
    ("scalar", lambda a: 2.0 * a / 4.0, (A,), A / 2),
    ("mul_s_v", sparse.mul_s_v, (A, V), A.toarray() * V),
    ("eq", lambda a, b: sparse.eq(a, b), (A, A), np.ones((5, 4), bool)),
    ("neq", lambda a, b: sparse.neq(a, b), (A, B), A.toarray() != B.toarray()),
    ("lt", lambda a, b: a < b, (A, B), A.toarray() < B.toarray()),
    ("le", lambda a, b: a <= b, (A, B), A.toarray() <= B.toarray()),
    ("gt dense", lambda a, d: a > d, (A, D), A.toarray() > D),
    ("ge dense", lambda a, d: a >= d, (A, D), A.toarray() >= D),
    ("dot", lambda a, m: a.dot(m), (A, M), A @ M),
    ("dot vector", sparse.dot, (A, V), A @ V),
    ("dense dot", lambda m, a: sparse.dot(m, a), (M.T, A.T.tocsr()), M.T @ A.T.toarray()),
    ("dot sparse", lambda a, b: sparse.dot(a, b.T), (A, B), A.toarray() @ B.toarray().T),
    ("structured_dot", sparse.structured_dot, (A, M), A @ M),
    ("true_dot", lambda a, b: a @ b.T, (A, B), A @ B.T),
    ("true_dot empty", lambda a, b: sparse.true_dot(a, b.T), (A, EMPTY), A @ EMPTY.T),
    ("sampling_dot", lambda p, x, y: sparse.sampling_dot(x, y, p), (A, D, np.eye(4)),
     A.multiply(D @ np.eye(4))),
    ("usmm", lambda a, m, z: sparse.usmm(0.5, a, m, z), (A, M, D[:, :3]), 0.5 * (A @ M) + D[:, :3]),
    ("row_scale", sparse.row_scale, (A, W), sp.diags(W) @ A),
    ("col_scale", sparse.col_scale, (A, V), A @ sp.diags(V)),
    ("sum", lambda a: a.sum(), (A,), A.sum()),
    ("sum 0", lambda a: a.sum(axis=0), (A,), np.asarray(A.sum(0))[0]),
    ("sum 1", lambda a: a.sum(axis=1), (A,), np.asarray(A.sum(1))[:, 0]),
    ("diag", sparse.diag, (SQUARE,), SQUARE.diagonal()),
    ("square_diagonal", lambda v: sparse.square_diagonal(v), (V,), np.diag(V)),
    ("hstack", lambda a, b: sparse.hstack([a, b]), (A, B), sp.hstack([A, B])),
    ("vstack", lambda a, b: sparse.vstack([a, b, a]), (A, B), sp.vstack([A, B, A])),
    ("transpose", lambda a: a.T, (A,), A.T),
    ("to dense", lambda a: a.toarray(), (A,), A.toarray()),
    ("csr_from_dense", lambda d: sparse.csr_from_dense(T.maximum(d, 0)), (D,), np.maximum(D, 0)),
    ("csc_from_dense", lambda d: sparse.csc_from_dense(T.maximum(d, 0)), (D,), np.maximum(D, 0)),
    ("to csc", lambda a: sparse.to_format(a, "csc"), (A,), A),
    ("remove0", lambda a: sparse.remove0(sparse.structured_maximum(a, 2.0) - 2.0 * a.ones_like()),
     (A,), A.toarray() * 0 + np.maximum(A.toarray() - 2, 0)),
    ("zeros", sparse.sp_zeros_like, (A,), EMPTY),
    ("ones", lambda a: a.ones_like(), (A,), A != 0),
    ("list", lambda d, v: sparse.construct_sparse_from_list(d, v, np.array([3, 0])), (D, D[:2]),
     np.array([D[1], 0 * V, 0 * V, D[0], 0 * V])),
    ("rows", lambda a: a[np.array([3, 3, 0, -1])], (A,), A[[3, 3, 0, -1]]),
    ("slices", lambda a: a[1:4, ::2], (A,), A[1:4, ::2]),
    ("backwards", lambda a: a[::-1, -3:], (A,), A[::-1, -3:]),
    ("one row", lambda a: a[2, :], (A,), A[2]),
    ("row range", lambda a: a[:2], (A,), A[:2]),
    ("pairs", lambda a: a[np.array([0, 4, -1]), np.array([1, 3, 0])], (A,),
     A.toarray()[[0, 4, -1], [1, 3, 0]]),
    ("element", lambda a: a[1, -1] + a[0, 0], (A,), A[1, 3] + A[0, 0]),
    ("astype", lambda a: a.astype("float32").astype("float64"), (A,), A.astype("f4").astype("f8")),
]  # fmt: skip


NATIVE = {"add", "mul", "dot", "true_dot", "sampling_dot", "slices", "pairs", "to csc"}


@pytest.mark.parametrize("case", BINARY, ids=[b[0] for b in BINARY])
def test_values(case) -> None:
    name, function, values, expected = case
    check(function, *values, expected=expected, native=name in NATIVE)


DIFFERENTIABLE = {
    "dot": (lambda a, m: a.dot(m), (A, M)),
    "vector": (lambda a, v: sparse.dot(a, v), (A, V)),
    "true_dot": (lambda a, b: (a @ b.T).toarray(), (A, B)),
    "sampling": (lambda p, x, y: sparse.sampling_dot(x, y, p).toarray(), (A, D, M @ M.T)),
    "add": (lambda a, b: (a + b).toarray(), (A, B)),
    "mul": (lambda a, b: (a * b).toarray(), (A, B)),
    "mul dense": (lambda a, d: (a * d).toarray(), (A, D)),
    "add dense": (lambda a, d: (a + d), (A, D)),
    "scaled": (lambda a, v, w: sparse.row_scale(sparse.col_scale(a, v), w).toarray(), (A, V, W)),
    "sum": (lambda a: a.sum(axis=0), (A,)),
    "diag": (lambda a: sparse.diag(a), (SQUARE,)),
    "stack": (lambda a, b: sparse.vstack([sparse.hstack([a, b]), sparse.hstack([b, a])]).toarray(),
              (A, B)),
    "items": (lambda a: (a[::-2, 1:].toarray() * a[np.array([0, 1, 0])][:, 1:].toarray()), (A,)),
    "pairs": (lambda a: a[np.array([0, 0, 3]), np.array([1, 1, 2])], (A,)),
    "dense": (lambda d: sparse.csr_from_dense(d).toarray(), (D,)),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients(name: str) -> None:
    """Against differences of the interpreted cost, entry by stored entry."""
    function, values = DIFFERENTIABLE[name]
    inputs = [
        SparseTensorType("csr", "float64")()
        if sp.issparse(v)
        else T.TensorType("float64", [None] * v.ndim)()
        for v in values
    ]
    cost = T.sqr(T.sin(function(*inputs))).sum()
    gradients = T.grad(cost, inputs)
    value = sg.function(inputs, cost, on_unused_input="ignore", mode="interpret")
    mode = "fast_run" if name in NATIVE else "interpret"
    found = sg.function(inputs, gradients, on_unused_input="ignore", mode=mode)(*values)
    for k, g in enumerate(found):
        flat = values[k].data if sp.issparse(values[k]) else values[k].reshape(-1)
        if sp.issparse(g):
            np.testing.assert_array_equal(g.indices, values[k].indices)
        slopes = g.data if sp.issparse(g) else g.reshape(-1)
        for place in range(0, len(flat), 3):
            kept, costs = flat[place], []
            for step in (1e-6, -1e-6):
                flat[place] = kept + step
                costs.append(float(value(*values)))
            flat[place] = kept
            assert slopes[place] == pytest.approx((costs[0] - costs[1]) / 2e-6, rel=2e-5, abs=1e-6)


# --- borders -------------------------------------------------------------------------------


def test_a_program_on_sparse_inputs_is_one_native_module() -> None:
    x, t = sparse.csr_matrix("x", dtype="float64"), T.dmatrix("t")
    W = sg.shared(M, name="W")
    cost = T.sqr(T.tanh(sparse.dot(x, W)) - t).mean()
    step = sg.function([x, t], cost, updates=[(W, W - 0.1 * T.grad(cost, W))])
    assert len(step.trace.plans) == 1
    first = step(A, D[:, :3])
    out = np.tanh(A @ M) - D[:, :3]
    assert first == pytest.approx((out**2).mean())
    g = A.T @ (2 * out * (1 - np.tanh(A @ M) ** 2) / out.size)
    np.testing.assert_allclose(W.get_value(), M - 0.1 * g, rtol=1e-12)
    assert step(A, D[:, :3]) < first


def test_shared_sparse_matrices_are_updated() -> None:
    S = sg.shared(A, name="S")
    other = sg.shared(np.float64(0.0))
    f = sg.function([], S.sum(), updates=[(S, S * 2.0), (other, other + S.sum())])
    assert f() == pytest.approx(A.sum())
    assert f() == pytest.approx(2 * A.sum())
    np.testing.assert_allclose(S.get_value().toarray(), 4 * A.toarray())
    assert other.get_value() == pytest.approx(3 * A.sum())
    S.set_value(B.tocsc())
    assert S.get_value().format == "csr"
    assert S.get_value() is not S.get_value(borrow=True)
    S.zero()
    assert S.get_value().nnz == 0
    with pytest.raises(sg.errors.InputTypeError, match="csr_matrix"):
        S.set_value(D)


def test_values_are_made_canonical_and_checked() -> None:
    x = sparse.csr_matrix("x", dtype="float64")
    f = sg.function([x], [x * 2.0, x[0, 1]])
    twice = sp.csr_matrix(([1.0, 2.0, 4.0], [1, 1, 0], [0, 3]), shape=(1, 2))
    doubled, element = f(twice)
    assert doubled.toarray().tolist() == [[8.0, 6.0]]
    assert element == 3.0
    assert twice.nnz == 3
    bad = sp.csr_matrix(([1.0], [0], [0, 1]), shape=(1, 2))
    bad.indices[0] = 7
    with pytest.raises(sg.errors.InputShapeError, match="outside its shape"):
        f(bad)
    with pytest.raises(sg.errors.InputTypeError, match="a ndarray where a sparse matrix"):
        f(D)
    with pytest.raises(sg.errors.InputTypeError, match="cannot hold exactly"):
        f(A.astype("complex128"))


def test_constants_and_dtypes() -> None:
    x = T.dvector("x")
    np.testing.assert_allclose(sparse.dot(A, x).eval({x: V}), A @ V)
    y = sparse.csr_matrix("y", dtype="float32")
    assert (y + A).dtype == "float64"
    assert sparse.dot(y, T.fmatrix()).dtype == "float32"
    assert sparse.csr_matrix().dtype == sg.config.floatX
    assert (y.format, y.ndim, y.T.format) == ("csr", 2, "csc")
    counts = sp.csr_matrix(np.array([[1, 0], [2, 3]], dtype="int8"))
    assert sparse.sp_sum(counts, axis=0).eval().tolist() == [3, 3]


def test_csm_of_parts() -> None:
    x = sparse.csc_matrix("x", dtype="float64")
    data, indices, indptr, shape = sparse.csm_properties(x)
    again = sparse.CSC(data * 2, indices, indptr, shape)
    f = sg.function([x], [again, x.shape, sparse.csm_indptr(x), T.grad(again.sum(), data)])
    made, sizes, starts, g = f(A.tocsc())
    np.testing.assert_allclose(made.toarray(), 2 * A.toarray())
    assert sizes.tolist() == [5, 4]
    np.testing.assert_array_equal(starts, A.tocsc().indptr)
    assert g.tolist() == [2.0] * A.nnz
    wrong = sparse.CSR([1.0], np.array([9], "int32"), np.array([0, 1], "int32"), (1, 2))
    with pytest.raises(sg.errors.IndexRangeError, match="index 9"):
        sparse.dot(wrong, np.ones((2, 1))).eval()
    mixed = sparse.CSR([1.0, 2.0], np.array([1, 0], "int32"), np.array([0, 2], "int32"), (1, 2))
    assert sparse.ensure_sorted_indices(mixed).eval().indices.tolist() == [0, 1]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + B[:4], lambda x: x * B[:4], lambda x: x + D[:4], lambda x: sparse.dot(x, D),
        lambda x: x @ B, lambda x: sparse.hstack([x, B[:4]]), lambda x: sparse.lt(x, B[:4]),
    ],
)  # fmt: skip
def test_sizes_that_differ_are_an_error(function) -> None:
    x = sparse.csr_matrix("x", dtype="float64")
    with pytest.raises(sg.errors.ShapeError):
        function(x).eval({x: A})


def test_what_is_not_sparse_is_refused() -> None:
    x = sparse.csr_matrix("x", dtype="float64")
    for call in (
        lambda: sparse.dot(T.dmatrix(), T.dmatrix()),
        lambda: sparse.structured_exp(T.dmatrix()),
        lambda: x + 1.0,
        lambda: x[0, 1, 2],
        lambda: x[0.5],
        lambda: x[np.array([0]), :2],
        lambda: sparse.sp_sum(x, axis=2),
        lambda: SparseTensorType("coo"),
        lambda: sparse.hstack([]),
    ):
        with pytest.raises(sg.errors.GraphTypeError):
            call()


def test_gradients_of_sparse_variables_add_up() -> None:
    x = sparse.csr_matrix("x", dtype="float64")
    cost = x.sum() + sparse.dot(x, V).sum() * 2.0
    g = T.grad(cost, x)
    found = g.eval({x: A})
    np.testing.assert_allclose(found.toarray(), (1 + 2 * np.tile(V, (5, 1))) * (A.toarray() != 0))
    y = sparse.csr_matrix("y", dtype="float64")
    nothing = T.grad(cost, y, disconnected_inputs="ignore")
    assert sg.function([x, y], nothing, on_unused_input="ignore")(A, B).nnz == 0


def test_functions_of_sparse_matrices_are_pickled_and_verified() -> None:
    x = sparse.csr_matrix("x", dtype="float64")
    f = sg.function([x], sparse.structured_exp(x).T @ x, mode="verify")
    again = pickle.loads(pickle.dumps(f))
    np.testing.assert_allclose(again(A).toarray(), f(A).toarray())
    assert "csr" in sg.debugprint(f, file="str") or f.outputs[0].type.format == "csc"


def test_prints_let_sparse_matrices_pass(capsys: pytest.CaptureFixture[str]) -> None:
    x = sparse.csr_matrix("x", dtype="float64")
    f = sg.function([x], sg.Print("entries", attrs=("nnz",))(x * 2.0).sum())
    assert f(A) == pytest.approx(2 * A.sum())
    assert capsys.readouterr().out == f"entries nnz = {A.nnz}\n"
