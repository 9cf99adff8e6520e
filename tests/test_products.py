"""Products of vectors, matrices and tensors against NumPy: values, sizes, errors, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends import threads
from symgraph.errors import GraphTypeError, ShapeError
from symgraph.graph import toposort
from symgraph.ops.linalg import BatchedDot, Dot
from symgraph.types import TensorType

Case = tuple[Callable[..., Any], Callable[..., Any], tuple[np.ndarray, ...]]
SIZES = {"i": 2, "j": 3, "k": 4, "l": 5, "b": 2, "h": 6, "q": 2, "d": 4}
DOTS = (2, 3)  # the sizes "..." stands for
EINSUMS = """ij,jk->ik ij,jk ii ii->i ij->ji ij-> bij,bjk->bik bij,bkj->bik ijk,jkl->il i,j->ij i,i
    ij,jk,kl->il ijk,jil->kl ...ij,...jk->...ik ij,ij->i bhqd,bhkd->bhqk iij->j ijkl,lk bi,bij,bj->b
    i,i,i->i ij,kl->ijkl ij...->... kij,jil->kl i...->... iijj->ij j,ijk,k,il->l""".split()


def drawn(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed + sum(shape))
    if dtype.startswith("int"):
        return rng.integers(-5, 6, shape).astype(dtype)
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if "complex" in dtype else values).astype(dtype)


def inputs_for(arrays: tuple[np.ndarray, ...]) -> list[Any]:
    return [TensorType(str(a.dtype), [1 if n == 1 else None for n in a.shape])() for a in arrays]


def check(cases: list[Case]) -> None:
    """All cases in one compiled function."""
    variables = [inputs_for(arrays) for *_, arrays in cases]
    outputs = [f(*v) for (f, _, _), v in zip(cases, variables, strict=True)]
    compiled = sg.function([v for own in variables for v in own], outputs)
    found = compiled(*(a for *_, arrays in cases for a in arrays))
    for value, (_, expected_of, arrays) in zip(found, cases, strict=True):
        expected = expected_of(*arrays)
        assert value.dtype == expected.dtype
        assert value.shape == expected.shape
        tolerance = 1e-5 if value.dtype.itemsize <= 4 or value.dtype == "complex64" else 1e-11
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)


MATMULS = [
    ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((0, 2, 3), (0, 3, 4)),
    ((5, 0, 3), (5, 3, 4)), ((5, 2, 0), (5, 0, 4)), ((2, 1, 2, 3), (1, 3, 3, 2)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64", "int64"])
def test_matmul_is_numpys(dtype: str) -> None:
    check([(T.matmul, np.matmul, (drawn(*a, dtype=dtype), drawn(*b, dtype=dtype, seed=1)))
           for a, b in MATMULS])  # fmt: skip


def shape_of(word: str) -> tuple[int, ...]:
    before, dots, after = word.partition("...")
    middle = DOTS if dots else ()
    return (*(SIZES[c] for c in before), *middle, *(SIZES[c] for c in after))


def test_einsum_is_numpys() -> None:
    cases: list[Case] = []
    for text in EINSUMS:
        words = text.split("->")[0].split(",")
        arrays = tuple(drawn(*shape_of(w), seed=n) for n, w in enumerate(words))
        cases.append(
            (lambda *v, t=text: T.einsum(t, *v), lambda *a, t=text: np.einsum(t, *a), arrays)
        )
    a, b = drawn(2, 3), drawn(1, 3, seed=1)
    cases.append((lambda x, y: T.einsum("ij,ij->ij", x, y), np.multiply, (a, b)))
    cases.append(
        (lambda x, y: T.einsum(x, [0, 1], y, [2, 1], [0, 2]), lambda x, y: x @ y.T, (a, b))
    )
    check(cases)


def test_gradient_of_einsum_and_matmul() -> None:
    sg.gradient.verify_grad(
        lambda x, y: T.einsum("bij,bkj->ik", x, y), [drawn(2, 3, 4), drawn(2, 2, 4)]
    )
    sg.gradient.verify_grad(T.matmul, [drawn(2, 3), drawn(4, 3, 2)])


def batched(f: Callable[..., Any]) -> Callable[..., np.ndarray]:
    return lambda *arrays: np.stack([f(*row) for row in zip(*arrays, strict=True)])


def test_other_products_are_numpys() -> None:
    a, b, c = drawn(2, 3), drawn(4, 3), drawn(5, 2, 3)
    z, w = drawn(3, dtype="complex128"), drawn(3, dtype="complex128", seed=2)
    check([
        (T.inner, np.inner, (a, b)), (T.inner, np.inner, (c, b)), (T.inner, np.inner, (z, w)),
        (T.outer, np.outer, (a, b)), (T.kron, np.kron, (a, b)), (T.kron, np.kron, (c, b)),
        (T.vecdot, np.vecdot, (z, w)), (T.vecdot, np.vecdot, (c, a)),
        (lambda x, y: T.vecdot(x, y, axis=0), lambda x, y: np.vecdot(x, y, axis=0), (a, a + 1)),
        (T.matvec, lambda x, y: x @ y, (a, drawn(3))),
        (T.matvec, lambda x, y: np.einsum("...mn,...n->...m", x, y), (c, drawn(5, 3))),
        (T.vecmat, lambda x, y: np.einsum("...m,...mn->...n", x, y), (drawn(5, 2), c)),
        (T.vecmat, lambda x, y: x.conj() @ y, (z, drawn(3, 2, dtype="complex128"))),
        (T.matrix_dot, lambda x, y, z: x @ y @ z, (a, drawn(3, 3), b.T)),
        *((lambda x, n=n: T.matrix_power(x, n), lambda x, n=n: np.linalg.matrix_power(x, n),
           (drawn(2, 3, 3),)) for n in (0, 1, 2, 5)),
        (lambda x, y: T.tensordot(x, y, 2), lambda x, y: np.tensordot(x, y, 2), (c, a)),
        (lambda x, y: T.tensordot(x, y, 0), lambda x, y: np.tensordot(x, y, 0), (a, b)),
        (lambda x, y: T.tensordot(x, y, [[2, 0], [1, 2]]),
         lambda x, y: np.tensordot(x, y, [[2, 0], [1, 2]]), (c, drawn(4, 3, 5))),
    ])  # fmt: skip


def test_batched_products_are_theanos() -> None:
    x = drawn(4, 2, 3)
    check([
        (T.batched_dot, batched(np.dot), (x, drawn(4, 3, 5))),
        (T.batched_dot, batched(np.dot), (x, drawn(4, 3))),
        (T.batched_dot, batched(np.dot), (drawn(4, 3), drawn(4, 3, 2))),
        (T.batched_dot, batched(np.dot), (drawn(4, 3), drawn(4, 3, seed=1))),
        (T.batched_dot, batched(np.dot), (drawn(4), x)),
        (T.batched_dot, batched(np.matmul), (drawn(4, 5, 2, 3), drawn(4, 3, 2))),
        (lambda a, b: T.batched_tensordot(a, b, [[1, 2], [2, 1]]),
         batched(lambda a, b: np.tensordot(a, b, [[0, 1], [1, 0]])), (x, drawn(4, 3, 2))),
        (lambda a, b: T.batched_tensordot(a, b, 2),
         batched(lambda a, b: np.tensordot(a, b, 2)), (x, drawn(4, 2, 3, 5))),
    ])  # fmt: skip


def test_gradient_of_complex_products() -> None:
    """The gradient by real and imaginary parts of a product of complex matrices."""
    for shapes in (((2, 3), (3, 2)), ((2, 2, 3), (2, 3, 2))):

        def parts(a: Any, b: Any, c: Any, d: Any) -> Any:
            product = T.matmul(T.complex(a, b), T.complex(c, d))
            return T.real(product) * T.imag(product)

        x, y = (drawn(*s, dtype="complex128") for s in shapes)
        sg.gradient.verify_grad(parts, [x.real, x.imag, y.real, y.imag])


def test_transposes_and_equal_matrices_need_no_copy() -> None:
    x, y, w = T.dtensor3("x"), T.dtensor3("y"), T.dtensor3("w", shape=(1, None, None))
    f = sg.function([x, y], T.matmul(x.dimshuffle(0, 2, 1), y.dimshuffle(0, 2, 1)))
    (product,) = toposort(f.stages["canonical"].outputs)
    assert product.op == BatchedDot(True, True)
    g = sg.function([x, w], T.matmul(x, w))
    assert any(isinstance(n.op, Dot) for n in toposort(g.stages["canonical"].outputs))


def test_jacobian_through_a_batched_product() -> None:
    x, y = T.dtensor3("x"), T.dtensor3("y")
    z = T.matmul(T.tanh(x), y)[:, 0, 0]
    a, b = drawn(2, 1, 3), drawn(2, 3, 1, seed=1)
    expected = np.zeros((2, 2, 1, 3))
    for n in range(2):
        expected[n, n, 0] = b[n, :, 0] / np.cosh(a[n, 0]) ** 2
    np.testing.assert_allclose(sg.function([x, y], T.jacobian(z, x))(a, b), expected)


def test_what_products_refuse() -> None:
    x, y, s = T.dmatrix("x"), T.dtensor3("y"), T.dscalar("s")
    known = [T.tensor("float64", shape=n) for n in ((2, 3, 4), (2, 5, 4))]
    with pytest.raises(GraphTypeError, match="scalars"):
        T.matmul(s, x)
    with pytest.raises(GraphTypeError, match="scalar has not got"):
        T.batched_dot(s, x)
    with pytest.raises(ShapeError, match="inner sizes"):
        T.matmul(*known)
    for text, message in {
        "ij,jk": "for 2 operands", "ijk->": "labels a tensor of 2", "ij->ik": "cannot have",
        "ij->ii": "cannot have", "i1->": "letters", "i->": "labels a tensor",
    }.items():  # fmt: skip
        with pytest.raises(GraphTypeError, match=message):
            T.einsum(text, x)
    with pytest.raises(ShapeError, match="under one label"):
        T.einsum("ijk,ijk->", *known)
    with pytest.raises(GraphTypeError, match="axes"):
        T.tensordot(x, y, [[0, 0], [1, 2]])
    with pytest.raises(GraphTypeError, match="first axis"):
        T.batched_tensordot(y, y, [[0], [1]])
    with pytest.raises(GraphTypeError, match="invert"):
        T.matrix_power(x, -1)


def test_sizes_that_differ_at_run_time_are_an_error() -> None:
    x, y = T.dtensor3("x"), T.dtensor3("y")
    for mode in ("fast_run", "interpret"):
        product = sg.function([x, y], T.matmul(x, y), mode=mode)
        with pytest.raises(ShapeError, match="axis 0"):
            product(drawn(2, 3, 4), drawn(1, 4, 3))
        with pytest.raises(ShapeError):
            product(drawn(2, 3, 4), drawn(2, 5, 3))
        traced = sg.function([x, y], T.tensordot(x, y, [[1, 2], [1, 2]]), mode=mode)
        with pytest.raises(ShapeError, match="do not agree"):
            traced(drawn(2, 3, 4), drawn(2, 4, 3))
        with pytest.raises(ShapeError):
            sg.function([x], T.einsum("iij->j", x), mode=mode)(drawn(2, 3, 2))


def test_batched_products_do_not_depend_on_threads() -> None:
    """Many pairs, shared among threads; few large ones, which are cut; one matrix for all."""
    shapes = [
        ((33, 60, 40), (33, 40, 50)),
        ((2, 150, 200), (2, 200, 130)),
        ((20, 9, 70), (1, 70, 65)),
    ]
    arrays = [drawn(*s, dtype="float32", seed=n) for n, pair in enumerate(shapes) for s in pair]
    variables = inputs_for(tuple(arrays))
    pairs = list(zip(variables[::2], variables[1::2], strict=True))
    f = sg.function(variables, [T.matmul(a, b) for a, b in pairs])
    before, found = threads.max_shares() // threads.SHARES_PER_THREAD, []
    for count in (1, 3):
        threads.set_threads(count)
        found.append(f(*arrays))
    threads.set_threads(max(before, 1))
    for one, three, a, b in zip(*found, arrays[::2], arrays[1::2], strict=True):
        np.testing.assert_array_equal(one, three)
        np.testing.assert_allclose(one, np.matmul(a.astype("f8"), b.astype("f8")), atol=1e-4)
