"""Activations, costs, normalisation and attention, against formulas in NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as special

import symgraph as sg
import symgraph.tensor as T
from symgraph.errors import GraphTypeError, ShapeError

RNG = np.random.default_rng(3)
nn = T.nnet


def agree(inputs: dict, pairs: list) -> None:
    """All symbolic values of pairs, compiled together, equal those beside them."""
    outputs = [left for left, _ in pairs]
    results = sg.function(list(inputs), outputs)(*inputs.values())
    for found, (_, expected) in zip(results, pairs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_activations_are_their_formulas() -> None:
    x, a = T.dmatrix("x"), T.dvector("a")
    values, slopes = RNG.normal(size=(4, 6)) * 3, RNG.uniform(size=6)
    logistic = special.expit(values)
    erf, half = special.erf(values / np.sqrt(2)), values[:, :3]
    near = 0.5 * values * (1 + np.tanh(np.sqrt(2 / np.pi) * (values + 0.044715 * values**3)))
    agree(
        {x: values, a: slopes},
        [
            (nn.relu(x), np.maximum(values, 0)),
            (nn.relu(x, 0.3), np.where(values > 0, values, 0.3 * values)),
            (nn.leaky_relu(x), np.where(values > 0, values, 0.01 * values)),
            (nn.prelu(x, a), np.where(values > 0, values, slopes * values)),
            (nn.elu(x, 2), np.where(values > 0, values, 2 * np.expm1(values))),
            (nn.selu(x), 1.0507009873554805
             * np.where(values > 0, values, 1.6732632423543772 * np.expm1(values))),
            (nn.gelu(x), values * (1 + erf) / 2),
            (nn.gelu(x, approximate=True), near),
            (nn.silu(x), values * logistic),
            (nn.swish(x, 2), values * special.expit(2 * values)),
            (nn.mish(x), values * np.tanh(np.log1p(np.exp(values)))),
            (nn.hard_swish(x), values * np.clip(values / 6 + 0.5, 0, 1)),
            (nn.glu(x), half * special.expit(values[:, 3:])),
            (nn.log_sigmoid(x), special.log_expit(values)),
            (nn.softsign(x), values / (1 + abs(values))),
            (nn.hard_sigmoid(x), np.clip(0.2 * values + 0.5, 0, 1)),
            (nn.ultra_fast_sigmoid(x), logistic),
            (nn.softmax(x, axis=0), special.softmax(values, axis=0)),
            (nn.softmax(x, axis=(0, 1)), special.softmax(values)),
            (nn.logsoftmax(x), special.log_softmax(values, axis=1)),
            (nn.softmin(x), special.softmax(-values, axis=1)),
        ],
    )  # fmt: skip


def test_activations_do_not_overflow() -> None:
    x = T.dvector("x")
    extreme = np.array([-800.0, -30.0, 0.0, 30.0, 800.0])
    cost = sum(f(x).sum() for f in (nn.mish, nn.silu, nn.gelu, nn.log_sigmoid, nn.swish))
    assert np.isfinite(sg.function([x], T.grad(cost, x))(extreme)).all()


def test_costs_of_classifiers() -> None:
    x, b, y = T.dmatrix("x"), T.dvector("b"), T.ivector("y")
    scores, bias, right = RNG.normal(size=(5, 4)), RNG.normal(size=4), np.arange(5, dtype="i4") % 4
    p, rows = special.softmax(scores + bias, axis=1), np.arange(5)
    cost = -np.log(p[rows, right])
    plain = special.softmax(scores, axis=1)
    both = nn.crossentropy_softmax_1hot_with_bias(x, b, y)
    four = nn.crossentropy_softmax_max_and_argmax_1hot(x + b, y)
    agree(
        {x: scores, b: bias, y: right},
        [
            (nn.softmax_with_bias(x, b), p),
            (both[0], cost),
            (both[1], p),
            (nn.crossentropy_softmax_1hot(x, y)[0], -np.log(plain[rows, right])),
            (nn.crossentropy_categorical_1hot(nn.softmax(x + b), y), cost),
            (nn.categorical_crossentropy(nn.softmax(x + b), nn.softmax(x)),
             -(plain * np.log(p)).sum(1)),
            (four[2], p.max(1)),
            (four[3], p.argmax(1)),
            (T.grad(both[0].sum(), x), p - np.eye(4)[right]),
            (nn.binary_crossentropy(nn.sigmoid(x), 0.3), np.logaddexp(0, scores) - 0.3 * scores),
            (nn.sigmoid_binary_crossentropy(x, 0.3), np.logaddexp(0, scores) - 0.3 * scores),
            (nn.prepend_1_to_each_row(x), np.insert(scores, 0, 1, axis=1)),
            (nn.prepend_0_to_each_row(x), np.insert(scores, 0, 0, axis=1)),
            (nn.to_one_hot(y, 4), np.eye(4)[right]),
        ],
    )  # fmt: skip
    with pytest.raises(GraphTypeError, match="classes"):
        nn.categorical_crossentropy(x, T.dvector())


def test_hierarchical_softmax_is_a_distribution() -> None:
    x, y = T.dmatrix("x"), T.lvector("y")
    weights = [RNG.normal(size=s) for s in ((7, 3), (3,), (3, 7, 4), (3, 4))]
    case, right = RNG.normal(size=(5, 7)), np.array([0, 9, 3, 4, 11])
    whole = nn.h_softmax(x, 5, 12, 3, 4, *weights)
    chosen = nn.h_softmax(x, 5, 12, 3, 4, *weights, target=y)
    f = sg.function([x, y], [whole, chosen, nn.h_softmax(x, 5, 10, 3, 4, *weights)])
    all_of_them, one, some = f(case, right)
    np.testing.assert_allclose(all_of_them.sum(1), 1)
    np.testing.assert_allclose(one, all_of_them[np.arange(5), right])
    np.testing.assert_allclose(some, all_of_them[:, :10])
    w1, b1, w2, b2 = weights
    inner = special.softmax(np.einsum("ni,cio->nco", case, w2) + b2, axis=2)
    outer = special.softmax(case @ w1 + b1, axis=1)
    np.testing.assert_allclose(all_of_them, (outer[..., None] * inner).reshape(5, 12))


def test_batch_normalisation() -> None:
    x, g, b = T.dtensor4("x"), T.dvector("g"), T.dvector("b")
    images = RNG.normal(2, 3, (4, 3, 5, 2))
    scale, shift = RNG.normal(size=3), RNG.normal(size=3)
    old_mean, old_var = RNG.normal(size=3), RNG.uniform(1, 2, 3)
    m, v = images.mean((0, 2, 3)), images.var((0, 2, 3))
    wide = (slice(None), None, None)
    out = (images - m[wide]) / np.sqrt(v[wide] + 1e-4) * scale[wide] + shift[wide]
    used = (images - old_mean[wide]) / np.sqrt(old_var[wide] + 1e-4) * scale[wide] + shift[wide]
    train = nn.bn.batch_normalization_train(
        x, g, b, "spatial", running_mean=old_mean, running_var=old_var
    )
    keep = (old_mean[None, :, None, None], old_var[None, :, None, None])
    whole = (g.dimshuffle("x", 0, "x", "x"), b.dimshuffle("x", 0, "x", "x"))
    each = nn.bn.batch_normalization_train(x, x[0], x[1])
    per = (images - images.mean(0)) / np.sqrt(images.var(0) + 1e-4) * images[0] + images[1]
    agree(
        {x: images, g: scale, b: shift},
        [
            (train[0], out),
            (train[1], m),
            (train[2], 1 / np.sqrt(v + 1e-4)),
            (train[3], 0.9 * old_mean + 0.1 * m),
            (train[4], 0.9 * old_var + 0.1 * v * 40 / 39),
            (nn.bn.batch_normalization_train(x, *whole, (0, 2, 3))[2],
             1 / np.sqrt(v + 1e-4)[None, :, None, None]),
            (each[0], per),
            (nn.bn.batch_normalization_test(x, g, b, old_mean, old_var, "spatial"), used),
            (nn.bn.batch_normalization_test(x, *whole, *keep, (0, 2, 3)), used),
            (nn.bn.batch_normalization(x[:, 0, 0], g[:2], b[:2], old_mean[:2], old_var[:2]),
             (images[:, 0, 0] - old_mean[:2]) * scale[:2] / old_var[:2] + shift[:2]),
        ],
    )  # fmt: skip
    for options in ({"axes": "all"}, {"running_mean": b}):
        with pytest.raises(GraphTypeError):
            nn.bn.batch_normalization_train(x, g, b, **options)


def test_normalisation_of_single_cases() -> None:
    x, g, b = T.dtensor4("x"), T.dvector("g"), T.dvector("b")
    images, scale, shift = RNG.normal(size=(2, 6, 3, 4)), RNG.normal(size=6), RNG.normal(size=6)

    def standard(a: np.ndarray, axes: tuple) -> np.ndarray:
        return (a - a.mean(axes, keepdims=True)) / np.sqrt(a.var(axes, keepdims=True) + 1e-5)

    in_groups = standard(images.reshape(2, 3, 2, 3, 4), (2, 3, 4)).reshape(images.shape)
    wide = (slice(None), None, None)
    squares = np.pad(images**2, ((0, 0), (2, 2), (0, 0), (0, 0)))
    around = sum(squares[:, k : k + 6] for k in range(5))
    agree(
        {x: images, g: scale, b: shift},
        [
            (nn.layer_norm(x), standard(images, (3,))),
            (nn.layer_norm(x, g[:4], b[:4]), standard(images, (3,)) * scale[:4] + shift[:4]),
            (nn.layer_norm(x, axis=(1, 2, 3)), standard(images, (1, 2, 3))),
            (nn.group_norm(x, 3, g, b), in_groups * scale[wide] + shift[wide]),
            (nn.instance_norm(x, g, b), standard(images, (2, 3)) * scale[wide] + shift[wide]),
            (nn.cross_channel_normalization(x, 0.1), images / (2 + 0.1 * around) ** 0.75),
        ],
    )
    with pytest.raises(GraphTypeError, match="odd"):
        nn.local_response_normalization(x, n=4)


def test_layer_norm_is_one_kernel() -> None:
    x, g, b = T.fmatrix("x"), T.fvector("g"), T.fvector("b")
    f = sg.function([x, g, b], nn.layer_norm(x, g, b))
    assert len(f.kernels) == 1


def test_attention() -> None:
    q, k, v, m = T.dtensor4("q"), T.dtensor4("k"), T.dtensor4("v"), T.tensor4("m", dtype="bool")
    shapes = {"q": (2, 3, 4, 5), "k": (2, 3, 6, 5), "v": (2, 3, 6, 2)}
    queries, keys, values = (RNG.normal(size=s) for s in shapes.values())
    look = RNG.uniform(size=(2, 3, 4, 6)) < 0.7
    look[..., 0] = True
    scores = queries @ keys.swapaxes(-1, -2)

    def right(s: np.ndarray) -> np.ndarray:
        return special.softmax(s, axis=-1) @ values

    root = np.sqrt(5)
    past = np.tril(np.ones((4, 6), bool))
    single = nn.attention(q[0, 0], k[0, 0], v[0, 0])
    agree(
        {q: queries, k: keys, v: values, m: look},
        [
            (nn.attention(q, k, v), right(scores / root)),
            (nn.attention(q, k, v, scale=0.2), right(scores * 0.2)),
            (nn.attention(q, k, v, m), right(np.where(look, scores / root, -np.inf))),
            (nn.attention(q, k, v, T.log(m + 1.0)), right(scores / root + np.log(look + 1.0))),
            (nn.attention(q, k, v, causal=True), right(np.where(past, scores / root, -np.inf))),
            (single, right(scores / root)[0, 0]),
        ],
    )
    cost = (nn.attention(q, k, v, causal=True) ** 2).sum()
    T.verify_grad(lambda a, c, d: (nn.attention(a, c, d, causal=True) ** 2).sum(),
                  [queries[0], keys[0], values[0]], rng=RNG, mode="interpret")  # fmt: skip
    assert np.isfinite(sg.function([q, k, v], T.grad(cost, q))(queries, keys, values)).all()
    with pytest.raises(GraphTypeError, match="matrices"):
        nn.attention(T.dvector(), k, v)


def test_dropout_keeps_the_mean() -> None:
    x = T.dmatrix("x")
    stream = sg.RandomStream(5)
    y = nn.dropout(x, 0.25, stream)
    f = sg.function([x], [y, T.grad(y.sum(), x)])
    out, slope = f(np.ones((200, 300)))
    assert set(np.unique(out)) == {0.0, 1 / 0.75}
    np.testing.assert_array_equal(out, slope)
    assert abs(out.mean() - 1) < 0.01
    assert (f(np.ones((200, 300)))[0] != out).any()
    with pytest.raises(GraphTypeError, match="probability"):
        nn.dropout(x, 1.0, stream)


def test_sizes_that_do_not_fit_are_errors() -> None:
    x = T.dmatrix("x")
    f = sg.function([x], nn.softmax_with_bias(x, T.constant([1.0, 2.0])), mode="interpret")
    with pytest.raises(ShapeError):
        f(np.ones((2, 3)))
