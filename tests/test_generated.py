"""Generated code is read like code: it is compared with what a person has looked at.

`SYMGRAPH_SNAPSHOTS=write pytest tests/test_generated.py` writes the files anew; read the diff.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.backends.numba import side

FOLDER = Path(__file__).parent / "snapshots"


def layer_norm() -> sg.Function:
    x = T.fmatrix("x")
    centred = x - x.mean(1, keepdims=True)
    return sg.function([x], centred / T.sqrt(T.sqr(centred).mean(1, keepdims=True) + 1e-5))


def softmax() -> sg.Function:
    x = T.fmatrix("x")
    return sg.function([x], T.nnet.softmax(x))


def logistic_regression() -> sg.Function:
    x, y = T.fmatrix("x"), T.ivector("y")
    w = sg.shared(np.zeros((3, 3), "float32"), name="w")
    b = sg.shared(np.zeros(3, "float32"), name="b")
    p = T.nnet.softmax(T.dot(x, w) + b)
    cost = T.nnet.categorical_crossentropy(p, y).mean()
    gw, gb = T.grad(cost, [w, b])
    return sg.function([x, y], cost, updates=[(w, w - 0.1 * gw), (b, b - 0.1 * gb)])


def normalised_columns() -> sg.Function:
    x = T.dmatrix("x")
    return sg.function([x], (x - x.min(0)) / (x.max(0) - x.min(0)))


def look_up() -> sg.Function:
    table, n = T.fmatrix("table"), T.lvector("n")
    return sg.function([table, n], T.tanh(table[n]).T[::-1])


def chain() -> sg.Function:
    x, y, z = T.fvector("x"), T.fvector("y"), T.fvector("z")
    return sg.function([x, y, z], 2 * x + y - T.tanh(y * z))


def logsumexp_with_gradient() -> sg.Function:
    x = T.fmatrix("x")
    cost = T.logsumexp(x, axis=1)
    return sg.function([x], [cost, T.grad(cost.sum(), x)])


def mean_and_variance() -> sg.Function:
    x = T.dmatrix("x")
    return sg.function([x], [x.mean(1), x.var(1)])


def sums_along_both_axes() -> sg.Function:
    x = T.fmatrix("x")
    return sg.function([x], [x.sum(0), x.sum(1), x.sum()])


def hidden_layer() -> sg.Function:
    x = T.fmatrix("x")
    w, b = sg.shared(np.zeros((3, 3), "f"), name="w"), sg.shared(np.zeros(3, "f"), name="b")
    h = T.tanh(T.dot(x, w) + b)
    return sg.function([x], T.grad(T.sqr(h).sum(), [w, b]))


def momentum() -> sg.Function:
    g, rate = T.dvector("g"), T.dscalar("rate")
    w, v = sg.shared(np.zeros(3), name="w"), sg.shared(np.zeros(3), name="v")
    step = 0.9 * v - rate * g
    return sg.function([g, rate], updates=[(v, step), (w, w + step)])


def embedding_update() -> sg.Function:
    n, g = T.lvector("n"), T.dmatrix("g")
    w = sg.shared(np.zeros((5, 3)), name="w")
    return sg.function([n, g], updates=[(w, T.inc_subtensor(w[n], -0.1 * g))])


def joined_and_shifted() -> sg.Function:
    x = T.dvector("x")
    return sg.function([x], T.concatenate([x[1:], x[:1]]) - x[::-1])


def argmax_of_rows() -> sg.Function:
    x = T.fmatrix("x")
    return sg.function([x], [T.argmax(x, axis=1), T.max(x, axis=1)])


def masked_mean() -> sg.Function:
    x, mask = T.dmatrix("x"), T.bmatrix("mask")
    return sg.function([x, mask], T.switch(mask, x, 0.0).sum(1) / T.cast(mask, "int64").sum(1))


def transposed_sum() -> sg.Function:
    x, y = T.dmatrix("x"), T.dmatrix("y")
    return sg.function([x, y], x.T * 2 + y)


def running_sum() -> sg.Function:
    x = T.dvector("x")
    rows, _ = sg.scan(lambda a, total: total * 0.5 + a, sequences=[x], outputs_info=[T.zeros(())])
    return sg.function([x], rows)


def outer_product() -> sg.Function:
    x, y = T.dvector("x"), T.dvector("y")
    return sg.function([x, y], T.exp(T.outer(x, y)).sum(1))


def whole_numbers() -> sg.Function:
    n = T.lvector("n")
    return sg.function([n], [n // 3 % 5, T.eq(n, 2).sum()])


def scalar_only() -> sg.Function:
    x, y = T.dscalar("x"), T.dscalar("y")
    return sg.function([x, y], T.sqrt(x * x + y * y))


CASES = [
    layer_norm, softmax, logistic_regression, normalised_columns, look_up, chain,
    logsumexp_with_gradient, mean_and_variance, sums_along_both_axes, hidden_layer, momentum,
    embedding_update, joined_and_shifted, argmax_of_rows, masked_mean, transposed_sum, running_sum,
    outer_product, whole_numbers, scalar_only,
]  # fmt: skip


@pytest.mark.parametrize("make", CASES, ids=lambda f: f.__name__)
def test_the_code_is_what_was_reviewed(make: Callable[[], sg.Function]) -> None:
    text = readable(make().source())
    path = FOLDER / f"{make.__name__}.txt"
    if os.environ.get("SYMGRAPH_SNAPSHOTS") == "write":
        path.write_text(text)
    assert text == path.read_text()


def readable(text: str) -> str:
    """The code without scalar functions, and without the lines of this file in its comments."""
    text = re.sub(r"@scalar\n.*?\n\n\n", "", text, flags=re.DOTALL)
    return re.sub(r"^ *# .*\n", "", text, flags=re.MULTILINE)


def arguments(f: sg.Function) -> list[np.ndarray]:
    """Small values for the inputs of a function; three everywhere, so that all sizes agree."""
    rng = np.random.default_rng(0)
    arrays = []
    for spec in f.inputs:
        kind = spec.variable.type
        whole = kind.dtype.startswith("int")
        value = rng.integers(0, 3, (3,) * kind.ndim) if whole else rng.normal(size=(3,) * kind.ndim)
        arrays.append(np.asarray(value).astype(kind.dtype))
    return arrays


@pytest.mark.parametrize("make", CASES, ids=lambda f: f.__name__)
def test_the_text_runs(make: Callable[[], sg.Function]) -> None:
    """Compiled by numba, the text that people read computes what the other target does."""
    f = make()
    copy = side.load(f.trace.plans[0], f.trace.titles[0], None)
    arrays = arguments(f)
    given = [*arrays, *(s.get_value() for s in f.shared), *f._whole().constants]
    found, expected = copy.call(*given), f(*arrays)
    expected = [expected] if isinstance(expected, np.ndarray) else expected or []
    for a, b in zip(found, expected, strict=False):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_what_is_fused() -> None:
    counts = {make.__name__: len(make().kernels) for make in CASES}
    assert counts["softmax"] == counts["layer_norm"] == counts["chain"] == counts["momentum"] == 1
    assert counts["logsumexp_with_gradient"] == counts["argmax_of_rows"] == 1
    assert counts["look_up"] == 3  # the indices are looked at first, the transpose comes last


def test_comments_name_the_users_lines() -> None:
    source = softmax().source()
    assert "test_generated.py:" in source
    assert "T.nnet.softmax(x)" in source
