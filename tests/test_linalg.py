"""Linear algebra against NumPy and SciPy: every function, forms, batches, empty ones, errors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import GradientError, GraphTypeError, MatrixError, ShapeError
from symgraph.gradient import verify_grad
from symgraph.types import TensorType

L = T.linalg
Case = tuple[Callable[..., Any], Callable[..., Any], tuple[np.ndarray, ...]]
ULP = {"float32": 2e-4, "complex64": 2e-4}


def well(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    """Matrices that are far from singular."""
    rng = np.random.default_rng(seed + sum(shape))
    values = rng.uniform(-0.5, 0.5, shape) + np.eye(*shape[-2:]) * (2 + np.arange(shape[-1]))
    return (values + 0.3j * rng.normal(size=shape) if "complex" in dtype else values).astype(dtype)


def definite(*shape: int, dtype: str = "float64") -> np.ndarray:
    root = well(*shape, dtype=dtype)
    return root @ root.conj().swapaxes(-1, -2)


def drawn(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed + sum(shape))
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if "complex" in dtype else values).astype(dtype)


def many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def check(cases: list[Case]) -> None:
    """All cases in one compiled function; what a case gives is compared part by part."""
    inputs = [[TensorType(str(a.dtype), [1 if n == 1 else None for n in a.shape])() for a in arrays]
              for *_, arrays in cases]  # fmt: skip
    outputs = [many(f(*v)) for (f, _, _), v in zip(cases, inputs, strict=True)]
    flat = [out for own in outputs for out in own]
    compiled = sg.function([v for own in inputs for v in own], flat)
    found = iter(compiled(*(a for *_, arrays in cases for a in arrays)))
    for number, (own, (_, expected_of, arrays)) in enumerate(zip(outputs, cases, strict=True)):
        for expected in map(np.asarray, many(expected_of(*arrays))):
            value = next(found)
            assert value.shape == expected.shape, f"case {number}"
            assert value.dtype == expected.dtype, f"case {number}"
            tolerance = ULP.get(str(value.dtype), 1e-9)
            np.testing.assert_allclose(
                value, expected, rtol=tolerance, atol=tolerance, err_msg=f"case {number}"
            )
        assert own


def each(f: Callable[..., Any]) -> Callable[..., Any]:
    """SciPy's function of a matrix, for a batch."""

    def batched(*arrays: np.ndarray) -> Any:
        results = [many(f(*row)) for row in zip(*arrays, strict=True)]
        return [np.stack(column) for column in zip(*results, strict=True)]

    return batched


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
def test_factorisations_and_solutions(dtype: str) -> None:
    a, b = well(3, 3, dtype=dtype), drawn(3, 2, dtype=dtype)
    many_a, many_b = well(2, 3, 3, dtype=dtype), drawn(2, 3, 2, dtype=dtype)
    p = definite(2, 3, 3, dtype=dtype)
    tri = scipy.linalg.solve_triangular
    check([
        (L.cholesky, np.linalg.cholesky, (p,)),
        (partial(L.cholesky, lower=False), lambda x: np.linalg.cholesky(x, upper=True), (p,)),
        (L.solve, np.linalg.solve, (a, b)), (L.solve, np.linalg.solve, (a, b[:, 0])),
        (L.solve, np.linalg.solve, (many_a, many_b)), (L.solve, np.linalg.solve, (a, many_b)),
        (L.solve, lambda x, y: np.linalg.solve(x[0], y), (a[None], many_b)),
        (L.solve, np.linalg.solve, (many_a, b)),
        (partial(L.solve, b_ndim=1), lambda x, y: np.linalg.solve(x, y[..., None])[..., 0],
         (many_a, many_b[..., 0])),
        (partial(L.solve, transposed=True), lambda x, y: np.linalg.solve(x.T, y), (a, b)),
        (partial(L.solve, assume_a="pos"), np.linalg.solve, (p[0], b)),
        (partial(L.solve, assume_a="pos", lower=True), np.linalg.solve, (p, many_b)),
        (partial(L.solve, assume_a="her", lower=True), np.linalg.solve, (p[0], b)),
        (L.solve_symmetric, lambda x, y: np.linalg.solve(np.triu(x) + np.triu(x, 1).T, y), (a, b)),
        (L.inv, np.linalg.inv, (many_a,)), (L.det, np.linalg.det, (many_a,)),
        (L.slogdet, lambda x: tuple(np.linalg.slogdet(x)), (many_a,)),
        (L.lu_factor, scipy.linalg.lu_factor, (a,)),
        (L.lu, scipy.linalg.lu, (a,)), (L.lu, each(scipy.linalg.lu), (many_a,)),
        *((lambda x, y, t=t: L.lu_solve(L.lu_factor(x), y, trans=t),
           lambda x, y, t=t: scipy.linalg.lu_solve(scipy.linalg.lu_factor(x), y, trans=t), (a, b))
          for t in (0, 1, 2)),
        *((lambda x, y, t=t, lower=lower: L.solve_triangular(x, y, trans=t, lower=lower),
           lambda x, y, t=t, lower=lower: tri(x, y, trans=t, lower=lower), (a, b))
          for t in (0, 1, 2) for lower in (True, False)),
        (L.solve_lower_triangular, partial(tri, lower=True), (a, b[:, 0])),
        (L.solve_upper_triangular, tri, (a, b)),
        (partial(L.solve_triangular, unit_diagonal=True), partial(tri, unit_diagonal=True), (a, b)),
        (lambda x, y: L.cho_solve((L.cholesky(x), True), y), np.linalg.solve, (p, many_b)),
        (lambda x, y: L.cho_solve((L.cholesky(x, lower=False), False), y), np.linalg.solve,
         (p[0], b)),
    ])  # fmt: skip


def test_oblong_lu() -> None:
    wide, tall = drawn(2, 4), drawn(4, 2)
    forms: list[dict[str, bool]] = [{}, {"permute_l": True}, {"p_indices": True}]
    check([(partial(L.lu, **form), _as_int64(partial(scipy.linalg.lu, **form)), (x,))
           for form in forms for x in (wide, tall)])  # fmt: skip


def _as_int64(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: [p.astype("int64") if p.dtype.kind == "i" else p for p in f(x)]


def scaled(u: Any, s: Any, vh: Any) -> Any:
    """A matrix from its singular values and vectors."""
    return T.matmul(u * s[..., None, :], vh)


def joined(w: Any, v: Any) -> Any:
    """A matrix from its eigenvalues and eigenvectors."""
    return scaled(v, w, v.conj().swapaxes(-1, -2))


def left_over(x: Any) -> Any:
    """What eigenvectors of a matrix are wrong by."""
    w, v = L.eig(x)
    return T.matmul(x, v) - v * w[..., None, :]


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
def test_spectra(dtype: str) -> None:
    a, p = well(2, 3, 3, dtype=dtype), definite(2, 3, 3, dtype=dtype)
    oblong = [drawn(2, 4, 3, dtype=dtype), drawn(3, 4, dtype=dtype)]
    real = "float32" if dtype in ("float32", "complex64") else "float64"
    rank = np.ones((3, 1), dtype) @ np.ones((1, 4), dtype)
    check([
        (lambda x: L.eigh(x)[0], np.linalg.eigvalsh, (p,)),
        (lambda x: L.eigh(x, "U")[0], lambda x: np.linalg.eigvalsh(x, "U"), (a,)),
        (L.eigvalsh, np.linalg.eigvalsh, (a,)),
        (partial(L.eigvalsh, lower=False), lambda x: np.linalg.eigvalsh(x, "U"), (a,)),
        (lambda x, y: L.eigvalsh(x, y),
         lambda x, y: scipy.linalg.eigh(x, y, eigvals_only=True), (p[0], p[1])),
        *((partial(lambda x, u: joined(*L.eigh(x, u)), u=u), lambda x: x, (p,)) for u in "LU"),
        *((f, lambda x: np.linalg.svd(x, compute_uv=False).astype(real), (x,))
          for x in (a, *oblong) for f in (L.svdvals, lambda x: L.svd(x)[1])),
        *((lambda x: scaled(*L.svd(x, full_matrices=False)), lambda x: x, (x,))
          for x in (a, *oblong)),
        *((partial(lambda x, k: T.matmul(L.svd(x)[k], L.svd(x)[k].conj().swapaxes(-1, -2)), k=k),
           partial(lambda x, k: np.broadcast_to(np.eye(x.shape[-2 + k // 2], dtype=dtype),
                   (*x.shape[:-2], *[x.shape[-2 + k // 2]] * 2)), k=k), (x,))
          for x in oblong for k in (0, 2)),
        *((partial(L.qr, mode=mode), lambda x, mode=mode: np.linalg.qr(x, mode), (x,))
          for mode in ("reduced", "complete", "r") for x in (a, *oblong)),
        (left_over, lambda x: np.zeros(x.shape, np.result_type(dtype, "complex64")), (a,)),
        (lambda x: T.sort(T.real(L.eigvals(x))),
         lambda x: np.sort(np.linalg.eigvals(x).real), (a,)),
        (L.pinv, np.linalg.pinv, (oblong[0],)), (L.pinv, np.linalg.pinv, (rank,)),
        (partial(L.pinv, hermitian=True), np.linalg.pinv, (p,)),
        (L.matrix_rank, np.linalg.matrix_rank, (oblong[0],)),
        (L.matrix_rank, np.linalg.matrix_rank, (rank,)),
        (partial(L.matrix_rank, tol=100.0), partial(np.linalg.matrix_rank, tol=100.0), (a,)),
        (partial(L.matrix_rank, hermitian=True), np.linalg.matrix_rank, (p,)),
        (L.expm, each(scipy.linalg.expm), (a,)), (L.expm, scipy.linalg.expm, (30 * drawn(3, 3),)),
    ])  # fmt: skip


def test_least_squares() -> None:
    tall, wide, right = drawn(5, 3), drawn(3, 5), drawn(5, 2)
    deficient = np.repeat(drawn(5, 1), 3, axis=1)

    def numpys(x: np.ndarray, y: np.ndarray) -> Any:
        found = np.linalg.lstsq(x, y, rcond=None)
        return (found[0], found[1], np.int64(found[2]), found[3])

    check([
        (L.lstsq, numpys, (tall, right)), (L.lstsq, numpys, (wide, right[:3])),
        (L.lstsq, numpys, (tall, right[:, 0])),
        (lambda x, y: L.lstsq(x, y)[:3], lambda x, y: numpys(x, y)[:3], (deficient, right)),
        (lambda x, y: L.lstsq(x, y)[0], each(lambda x, y: np.linalg.lstsq(x, y, rcond=None)[0]),
         (drawn(2, 5, 3), drawn(2, 5, 2))),
    ])  # fmt: skip
    verify_grad(lambda x, y: L.lstsq(x, y)[0], [tall, right])


ORDERS = {1: (None, 0, 1, -1, 2, 3, 0.5, np.inf, -np.inf),
          2: (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)}  # fmt: skip


def test_norms() -> None:
    x, m, z = drawn(2, 3, 4), drawn(3, 4), drawn(3, 4, dtype="complex128")
    cases: list[Case] = [(L.norm, np.linalg.norm, (v,)) for v in (x, m, z, m[0])]
    for keep in (False, True):
        for rank, axes in ((1, 1), (1, -1), (2, (0, 2)), (2, (2, 1))):
            for ord in ORDERS[rank]:
                form = {"ord": ord, "axis": axes, "keepdims": keep}
                cases.append((partial(L.norm, **form), partial(np.linalg.norm, **form), (x,)))
    cases += [(partial(L.norm, ord=o), partial(np.linalg.norm, ord=o), (z,)) for o in ORDERS[2]]
    cases += [(partial(L.norm, ord=o), partial(np.linalg.norm, ord=o), (z[0],)) for o in ORDERS[1]]
    cases += [
        (L.vector_norm, np.linalg.vector_norm, (x,)), (L.matrix_norm, np.linalg.matrix_norm, (x,)),
        (L.norm, lambda v: np.linalg.norm(v), (np.arange(6).reshape(2, 3),)),
        *((partial(L.cond, p=p), partial(np.linalg.cond, p=p), (well(2, 3, 3),))
          for p in (None, 2, -2, 1, "fro", np.inf)),
    ]  # fmt: skip
    check(cases)
    for ord in (2, "nuc", 1):
        verify_grad(partial(L.norm, ord=ord), [m])


def test_blocks_and_tensors() -> None:
    a, b = drawn(2, 3), drawn(1, 2)
    wide = well(6, 6).reshape(2, 3, 6)
    check([
        (L.block_diag, scipy.linalg.block_diag, (a, b, a)), (L.trace, np.trace, (a,)),
        (L.tensorinv, np.linalg.tensorinv, (wide,)),
        (partial(L.tensorinv, ind=1), partial(np.linalg.tensorinv, ind=1),
         (wide.reshape(6, 2, 3),)),
        (L.tensorsolve, np.linalg.tensorsolve, (wide, a)),
        (partial(L.tensorsolve, axes=(0,)), partial(np.linalg.tensorsolve, axes=(0,)),
         (well(6, 6).reshape(3, 6, 2).copy(), drawn(6))),
        (L.MatrixInverse(), np.linalg.inv, (well(3, 3),)), (L.AllocDiag(), np.diag, (a[0],)),
        (L.Cholesky(lower=True), np.linalg.cholesky, (definite(3, 3),)),
        (L.inv, np.linalg.inv, (np.array([[2, 0], [1, 1]]),)),
    ])  # fmt: skip


def test_what_is_empty() -> None:
    none, flat, tall = np.zeros((0, 0)), np.zeros((2, 0, 0)), np.zeros((0, 3, 2))
    check([
        *((f, g, (x,)) for x in (none, flat, np.zeros((0, 3, 3))) for f, g in (
            (L.det, np.linalg.det), (L.inv, np.linalg.inv), (L.cholesky, np.linalg.cholesky),
            (L.eigvalsh, np.linalg.eigvalsh), (L.slogdet, lambda m: tuple(np.linalg.slogdet(m))),
            (L.eigh, lambda m: tuple(np.linalg.eigh(m))), (L.expm, lambda m: m))),
        *((L.svd, lambda m: tuple(np.linalg.svd(m)), (x,)) for x in (tall, np.zeros((3, 0)))),
        *((L.qr, lambda m: tuple(np.linalg.qr(m)), (x,)) for x in (tall, np.zeros((3, 0)))),
        (L.solve, np.linalg.solve, (none, np.zeros((0, 2)))),
        (L.pinv, np.linalg.pinv, (np.zeros((0, 3)),)),
        (L.matrix_rank, np.linalg.matrix_rank, (np.zeros((2, 0, 3)),)),
    ])  # fmt: skip


def test_matrices_that_have_no_factor_name_the_line() -> None:
    x, y = T.dtensor3("x"), T.dtensor3("y")
    bad = np.stack([np.eye(2), -np.eye(2)])
    flat = np.stack([np.eye(2), np.ones((2, 2)), np.eye(2)])
    for mode in ("fast_run", "interpret"):
        for symbol, value, message in (
            (L.cholesky(x), bad, "positive definite"),
            (L.inv(x), flat, "[Ss]ingular"),
            (L.solve(x, x), flat, "[Ss]ingular"),
            (L.solve_triangular(x, x, lower=True), np.tril(flat) * [[[1, 1], [1, 0]]], "ingular"),
        ):
            f = sg.function([x], symbol, mode=mode)
            with pytest.raises(MatrixError, match=message) as caught:
                f(value)
            assert isinstance(caught.value, np.linalg.LinAlgError)
            assert "test_linalg.py" in str(caught.value)
            np.testing.assert_allclose(f(np.stack([np.eye(2)] * 2)), np.stack([np.eye(2)] * 2))
    quiet = sg.function([x], L.cholesky(x, on_error="nan"))(bad)
    assert np.isnan(quiet).all(axis=(1, 2)).tolist() == [False, True]
    assert sg.function([x], L.det(x))(flat).tolist() == [1, 0, 1]
    with pytest.raises(ShapeError):
        sg.function([x, y], L.solve(x, y))(np.ones((2, 3, 3)), np.ones((2, 4, 1)))
    with pytest.raises(ShapeError, match="square"):
        sg.function([x], L.det(x))(np.ones((2, 3, 4)))


def test_a_failing_call_leaves_shared_variables_alone() -> None:
    w, x = sg.shared(np.eye(2), name="w"), T.dmatrix("x")
    step = sg.function([x], L.cholesky(x), updates=[(w, w + L.inv(x))])
    with pytest.raises(MatrixError):
        step(np.zeros((2, 2)))
    np.testing.assert_array_equal(w.get_value(), np.eye(2))
    step(np.eye(2))
    np.testing.assert_array_equal(w.get_value(), 2 * np.eye(2))


def test_what_is_refused_while_a_graph_is_built() -> None:
    x, s, v = T.dmatrix("x"), T.dscalar("s"), T.dvector("v")
    oblong = T.tensor("float64", shape=(2, 3))
    for call, message in (
        (lambda: L.det(v), "matrices"), (lambda: L.det(T.cast(x, "float16")), "float16"),
        (lambda: L.solve(x, s), "scalar"), (lambda: L.solve(x, v, "wide"), "assume_a"),
        (lambda: L.cholesky(x, on_error="ignore"), "on_error"), (lambda: L.eigh(x, "X"), "UPLO"),
        (lambda: L.qr(x, "economic"), "mode"), (lambda: L.norm(x, "max"), "no norm"),
        (lambda: L.norm(v, "fro"), "no norm"), (lambda: L.norm(x, 2, (0, 0)), "twice"),
        (lambda: L.norm(x, 2, (0, 1, 2)), "one axis or two"), (lambda: L.block_diag(v), "matrices"),
        (lambda: L.solve_triangular(x, v, trans=5), "trans"), (lambda: L.tensorinv(x, 2), "ind"),
    ):  # fmt: skip
        with pytest.raises(GraphTypeError, match=message):
            call()
    with pytest.raises(ShapeError, match="square"):
        L.inv(oblong)
    for f in (lambda: L.svd(oblong)[0], lambda: L.qr(oblong.T, "complete")[0]):
        with pytest.raises(GradientError):
            sg.grad(f().sum(), oblong)


def by_parts(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a complex matrix, of its parts, real."""

    def real(re: Any, im: Any) -> Any:
        total = 0
        for k, out in enumerate(many(f(T.complex(re, im)))):
            total = total + (k + 1.3) * (T.real(out) ** 2 + 0.5 * T.real(out) * T.imag(out)).sum()
        return total

    return real


def test_gradients_of_complex_matrices() -> None:
    """Those of what does not depend on phases; numerically, by real and imaginary part."""
    a, h = well(3, 3, dtype="complex128"), definite(2, 2, dtype="complex128")
    wide, right = drawn(2, 3, dtype="complex128"), drawn(3, 2, dtype="complex128")
    spread = lambda v, w: T.matmul(v * T.exp(w)[None, :], v.conj().T)
    for f, x in (
        (L.inv, a), (L.det, a), (L.slogdet, a), (L.cholesky, h), (L.pinv, wide), (L.expm, a / 4),
        (lambda x: L.solve(x, right), a), (lambda x: L.solve(x, right, transposed=True), a),
        (lambda x: L.solve_triangular(x, right, trans=1), a),
        (lambda x: L.qr(x), a), (lambda x: spread(*L.eigh(x)[::-1]), h), (L.eigvals, a),
        (lambda x: [abs(v) for v in L.eig(x)], a), (L.svdvals, wide),
        (lambda x: [T.matmul(u * T.exp(s), vh) for u, s, vh in [L.svd(x, False)]], wide),
        (lambda x: L.lu_factor(x)[0], a),
    ):  # fmt: skip
        verify_grad(by_parts(f), [x.real, x.imag], n_tests=1)


def test_gradient_of_a_symmetric_function_is_that_of_the_triangle() -> None:
    x = definite(3, 3)
    v = T.dmatrix("v")
    gradient = sg.function([v], sg.grad(L.logdet(T.matmul(v, v.T)), v))
    np.testing.assert_allclose(gradient(x), 2 * np.linalg.inv(x).T)
    cost = T.log(L.cholesky(T.matmul(v, v.T)).diagonal()).sum() * 2
    np.testing.assert_allclose(sg.function([v], sg.grad(cost, v))(x), 2 * np.linalg.inv(x).T)


def test_jacobians_and_hessians() -> None:
    x, b = T.dmatrix("x"), T.dvector("b")
    a, right = well(2, 2), drawn(2)
    y = L.solve(x, b)
    values = T.jacobian(L.eigvalsh(x), x)
    f = sg.function(
        [x, b], [T.jacobian(y, b), T.hessian((y**3).sum(), b), T.jacobian(y, x), values]
    )
    by_b, twice, by_a, by_values = f(a, right)
    inverse = np.linalg.inv(a)
    np.testing.assert_allclose(by_b, inverse)
    np.testing.assert_allclose(twice, 6 * inverse.T @ np.diag(inverse @ right) @ inverse)
    np.testing.assert_allclose(by_a, -np.einsum("ij,k->ijk", inverse, inverse @ right))
    np.testing.assert_allclose(np.trace(by_values.sum(axis=0)), 2)


def test_a_second_process_finds_the_routines(tmp_path: Any) -> None:
    """A cached function is linked against LAPACK before it runs."""
    code = (
        "import numpy as np, symgraph as sg, symgraph.tensor as T\n"
        "x = T.dmatrix()\n"
        "print(sg.function([x], T.linalg.det(x))(np.eye(3) * 2).item())"
    )
    flags = {"SYMGRAPH_FLAGS": f"cache_dir={tmp_path}"}
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | flags, capture_output=True, text=True
        )
        assert run.stdout.strip() == "8.0", run.stderr


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_many_right_sides(dtype: str) -> None:
    """From eight of them on, small matrices are solved without BLAS."""
    a, b = well(4, 4, dtype=dtype), drawn(4, 9, dtype=dtype)
    tri = scipy.linalg.solve_triangular
    forms = [{"trans": t, "lower": lower} for t in (0, 1, 2) for lower in (True, False)]
    forms += [{"unit_diagonal": True}]
    cases: list[Case] = [
        (partial(L.solve_triangular, **f), partial(tri, **f), (a, b)) for f in forms
    ]
    check([*cases, (L.solve, np.linalg.solve, (a, b))])
