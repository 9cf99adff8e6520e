"""Functions that arrange, make, stack and pick elements, against NumPy's, with their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import CheckError, GraphTypeError, IndexRangeError, ShapeError
from tests.tables import Case, check_slopes, check_values, chunks, label

M, V = np.arange(12.0).reshape(3, 4) ** 1.1, np.array([3.0, -1.0, 2.0])
C3 = np.arange(24.0).reshape(2, 3, 4)
S4 = np.arange(16.0).reshape(4, 4) ** 1.1
I3 = np.array([2, 0, 1])
PLACES = np.array([[3, 0], [1, 1], [2, 2]])
IM = np.arange(12).reshape(3, 4) * 7 % 10


def both(values: Any, ours: str, *args: Any, **options: Any) -> Case:
    """A case in which both functions have one name and take the same arguments."""
    values = values if isinstance(values, tuple) else (values,)
    numpys = getattr(np, ours)
    return Case(
        values,
        lambda *xs: getattr(T, ours)(*xs, *args, **options),
        lambda *xs: numpys(*xs, *args, **options),
    )


def stacked(values: tuple[Any, ...], name: str) -> Case:
    """A case of a function of a list."""
    return Case(values, lambda *xs: getattr(T, name)(xs), lambda *xs: getattr(np, name)(xs))


CASES: dict[str, Case] = {
    "repeat": both(M, "repeat", 3, 1),
    "repeat all": both(M, "repeat", 2),
    "repeat each": both(V, "repeat", [2, 0, 3]),
    "repeat rows": both(M, "repeat", [1, 0, 2], 0),
    "tile": both(M, "tile", (2, 3)),
    "tile vector": both(V, "tile", (2, 1, 2)),
    "tile last": both(M, "tile", 2),
    "roll": both(M, "roll", 5, 1),
    "roll back": both(M, "roll", -1, 0),
    "roll all": both(M, "roll", 2),
    "roll two": both(M, "roll", (1, -2), (0, 1)),
    "flip": both(C3, "flip", (0, 2)),
    "flip all": both(M, "flip"),
    "flipud": both(M, "flipud"),
    "fliplr": both(M, "fliplr"),
    **{f"rot90 {k}": both(M, "rot90", k) for k in (0, 1, 2, 3, -1)},
    "rot90 axes": both(C3, "rot90", 1, (2, 0)),
    "diff": both(M, "diff"),
    "diff twice": both(M, "diff", 2, 0),
    "diff ends": both(M, "diff", prepend=0.5, append=1.5),
    "ediff1d": both(M, "ediff1d", [9.0, 8.0], 7.0),
    "trapezoid": both(M, "trapezoid", dx=0.5),
    "trapezoid places": both((M, np.array([0.0, 1.0, 3.0])), "trapezoid", axis=0),
    "rollaxis": both(C3, "rollaxis", 2),
    "rollaxis before": both(C3, "rollaxis", 0, 3),
    "moveaxis": both(C3, "moveaxis", (0, -1), (-1, 0)),
    "swapaxes": both(C3, "swapaxes", -1, 0),
    "broadcast_to": both(V, "broadcast_to", (2, 3)),
    "broadcast_arrays": both((V, V[:, None] + 1), "broadcast_arrays"),
    "broadcast_shape": Case((V, np.ones((4, 1))), lambda x, y: T.stack(T.broadcast_shape(x, y)),
                            lambda x, y: np.array(np.broadcast_shapes(x.shape, y.shape)), False),
    "atleast_1d": both(np.float64(2.0), "atleast_1d"),
    "atleast_2d": both(V, "atleast_2d"),
    "atleast_3d": both(V, "atleast_3d"),
    "atleast_3d matrix": both(M, "atleast_3d"),
    "atleast_Nd": Case((V,), lambda x: T.atleast_Nd(x, 3, left=False), lambda x: x[:, None, None]),
    "join_dims": Case((C3,), lambda x: [T.join_dims(x, 1), T.join_dims(x, 0, 2),
                                        T.join_dims(x, 1, 0)],
                      lambda x: [x.reshape(2, 12), x.reshape(6, 4), x[:, None]]),
    "split_dims": Case((M,), lambda x: T.split_dims(x, (2, -1), 1), lambda x: x.reshape(3, 2, 2)),
    # borders
    "pad": both(M, "pad", ((1, 2), (0, 3)), constant_values=7.0),
    "pad values": both(M, "pad", ((1, 2), (3, 1)), constant_values=((1.0, 2.0), (3.0, 4.0))),
    "pad nothing": both(V, "pad", 0),
    **{f"pad {mode}": both(M, "pad", ((2, 1), (3, 2)), mode)
       for mode in ("edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "mean",
                    "median", "minimum")},
    "pad far": both(V, "pad", 7, "reflect"),
    "pad ramp": both(M, "pad", ((2, 1), (0, 3)), "linear_ramp", end_values=((5.0, -5.0), (0, 1))),
    "pad mean of two": both(M, "pad", ((2, 1), (0, 3)), "mean", stat_length=((2, 1), (2, 3))),
    "pad whole mean": both(IM, "pad", 2, "mean"),
    "pad whole ramp": both(IM, "pad", 3, "linear_ramp"),
    "pad axis": both(M, "pad", {-1: (1, 2)}),
    "pad empty": Case((M,), lambda x: T.pad(x, 1, "empty")[1:-1, 1:-1], lambda x: x),
    # diagonals
    "diag of": both(M, "diag", 1),
    "diag of below": both(M, "diag", -1),
    "diag": both(V, "diag"),
    "diag above": both(V, "diag", 2),
    "diag below": both(V, "diag", -1),
    "diagflat": both(M, "diagflat", 1),
    "diagonal": both(M, "diagonal"),
    "diagonal apart": both(C3, "diagonal", 1, 2, 0),
    "diagonal outside": both(M, "diagonal", 7),
    "trace": both(C3, "trace", -1, 1, 2),
    "tril": both(C3, "tril", 1),
    "triu": both(C3, "triu", -1),
    "fill_diagonal": Case((M, np.float64(9.0)), T.fill_diagonal, lambda x, v: filled(x, v)),
    "fill_diagonal cube": Case((C3[:, :2, :2], np.float64(9.0)), T.fill_diagonal,
                               lambda x, v: filled(x, v)),
    "fill_diagonal_offset": Case(
        (S4, V), lambda x, v: T.fill_diagonal_offset(x, v, -1),
        lambda x, v: np.where(np.eye(4, k=-1, dtype=bool), np.diag(v, -1), x)),
    # ranges and grids
    "meshgrid": both((V, V[:2]), "meshgrid"),
    "meshgrid ij": both((V, V[:2], V), "meshgrid", indexing="ij"),
    "meshgrid sparse": both((V, V[:2]), "meshgrid", sparse=True),
    "mgrid": Case((), lambda: T.mgrid[0:3, 1:9:2], lambda: list(np.mgrid[0:3, 1:9:2]), False),
    "mgrid counted": Case((), lambda: T.mgrid[-1:1:5j], lambda: np.mgrid[-1:1:5j], False),
    "ogrid": Case((), lambda: T.ogrid[0:3, :4], lambda: list(np.ogrid[0:3, :4]), False),
    "indices": Case((), lambda: T.indices((2, 3)), lambda: list(np.indices((2, 3))), False),
    "ix_": Case((M,), lambda x: x[T.ix_([0, 2], [3, 1, 1])],
                lambda x: x[np.ix_([0, 2], [3, 1, 1])]),
    "ix_ mask": Case((M,), lambda x: x[T.ix_([True, False, True], [3, 1])],
                     lambda x: x[np.ix_([True, False, True], [3, 1])]),
    "tril_indices": Case((), lambda: T.tril_indices(4, 1, 3), lambda: np.tril_indices(4, 1, 3),
                         False),
    "triu_indices": Case((), lambda: T.triu_indices(4, -1), lambda: np.triu_indices(4, -1), False),
    "tril_indices_from": both(S4, "tril_indices_from", -1),
    "triu_indices_from": both(S4, "triu_indices_from", 1),
    "vander": both(V, "vander"),
    "vander rising": both(V, "vander", 2, True),
    "logspace": both((np.float64(-1.0), np.float64(2.0)), "logspace", 7, base=2.0),
    "geomspace": both((np.float64(-1.0), np.float64(-1000.0)), "geomspace", 4),
    "linspace of vectors": both((V, V[::-1] * 2), "linspace", 4),
    "eye": Case((), lambda: [T.eye(3, 4, 1), T.identity(2), T.tri(3, 4, 1)],
                lambda: [np.eye(3, 4, 1), np.identity(2), np.tri(3, 4, 1)], False),
    "filled": Case((M,), lambda x: [T.full_like(x, 3), T.full((2, 2), 1.5), T.empty_like(x) * 0,
                                    T.AllocEmpty("int32")(2, 3) * 0],
                   lambda x: [np.full_like(x, 3), np.full((2, 2), 1.5), np.zeros_like(x),
                              np.zeros((2, 3), "int32")], False),
    # stacking and splitting
    "hstack": stacked((M, M * 2), "hstack"),
    "hstack vectors": stacked((V, V[:2]), "hstack"),
    "vstack": stacked((V, M[:, :3]), "vstack"),
    "dstack": stacked((M, M + 1), "dstack"),
    "column_stack": stacked((V, M), "column_stack"),
    "stack": Case((V, V * 2), lambda *xs: T.stack(xs, axis=-1), lambda *xs: np.stack(xs, axis=-1)),
    "split": Case((M,), lambda x: T.split(x, [1, 2], 2, 0), lambda x: np.split(x, [1])),
    "array_split": both(M, "array_split", 3, 1),
    "array_split at": both(M, "array_split", [1, 2]),
    "unstack": Case((M,), lambda x: T.unstack(T.specify_shape(x, (3, None))), list),
    "pack": Case((V, C3[..., 0]), lambda v, c: T.pack(v, c)[0],
                 lambda v, c: np.concatenate([v, c.ravel()])),
    "unpack": Case((M, C3[0, :, None]), lambda a, b: T.unpack(*mixed(T.pack(a, b, axes=(0, -1)))),
                   lambda a, b: [a, b]),
    "to_one_hot": Case((I3,), lambda y: T.to_one_hot(y, 4), lambda y: np.eye(4)[y], False),
    # picking
    "take wrap": both(M, "take", [[5, -7], [1, 2]], 1, mode="wrap"),
    "take clip": both(M, "take", [5, -7, 1], 0, mode="clip"),
    "take all": both(M, "take", [5, -7, 1]),
    "take_along_axis": Case((M, PLACES), lambda x, i: T.take_along_axis(x, i, 1),
                            lambda x, i: np.take_along_axis(x, i, 1)),
    "take_along_axis row": Case((M, np.array([[2, 0, 1, 1]])),
                                lambda x, i: T.take_along_axis(x, i, 0),
                                lambda x, i: np.take_along_axis(x, i, 0)),
    "take_along_axis all": Case((M,), lambda x: T.take_along_axis(x, I3, None),
                                lambda x: np.take_along_axis(x, I3, None)),
    "put_along_axis": Case((M, PLACES[:, :1], V[:, None]),
                           lambda x, i, v: T.put_along_axis(x, i, v, 1),
                           lambda x, i, v: put(x, i, v)),
    "choose": Case((I3, V), lambda i, v: T.choose(i, [v, v * 2, 7.0]),
                   lambda i, v: np.choose(i, [v, v * 2, 7.0])),
    "choose parts": Case((I3[:, None], M), lambda i, x: T.choose(i, x),
                         lambda i, x: np.choose(i, x)),
    "choose clip": Case((I3 - 1, M[:2, :3]), lambda i, x: T.choose(i, x, mode="clip"),
                        lambda i, x: np.choose(i, x, mode="clip")),
    "compress": Case((M,), lambda x: T.compress([False, True, True], x, 1),
                     lambda x: np.compress([False, True, True], x, 1)),
    "extract": Case((M,), lambda x: T.extract(x > 3, x), lambda x: np.extract(x > 3, x)),
    "nonzero_values": Case((IM % 3,), T.nonzero_values, lambda x: x[np.nonzero(x)]),
    "nonzero matrix": Case((IM % 3,), lambda x: T.nonzero(x, return_matrix=True),
                           lambda x: np.stack(np.nonzero(x)), False),
    "select": Case((M,), lambda x: T.select([x > 5, x > 2], [x, x * 2], -1.0),
                   lambda x: np.select([x > 5, x > 2], [x, x * 2], -1.0)),
    "piecewise": Case((M,), lambda x: T.piecewise(x, [x > 5, x < 2], [lambda y: y * 3, 1.0, T.neg]),
                      lambda x: np.piecewise(x, [x > 5, x < 2], [lambda y: y * 3, 1.0,
                                                                 np.negative])),
    "inverse_permutation": Case((I3,), T.inverse_permutation, np.argsort),
    "permute_row_elements": Case((M[:, :3], I3), T.permute_row_elements, lambda x, p: x[:, p]),
    "permute back": Case((M[:, :3], np.array([I3, I3[::-1], I3])),
                         lambda x, p: T.permute_row_elements(x, p, inverse=True),
                         lambda x, p: np.take_along_axis(x, np.argsort(p), 1)),
    "unravel_index": Case((IM,), lambda i: T.unravel_index(i, (2, 5)),
                          lambda i: np.unravel_index(i, (2, 5)), False),
    "unravel_index F": Case((IM,), lambda i: T.unravel_index(i, (2, 5), order="F"),
                            lambda i: np.unravel_index(i, (2, 5), order="F"), False),
    "ravel_multi_index": Case((I3, I3), lambda i, j: T.ravel_multi_index((i, j), (3, 4)),
                              lambda i, j: np.ravel_multi_index((i, j), (3, 4)), False),
    "ravel_multi_index modes": Case(
        (I3 + 1, I3 - 3), lambda i, j: T.ravel_multi_index((i, j), (3, 2), ("clip", "wrap"), "F"),
        lambda i, j: np.ravel_multi_index((i, j), (3, 2), ("clip", "wrap"), "F"), False),
    "median": both(M, "median"),
    "median of rows": both(M, "median", 1),
    "median kept": both(C3 * 1.5, "median", (0, 2), keepdims=True),
    "median of whole": both(IM, "median", 0),
    "count_nonzero": both(IM % 3, "count_nonzero", 1),
}  # fmt: skip


def filled(x: np.ndarray, value: Any) -> np.ndarray:
    result = x.copy()
    np.fill_diagonal(result, value)
    return result


def put(x: np.ndarray, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    result = x.copy()
    np.put_along_axis(result, places, values, 1)
    return result


def mixed(packed: tuple[Any, Any]) -> tuple[Any, Any, Any]:
    """What `unpack` takes, from what `pack` with axes=(0, -1) gives."""
    return packed[0], (0, -1), packed[1]


@pytest.mark.parametrize("names", chunks(CASES), ids=label)
def test_values(names: list[str]) -> None:
    check_values(CASES, names)


@pytest.mark.parametrize("names", chunks(CASES), ids=label)
def test_slopes(names: list[str]) -> None:
    check_slopes(CASES, names)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("endpoint", [True, False])
def test_linspace(dtype: str, endpoint: bool) -> None:
    a, b, n = T.scalar("a", dtype=dtype), T.scalar("b", dtype=dtype), T.lscalar("n")
    f = sg.function([a, b, n], T.linspace(a, b, n, endpoint=endpoint))
    for low, high, count in ((0, 1, 5), (3, -2, 4), (1, 1, 1), (0, 1, 0)):
        want = np.linspace(low, high, count, endpoint=endpoint, dtype=dtype)
        np.testing.assert_allclose(f(low, high, count), want, rtol=1e-6, atol=1e-7)


def test_symbolic_amounts() -> None:
    x, n = T.dvector("x"), T.lscalar("n")
    f = sg.function([x, n], [T.roll(x, n), T.repeat(x, n), T.tile(x, (n,))])
    for count in (0, 1, 4):
        rolled, repeated, tiled = f(V, count)
        np.testing.assert_array_equal(rolled, np.roll(V, count))
        np.testing.assert_array_equal(repeated, np.repeat(V, count))
        np.testing.assert_array_equal(tiled, np.tile(V, count))
    assert f(np.zeros(0), 2)[0].shape == (0,)


def test_mistakes() -> None:
    x = T.dmatrix("x")
    with pytest.raises(GraphTypeError, match="axis 2 of a tensor of 2"):
        T.flip(x, 2)
    with pytest.raises(GraphTypeError, match="no mode 'middle'"):
        T.pad(x, 1, "middle")
    with pytest.raises(GraphTypeError, match="vector or a matrix"):
        T.diag(T.dtensor3())
    with pytest.raises(GraphTypeError, match="2 sizes for 3 parts"):
        T.split(x, [1, 2], 3)
    with pytest.raises(GraphTypeError, match="mode is raise"):
        T.take(x, [0], mode="nearest")
    with pytest.raises(GraphTypeError, match="not known"):
        T.unstack(x)
    with pytest.raises(GraphTypeError, match="twice"):
        T.moveaxis(x, (0, 0), (0, 1))


@pytest.mark.parametrize("mode", ["fast_run", "interpret"])
def test_indices_out_of_range_are_errors(mode: str) -> None:
    i = T.lvector("i")
    for made in (
        T.choose(i, [0.0, 1.0]), T.unravel_index(i, (1, 2))[0], T.to_one_hot(i, 2),
        T.ravel_multi_index((i,), (2,)), T.take(T.arange(2), i),
    ):  # fmt: skip
        f = sg.function([i], made, mode=mode)
        assert len(f([0, 1])) == 2
        with pytest.raises(IndexRangeError):
            f([0, 2])


def test_specify_shape() -> None:
    x, n = T.dmatrix("x"), T.lscalar("n")
    f = sg.function([x, n], T.specify_shape(x, (n, None)) * 2)
    assert f(M, 3).shape == (3, 4)
    assert T.specify_shape(x, (3, 4)).type.shape == (3, 4)
    assert T.specify_broadcastable(x, 1).broadcastable == (False, True)


def test_a_value_read_in_place_and_elsewhere_by_one_op() -> None:
    x = T.dmatrix("x")
    y = T.tanh(x)
    f = sg.function([x], [y + y[::-1], (2 * y) * (2 * y).sum(1)[::-1].dimshuffle(0, "x")])
    first, second = f(M)
    t = np.tanh(M)
    np.testing.assert_allclose(first, t + t[::-1])
    np.testing.assert_allclose(second, 2 * t * (2 * t).sum(1)[::-1, None])


def test_reflection_at_the_value_of_the_edge():
    x, m = T.dvector("x"), T.imatrix("m")
    cases = [(mode, width) for mode in ("reflect", "symmetric") for width in (2, 9)]
    odd = [T.pad(v, w, mode=mode, reflect_type="odd") for v in (x, m) for mode, w in cases]
    f = sg.function([x, m], odd)
    whole = np.arange(6, dtype="i4").reshape(2, 3) ** 2
    for row in (np.arange(4.0) ** 2, np.array([3.0])):
        arrays = [a for a in (row, whole) for _ in cases]
        for found, a, (mode, w) in zip(f(row, whole), arrays, cases * 2, strict=True):
            np.testing.assert_array_equal(found, np.pad(a, w, mode=mode, reflect_type="odd"))
    with pytest.raises(GraphTypeError, match="'even' or 'odd'"):
        T.pad(x, 1, mode="reflect", reflect_type="other")


def test_sizes_of_parts_have_to_fit():
    x, sizes = T.dvector("x"), T.ivector("sizes")
    f = sg.function([x, sizes], T.split(x, sizes, 2))
    assert [len(part) for part in f(np.arange(4.0), np.array([1, 3], "i4"))] == [1, 3]
    for wrong in ([1, 2], [2, 3], [5, -1]):
        with pytest.raises(CheckError, match="do not sum"):
            f(np.arange(4.0), np.array(wrong, "i4"))
    with pytest.raises(ShapeError, match="of an axis of 3"):
        T.split(T.constant([1.0, 2.0, 3.0]), [1, 1], 2)


def test_counts_of_parts_have_to_fit():
    x, counts = T.dmatrix("x"), T.ivector("counts")
    f = sg.function([x, counts], T.repeat(x, counts, axis=1))
    values = np.arange(6.0).reshape(2, 3)
    for right in ([1, 0, 2], [0, 0, 0]):
        np.testing.assert_array_equal(f(values, np.array(right, "i4")), values.repeat(right, 1))
    for wrong in ([1, 2], [1, 2, 3, 4], [2, -1, 1]):
        with pytest.raises(CheckError, match="one for each part"):
            f(values, np.array(wrong, "i4"))
    assert T.repeat(x, [2], axis=0).eval({x: values}).shape == (4, 3)


def test_sign_of_zeros_has_no_sign():
    x = T.dvector("x")
    for backend in ("llvm", "numba"):
        found = sg.function([x], T.sgn(x), mode=sg.Mode(backend=backend))(np.array([-0.0, 0.0]))
        assert not np.signbit(found).any()
