"""Convolutions and pooling as users call them, against SciPy and plain loops."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pytest
import scipy.signal

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends import threads
from symgraph.backends.llvm.kernels import kernel_text
from symgraph.backends.llvm.machine import FULL, Module, host
from symgraph.errors import GraphTypeError, ShapeError
from symgraph.ops.convolution import ConvInputs
from symgraph.types import TensorType

RNG = np.random.default_rng(7)
X, W = RNG.normal(size=(2, 3, 7, 6)), RNG.normal(size=(4, 3, 3, 2))


def by_scipy(x: np.ndarray, w: np.ndarray, mode: str, flip: bool = True) -> np.ndarray:
    """Every image with every filter, summed over channels."""
    w = w if flip else w[..., ::-1, ::-1]
    pairs = [[sum(map(lambda a, b: scipy.signal.convolve2d(a, b, mode), image, f)) for f in w]
             for image in x]  # fmt: skip
    return np.array(pairs)


def test_borders_strides_and_directions_are_scipys() -> None:
    x, w = T.dtensor4("x"), T.dtensor4("w")
    full = by_scipy(X, W, "full")
    cases = [
        (T.nnet.conv2d(x, w), full[..., 2:-2, 1:-1]),
        (T.nnet.conv2d(x, w, border_mode="full"), full),
        (T.nnet.conv2d(x, w, border_mode="half"), full[..., 1:-1, 0:]),
        (T.nnet.conv2d(x, w, border_mode=(1, "valid")), full[..., 1:-1, 1:-1]),
        (T.nnet.conv2d(x, w, border_mode=((2, 0), (0, 1))), full[..., :-2, 1:]),
        (T.nnet.conv2d(x, w, border_mode="full", subsample=(2, 3)), full[..., ::2, ::3]),
        (T.nnet.conv2d(x, w, filter_flip=False), by_scipy(X, W, "valid", flip=False)),
        (T.nnet.conv.conv2d(x, w, (2, 3, 7, 6), (4, 3, 3, 2), "full"), full),
    ]
    results = sg.function([x, w], [c for c, _ in cases])(X, W)
    for found, (_, expected) in zip(results, cases, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_one_three_axes_groups_and_dilation() -> None:
    x1, w1 = RNG.normal(size=(1, 1, 9)), RNG.normal(size=(1, 1, 4))
    x3, w3 = RNG.normal(size=(1, 1, 4, 5, 6)), RNG.normal(size=(1, 1, 2, 3, 2))
    wide = np.zeros((4, 3, 5, 4))
    wide[..., ::2, ::3] = W
    halves = [by_scipy(X[:, :1], W[:2, :1], "valid"), by_scipy(X[:, 1:2], W[2:, :1], "valid")]
    x, w = T.dtensor4("x"), T.dtensor4("w")
    outputs = [
        T.nnet.conv1d(x1, w1, border_mode="full")[0, 0],
        T.nnet.conv3d(x3, w3)[0, 0],
        T.nnet.conv2d(x, w, filter_dilation=(2, 3)),
        T.nnet.conv2d(x[:, :2], w[:, :1], num_groups=2),
        T.nnet.causal_conv1d(x1, w1, (1, 1, 4), filter_dilation=2)[0, 0],
    ]
    spaced = np.zeros(7)
    spaced[::2] = w1[0, 0]
    expected = [
        np.convolve(x1[0, 0], w1[0, 0]),
        scipy.signal.convolve(x3[0, 0], w3[0, 0], "valid", "direct"),
        by_scipy(X, wide, "valid"),
        np.concatenate(halves, axis=1),
        np.convolve(x1[0, 0], spaced)[:9],
    ]
    for found, right in zip(sg.function([x, w], outputs)(X, W), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-12)


def test_gradients_have_names_and_transposes_are_adjoint() -> None:
    x, w, g = T.dtensor4("x"), T.dtensor4("w"), T.dtensor4("g")
    options = {"border_mode": ((0, 1), "half"), "subsample": (2, 1), "filter_flip": False}
    y = T.nnet.conv2d(x, w, **options)
    to_x, to_w = T.grad((y * g).sum(), [x, w])
    named = [
        T.nnet.conv2d_grad_wrt_inputs(g, w, (None, None, 7, 6), **options),
        T.nnet.conv2d_grad_wrt_inputs(g, w, x.shape, **options),
        T.nnet.conv2d_grad_wrt_weights(x, g, w.shape, **options),
        T.nnet.conv2d_transpose(
            g, w, (2, 3, 7, 6), border_mode=((0, 1), "half"), input_dilation=(2, 1),
            filter_flip=False,
        ),
    ]  # fmt: skip
    f = sg.function([x, w, g], [to_x, to_w, (y * g).sum(), (to_x * x).sum(), *named])
    gx, gw, inner, other, *found = f(X, W, RNG.normal(size=(2, 4, 3, 7)))
    np.testing.assert_allclose(inner, other)
    for a, b in zip(found, [gx, gx, gw, gx], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_separable_is_two_convolutions() -> None:
    deep, point = RNG.normal(size=(6, 1, 3, 2)), RNG.normal(size=(5, 6, 1, 1))
    found = T.nnet.separable_conv2d(X, deep, point, 3).eval()
    each = [by_scipy(X[:, c : c + 1], deep[2 * c : 2 * c + 2], "valid") for c in range(3)]
    expected = np.einsum("nchw,oc->nohw", np.concatenate(each, axis=1), point[..., 0, 0])
    np.testing.assert_allclose(found, expected)
    x3, d3, p3 = X[:, :, None], deep[:, :, None], point[:, :, None]
    three = T.nnet.separable_conv3d(x3, d3, p3, 3).eval()
    np.testing.assert_allclose(three[:, :, 0], expected)


def test_unshared_filters_are_those_of_their_place() -> None:
    options = {"border_mode": ((1, 0), "half"), "subsample": (2, 1), "filter_dilation": (1, 2)}
    options |= {"num_groups": 2}
    x, v, w = T.dtensor4("x"), T.dtensor4("v"), T.tensor("float64", shape=(None,) * 6)
    g = T.dtensor4("g")
    y = T.nnet.conv2d(x, w, unshared=True, **options)
    to_x, to_w = T.grad((y * g).sum(), [x, w])
    named = [
        T.nnet.conv2d_grad_wrt_inputs(g, w, (2, 4, 5, 6), unshared=True, **options),
        T.nnet.conv2d_grad_wrt_weights(x, g, (6, 3, 6, 2, 2, 3), unshared=True, **options),
    ]
    images, filters = RNG.normal(size=(2, 4, 5, 6)), RNG.normal(size=(6, 3, 6, 2, 2, 3))
    f = sg.function([x, w, g], [y, to_x, to_w, *named], mode="interpret")
    found, gx, gw, *grads = f(images, filters, RNG.normal(size=(2, 6, 3, 6)))
    shared = sg.function([x, v], T.nnet.conv2d(x, v, **options), mode="interpret")
    for place in np.ndindex(3, 6):
        right = shared(images, filters[:, *place])[..., *place]
        np.testing.assert_allclose(found[..., *place], right)
    np.testing.assert_allclose(grads[0], gx)
    np.testing.assert_allclose(grads[1], gw)


def test_large_sizes_and_any_number_of_threads() -> None:
    """Filters that fill vectors, all but fill them, and are a few too many for them."""
    x, w = T.ftensor4("x"), T.ftensor4("w")
    y = T.nnet.conv2d(x, w, border_mode="half", subsample=(1, 2))
    gradients = T.grad((y**2).sum(), [x, w])
    f, op = sg.function([x, w], [y, *gradients]), y.owner.op
    to_x, to_w = (g.owner.op for g in gradients)
    before = threads.max_shares() // threads.SHARES_PER_THREAD
    for images, filters in (((5, 19, 40, 41), (23, 19, 5, 3)), ((3, 3, 17, 33), (35, 3, 5, 3))):
        arrays = tuple(RNG.normal(size=size).astype("f4") for size in (images, filters))
        results = []
        for count in (1, 3):
            threads.set_threads(count)
            results.append(f(*arrays))
        threads.set_threads(before)
        for one, three in zip(*results, strict=True):
            np.testing.assert_array_equal(one, three)
        wide = [array.astype("f8") for array in arrays]
        exact = op.reference(*wide)
        np.testing.assert_allclose(results[0][0], exact, atol=1e-4)
        gx = to_x.reference(wide[1], 2 * exact, *images[2:])
        gw = to_w.reference(wide[0], 2 * exact, *filters[2:])
        np.testing.assert_allclose(results[0][1], gx, atol=1e-5 * abs(gx).max())
        np.testing.assert_allclose(results[0][2], gw, atol=1e-5 * abs(gw).max())


def test_wrong_settings_and_sizes_are_errors() -> None:
    x, w = T.dtensor4("x"), T.dtensor4("w")
    for options in ({"border_mode": "same"}, {"border_mode": -1}, {"subsample": (0, 1)},
                    {"filter_dilation": (1, 1, 1)}, {"input_shape": (1, 2, 3)}):  # fmt: skip
        with pytest.raises(GraphTypeError):
            T.nnet.conv2d(x, w, **options)
    with pytest.raises(GraphTypeError, match="real"):
        T.nnet.conv2d(T.ztensor4(), w)
    f = sg.function([x, w], T.nnet.conv2d(x, w, (None, 3, None, None)))
    with pytest.raises(ShapeError):
        f(X, W[:, :2])
    with pytest.raises(ShapeError):
        f(X[:, :2], W[:, :2])


def pooled(x: np.ndarray, size: tuple, stride: tuple, pad: tuple, whole: bool, fold) -> np.ndarray:
    """Windows one by one, over the last two axes."""
    rows, columns = x.shape[-2:]
    places = [
        [p for p in range(-b, n + b, s) if (p + k <= n + b if whole else p < n)]
        for k, s, b, n in zip(size, stride, pad, (rows, columns), strict=True)
    ]
    if not whole:
        # A cut window that begins behind the end of a whole one adds nothing new.
        places = [
            [p for i, p in enumerate(line) if i == 0 or line[i - 1] + k < n]
            if s < k else line
            for line, k, s, n in zip(places, size, stride, (rows, columns), strict=True)
        ]  # fmt: skip
    return np.array([
        [fold(x[..., max(r, 0) : r + size[0], max(c, 0) : c + size[1]]) for c in places[1]]
        for r in places[0]
    ]).transpose(2, 3, 0, 1)  # fmt: skip


def test_pooling_is_window_by_window() -> None:
    x = T.dtensor4("x")
    top, total, mean = (partial(fold, axis=(2, 3)) for fold in (np.max, np.sum, np.mean))
    pool = T.signal.pool.pool_2d
    cases = [
        (pool(x, (2, 2)), pooled(X, (2, 2), (2, 2), (0, 0), False, top)),
        (pool(x, 2, True), pooled(X, (2, 2), (2, 2), (0, 0), True, top)),
        (pool(x, (3, 2), False, (1, 1)), pooled(X, (3, 2), (1, 1), (0, 0), False, top)),
        (pool(x, (2, 2), True, (3, 1), (1, 1)), pooled(X, (2, 2), (3, 1), (1, 1), True, top)),
        (pool(x, (3, 3), True, (2, 2), (1, 2), "sum"),
         pooled(X, (3, 3), (2, 2), (1, 2), True, total)),
        (pool(x, (3, 3), True, (2, 2), (1, 2), "average_inc_pad"),
         pooled(X, (3, 3), (2, 2), (1, 2), True, total) / 9),
        (pool(x, (3, 3), True, (2, 2), (1, 2), "average_exc_pad"),
         pooled(X, (3, 3), (2, 2), (1, 2), True, mean)),
        (pool(x, (3, 4), mode="average_exc_pad"), pooled(X, (3, 4), (3, 4), (0, 0), False, mean)),
        (T.signal.downsample.max_pool_2d(x, (2, 2), True, st=(1, 2)),
         pooled(X, (2, 2), (1, 2), (0, 0), True, top)),
        (T.signal.pool.pool_3d(x.dimshuffle(0, "x", 1, 2, 3), (1, 2, 2), True)[:, 0],
         pooled(X, (2, 2), (2, 2), (0, 0), True, top)),
    ]  # fmt: skip
    results = sg.function([x], [c for c, _ in cases])(X)
    for found, (_, expected) in zip(results, cases, strict=True):
        np.testing.assert_allclose(found, expected)


def test_the_first_of_equal_elements_has_the_gradient() -> None:
    x = T.dmatrix("x")
    g = T.grad(T.signal.pool.pool_2d(x, (2, 2)).sum(), x)
    same = T.signal.pool.max_pool_2d_same_size(x, (2, 2))
    f = sg.function([x], [g, same])
    first, kept = f([[1.0, 1.0, np.nan], [1.0, 0.0, 2.0]])
    np.testing.assert_array_equal(first, [[1, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(kept, [[1, 0, 0], [0, 0, 0]])
    for options in ({"ws": None}, {"ws": (2, 0)}, {"ws": 2, "pad": 1}, {"ws": 2, "mode": "min"},
                    {"ws": 2, "pad": 2, "ignore_border": True}, {"ws": T.lscalar()}):  # fmt: skip
        with pytest.raises(GraphTypeError):
            T.signal.pool.pool_2d(x, **options)


def test_images_without_channels() -> None:
    x, w = X[0], W[0]
    found = T.signal.conv.conv2d(x, w, (3, 7, 6), (3, 3, 2), "full").eval()
    for i in range(3):
        for j in range(3):
            np.testing.assert_allclose(found[i, j], scipy.signal.convolve2d(x[i], w[j]))
    assert T.signal.conv.conv2d(x[0], w).eval().shape == (3, 5, 5)
    with pytest.raises(GraphTypeError, match="2 or 3 axes"):
        T.signal.conv.conv2d(x, W)


SCATTERED = [  # settings, image, filters: small images, of which the border is a large part
    (((1, 1), (1, 1), ((0, 0), (0, 0)), 1, False), (8, 20, 12, 12), (50, 20, 5, 5)),
    (((1, 1), (1, 2), ((1, 1), "half"), 2, True), (9, 4, 7, 9), (16, 2, 3, 4)),
    (((2, 1), (1, 1), ((0, 0), (0, 0)), 1, True), (16, 3, 12, 9), (16, 3, 5, 5)),
    (((1, 1, 1), (1, 1, 1), ((0, 0), (0, 0), (0, 0)), 1, False), (8, 2, 4, 5, 6), (9, 2, 2, 3, 4)),
]


def test_gradient_by_small_images_is_scattered() -> None:
    """More products than needed are not gathered; results are the same for any threads."""
    cases = [(ConvInputs(*settings), image, w) for settings, image, w in SCATTERED]
    variables, outputs, arrays, wanted = [], [], [], []
    for op, image, kernel in cases:
        places = op.places(image[2:], kernel[2:])
        pair = RNG.normal(size=kernel), RNG.normal(size=(image[0], kernel[0], *places))
        w, g = (TensorType("float32", [None] * len(image))() for _ in range(2))
        variables += [w, g]
        outputs.append(op(w, g, *image[2:]))
        arrays += [array.astype("f4") for array in pair]
        wanted.append(op.reference(*(a.astype("f8") for a in arrays[-2:]), *image[2:]))
    f = sg.function(variables, outputs)
    before, results = threads.max_shares() // threads.SHARES_PER_THREAD, []
    for count in (1, 3):
        threads.set_threads(count)
        results.append(f(*arrays))
    threads.set_threads(max(before, 1))
    for one, three, right in zip(*results, wanted, strict=True):
        np.testing.assert_array_equal(one, three)
        np.testing.assert_allclose(one, right, atol=1e-4)


def test_windows_apart_are_vectors() -> None:
    """The gradient by windows of 2 by 2 is interleaved from several windows, and stored at once."""
    x, g = T.ftensor4("x"), T.ftensor4("g")
    y = T.signal.pool.pool_2d(x, (2, 2), ignore_border=True)
    f = sg.function([x, g], T.grad(None, x, known_grads={y: g}))
    texts = [kernel_text(k).text for k in f.kernels]
    with host().target(FULL) as target:
        optimised = "\n".join(str(target.optimised(Module(text, FULL))) for text in texts)
    assert re.search(r"shufflevector <\d+ x float>", optimised)
    assert "memcheck" not in optimised  # places of windows lie among each other: it would fail
