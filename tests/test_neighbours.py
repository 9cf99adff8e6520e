"""Sequences, neighbourhoods, upsampling and block products, against plain definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.special as special

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import GraphTypeError, NullTypeGradError, ShapeError

RNG = np.random.default_rng(11)
nn = T.nnet


def by_alignments(x: np.ndarray, labels: list[int]) -> float:
    """-log of the summed probabilities of all paths that collapse to the labels."""
    p, total = special.softmax(x, axis=1), 0.0
    for path in itertools.product(range(x.shape[1]), repeat=len(x)):
        collapsed = [c for c, _ in itertools.groupby(path) if c != 0]
        if collapsed == labels:
            total += np.prod(p[np.arange(len(x)), path])
    return -np.log(total)


def test_ctc_sums_over_all_alignments() -> None:
    x, labels, lengths = T.dtensor3("x"), T.imatrix("labels"), T.ivector("lengths")
    cost = nn.ctc(x, labels, lengths)
    f = sg.function([x, labels, lengths], [cost, T.grad(cost[:4].sum(), x)])
    scores = RNG.normal(size=(5, 6, 3))
    words = np.array([[1, 2, -1], [1, 1, -1], [-1, -1, -1], [2, 1, 2], [1, 1, 2], [1, 2, 1]])
    spans = np.array([5, 4, 3, 5, 3, 0])
    found, slope = f(scores, words.astype("i4"), spans.astype("i4"))
    expected = [
        by_alignments(scores[:span, n], [int(c) for c in word if c >= 0])
        for n, (word, span) in enumerate(zip(words[:4], spans[:4], strict=True))
    ]
    np.testing.assert_allclose(found[:4], expected)
    np.testing.assert_array_equal(found[4:], np.inf)  # too short for its labels
    assert not slope[:, 4:].any()
    assert not slope[4:, 1].any()
    np.testing.assert_allclose(slope.sum(2), 0, atol=1e-12)


def test_ctc_stays_finite_and_knows_its_limits() -> None:
    x, labels, lengths = T.ftensor3("x"), T.imatrix("labels"), T.ivector("lengths")
    cost = nn.ctc(x, labels, lengths)
    slope = T.grad(cost.sum(), x)
    f = sg.function([x, labels, lengths], [cost, slope])
    scores = 50 * RNG.normal(size=(400, 3, 20)).astype("f4")
    words = RNG.integers(1, 20, (3, 30)).astype("i4")
    found, gradient = f(scores, words, np.full(3, 400, "i4"))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.isfinite(gradient).all()
    second = T.grad((slope**2).sum(), x)
    with pytest.raises(NullTypeGradError):
        T.grad((second**2).sum(), x)
    with pytest.raises(GraphTypeError, match="integers"):
        nn.ctc(x, T.fmatrix(), lengths)
    with pytest.raises(GraphTypeError, match="steps, batch"):
        nn.ctc(T.fmatrix(), labels, lengths)


def windows(x: np.ndarray, size: tuple, step: tuple) -> np.ndarray:
    view = np.lib.stride_tricks.sliding_window_view(x, size, (2, 3))
    return view[:, :, :: step[0], :: step[1]].reshape(-1, size[0] * size[1])


def test_neighbourhoods_are_windows() -> None:
    x = T.dtensor4("x")
    images = RNG.normal(size=(2, 3, 6, 8))
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    wide = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)))
    turned = np.pad(images, ((0, 0), (0, 0), (1, 1), (2, 2)), mode="wrap")
    images2neibs, back = nn.neighbours.images2neibs, nn.neighbours.neibs2images
    rows, columns = T.lscalar("rows"), T.lscalar("columns")
    cases = [
        (images2neibs(x, (2, 4)), windows(images, (2, 4), (2, 4))),
        (images2neibs(x, (2, 4), (1, 2)), windows(images, (2, 4), (1, 2))),
        (images2neibs(x, (4, 3), mode="ignore_borders"), windows(images, (4, 3), (4, 3))),
        (images2neibs(x, (2, 3), (2, 1), "half"), windows(padded, (2, 3), (2, 1))),
        (images2neibs(x, (3, 3), (1, 3), "full"), windows(wide, (3, 3), (1, 3))),
        (images2neibs(x, (3, 5), (1, 3), "wrap_centered"), windows(turned, (3, 5), (1, 3))),
        (images2neibs(x, (rows, columns)), windows(images, (3, 2), (3, 2))),
        (back(images2neibs(x, (3, 2)), (3, 2), x.shape), images),
    ]
    kept = images.copy()
    kept[:, :, 4:], kept[..., 6:] = 0, 0
    part = images2neibs(x, (4, 3), mode="ignore_borders")
    cases.append((back(part, (4, 3), (2, 3, 6, 8), "ignore_borders"), kept))
    f = sg.function([x, rows, columns], [left for left, _ in cases])
    for found, (_, expected) in zip(f(images, 3, 2), cases, strict=True):
        np.testing.assert_allclose(found, expected)
    count = T.grad(images2neibs(x, (2, 2), (1, 1)).sum(), x)
    corner = sg.function([x], count, mode="interpret")(images)[0, 0, :2, :2]
    np.testing.assert_array_equal(corner, [[1, 2], [2, 4]])


def test_neighbourhoods_that_do_not_fit_are_errors() -> None:
    x = T.TensorType("float64", (None, None, 6, 8))()
    for size, step in (((4, 4), None), ((7, 8), None), ((2, 2), (3, 2))):
        with pytest.raises(ShapeError, match="ignore_borders"):
            nn.images2neibs(x, size, step)
    unknown, rows = T.dtensor4("unknown"), T.lscalar("rows")
    padded = [nn.images2neibs(unknown, (3, 3), (2, 2), mode) for mode in ("half", "full")]
    f = sg.function([x, unknown, rows], [nn.images2neibs(x, (rows, 4)), *padded])
    images, even, odd = np.ones((1, 1, 6, 8)), np.ones((1, 1, 4, 6)), np.ones((1, 1, 5, 5))
    assert f(images, odd[..., :3, :3], 2)[1].shape == (4, 9)
    for refused in ((images, even, 3), (images, odd, 4), (images, odd, 7)):
        with pytest.raises(ShapeError, match="ignore_borders"):
            f(*refused)
    for arguments in ((x, (2, 2), None, "same"), (T.dmatrix(), (2, 2)), (x, (2,))):
        with pytest.raises(GraphTypeError):
            nn.images2neibs(*arguments)
    with pytest.raises(GraphTypeError, match="modes"):
        nn.neibs2images(T.dmatrix(), (2, 2), (1, 1, 2, 2), "half")


def interpolated(x: np.ndarray, p: int, q: int) -> np.ndarray:
    """Along the last axis, by NumPy."""
    places = (np.arange(-(-x.shape[-1] * p // q)) * q - (p - 1) // 2) / p
    return np.apply_along_axis(lambda row: np.interp(places, np.arange(len(row)), row), -1, x)


def test_upsampling_interpolates() -> None:
    x = T.dtensor4("x")
    images = RNG.normal(size=(2, 3, 4, 5))

    def both(rows: tuple, columns: tuple) -> np.ndarray:
        once = interpolated(images.swapaxes(2, 3), *rows).swapaxes(2, 3)
        return interpolated(once, *columns)

    cases = [
        (nn.bilinear_upsampling(x, 2), both((2, 1), (2, 1))),
        (nn.bilinear_upsampling(x, 5), both((5, 1), (5, 1))),
        (nn.abstract_conv.bilinear_upsampling(x, frac_ratio=((6, 4), (7, 3))),
         both((3, 2), (7, 3))),
        (nn.frac_bilinear_upsampling(x, (4, 3)), both((4, 3), (4, 3))),
    ]  # fmt: skip
    results = sg.function([x], [left for left, _ in cases])(images)
    for found, (_, expected) in zip(results, cases, strict=True):
        np.testing.assert_allclose(found, expected)
    for options in ({}, {"ratio": 2, "frac_ratio": (2, 1)}):
        with pytest.raises(GraphTypeError, match="either"):
            nn.bilinear_upsampling(x, **options)
    with pytest.raises(GraphTypeError, match="rows"):
        nn.bilinear_upsampling(T.dmatrix(), 2)


def test_upsampling_is_the_transposed_convolution_of_its_kernel() -> None:
    images, ratio = RNG.normal(size=(1, 1, 4, 5)), 3
    framed = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    border = 2 * ratio - (ratio - 1) // 2 - 1
    kernel = nn.bilinear_kernel_2D(ratio)[None, None]
    by_kernel = nn.conv2d_grad_wrt_inputs(
        framed, kernel, (1, 1, 12, 15), border_mode=border, subsample=(ratio, ratio)
    )
    f = sg.function([], [by_kernel, nn.bilinear_upsampling(images, ratio)])
    np.testing.assert_allclose(*f())


def test_products_of_blocks() -> None:
    w, h, b = RNG.normal(size=(3, 4, 2, 5)), RNG.normal(size=(6, 2, 2)), RNG.normal(size=(4, 5))
    inputs, outputs = RNG.integers(0, 3, (6, 2)), RNG.integers(0, 4, (6, 3))
    found = nn.sparse_block_dot(w, h, inputs, b, outputs).eval()
    expected = b[outputs]
    for n, o, i in itertools.product(range(6), range(3), range(2)):
        expected[n, o] += h[n, i] @ w[inputs[n, i], outputs[n, o]]
    np.testing.assert_allclose(found, expected)


def test_films_in_old_axis_orders() -> None:
    film, filters = RNG.normal(size=(2, 5, 3, 6, 4)), RNG.normal(size=(2, 2, 3, 3, 2))
    order = (0, 2, 1, 3, 4)
    new = nn.conv3d(film.transpose(order), filters.transpose(order))
    old = nn.conv3d2d.conv3d(film, filters, (2, 5, 3, 6, 4), (2, 2, 3, 3, 2))
    last = (0, 3, 4, 1, 2)  # batch, rows, columns, time, channels
    oldest = nn.conv3d2d.conv3D(
        film.transpose(last), filters[:, ::-1, :, ::-1, ::-1].transpose(last), [1.0, 2.0], (1, 1, 1)
    )
    one, two, three = sg.function([], [new, old, oldest])()
    np.testing.assert_allclose(two, one.transpose(order))
    np.testing.assert_allclose(three, one.transpose(0, 3, 4, 2, 1) + np.array([1, 2]))


def test_windows_are_numpys() -> None:
    m = T.lscalar("m")
    f = sg.function([m], T.bartlett(m))
    for count in (0, 1, 2, 5, 8):
        np.testing.assert_allclose(f(count), np.bartlett(count), atol=1e-15)
    with pytest.raises(GraphTypeError, match="integer"):
        T.bartlett(T.dscalar())
