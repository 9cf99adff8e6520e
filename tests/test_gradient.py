"""Gradients as users ask for them: Jacobians, Hessians, products with them, partial walks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import gradient
from symgraph.errors import (
    DisconnectedInputError,
    GradientError,
    NonScalarCostError,
    NullTypeGradError,
    UnknownVariableError,
)
from symgraph.graph import Variable
from symgraph.interpret import interpret

rng = np.random.default_rng(7)
x, y, m = T.dvector("x"), T.dvector("y"), T.dmatrix("m")
X, Y, M = rng.normal(size=3), rng.normal(size=3), rng.normal(size=(3, 3))
AT = {x: X, y: Y, m: M}


def value(var: Variable, at: dict | None = None) -> np.ndarray:
    at = AT if at is None else at
    (expected,) = interpret([var], at)
    used = [v for v in at if v in sg.graph.inputs([var])]
    found = sg.function(used, var)(*(at[v] for v in used))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    return expected


def numeric_jacobian(f: Variable, wrt: Variable) -> np.ndarray:
    columns = []
    for place in np.ndindex(AT[wrt].shape):
        ends = []
        for sign in (1, -1):
            moved = AT[wrt].copy()
            moved[place] += sign * 1e-6
            ends.append(interpret([f], {**AT, wrt: moved})[0])
        columns.append((ends[0] - ends[1]) / 2e-6)
    return np.stack(columns, axis=-1).reshape(*np.shape(ends[0]), *AT[wrt].shape)


EXPRESSIONS: dict[str, Callable[[], Variable]] = {
    "elementwise": lambda: T.exp(x) * y,
    "sums": lambda: x * (x**2).sum() + m.sum(0) * x,
    "products": lambda: T.dot(m, x) * T.dot(x, m),
    "matrix": lambda: T.dot(m * x, m.T * x),
    "vector dot": lambda: T.dot(x, y) * x,
    "shapes": lambda: T.concatenate([x, (x * 2).dimshuffle("x", 0).flatten()]).reshape((2, 3)),
    "slices": lambda: x[1:] * x[:-1] + x[0],
    "look-up": lambda: x[[2, 0, 0]] * T.set_subtensor(x[1:], y[1:] * x[0]),
    "increments": lambda: T.inc_subtensor(m[[0, 2], [1, 1]], x[:2])[0],
    "softmax": lambda: T.nnet.softmax(m * x),
    "extrema": lambda: T.max(m * x, axis=1) + T.minimum(x, y),
    "switch": lambda: T.switch(x > 0, x**2, y * x),
    "stack": lambda: T.stack([x.sum(), x[0], y[1]]) * x,
    "outer": lambda: T.outer(x, x),
    "diagonal": lambda: (m * x).diagonal() * x,
    "prod": lambda: x.prod() * x,
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_jacobian(name: str) -> None:
    f = EXPRESSIONS[name]()
    for wrt in (x, m) if m in sg.graph.inputs([f]) else (x,):
        found = value(T.jacobian(f, wrt))
        np.testing.assert_allclose(found, numeric_jacobian(f, wrt), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_hessian(name: str) -> None:
    f = T.sin(EXPRESSIONS[name]()).sum()
    found = value(T.hessian(f, x))
    np.testing.assert_allclose(found, numeric_jacobian(T.grad(f, x), x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_products_with_the_jacobian(name: str) -> None:
    f = EXPRESSIONS[name]()
    jacobian = numeric_jacobian(f, x)
    rows = rng.normal(size=jacobian.shape[:-1])
    left = value(sg.Lop(f, x, T.constant(rows)))
    np.testing.assert_allclose(left, np.tensordot(rows, jacobian, rows.ndim), rtol=1e-5, atol=1e-6)
    right = value(sg.Rop(f, x, y))
    np.testing.assert_allclose(right, jacobian @ Y, rtol=1e-5, atol=1e-6)


def test_hessian_vector_product() -> None:
    cost = (T.exp(x) * T.dot(m, x)).sum()
    found = value(gradient.hessian_vector_product(cost, x, y))
    np.testing.assert_allclose(found, value(T.hessian(cost, x)) @ Y, rtol=1e-9)


def test_gradient_of_an_intermediate() -> None:
    middle = T.exp(x)
    cost = (middle * y).sum()
    np.testing.assert_array_equal(value(T.grad(cost, middle)), Y)
    np.testing.assert_allclose(value(T.grad(cost, [middle, x])[1]), np.exp(X) * Y)


def test_stable_forms_keep_what_is_asked_for() -> None:
    weight, rows = T.nnet.sigmoid(x), T.nnet.softmax(m)
    cost = (y * T.log(weight)).sum() - T.log(rows)[T.arange(3), [0, 2, 1]].mean()
    w, p = 1 / (1 + np.exp(-X)), np.exp(M) / np.exp(M).sum(1, keepdims=True)
    chosen = np.eye(3)[[0, 2, 1]]
    by_weight, by_rows, by_x = T.grad(cost, [weight, rows, x])
    np.testing.assert_allclose(value(by_weight), Y / w)
    np.testing.assert_allclose(value(by_rows), -chosen / p / 3)
    np.testing.assert_allclose(value(by_x), Y * (1 - w))
    held = T.grad(cost + (x * y).sum(), x, consider_constant=[weight])
    np.testing.assert_allclose(value(held), Y)
    again = T.grad(by_weight.sum(), weight)
    np.testing.assert_allclose(value(again), -Y / w**2)
    np.testing.assert_allclose(value(T.grad(cost, m)), (p - chosen) / 3)


def test_known_gradients_join_the_cost() -> None:
    middle = x**2
    g = T.grad(middle.sum(), x, known_grads={middle: y})
    np.testing.assert_allclose(value(g), 2 * X * (1 + Y))
    np.testing.assert_allclose(value(T.grad(None, x, known_grads={middle: y})), 2 * X * Y)


def test_considered_constant() -> None:
    middle = x**2
    g = T.grad((middle * x).sum(), x, consider_constant=[middle])
    np.testing.assert_allclose(value(g), X**2)


def test_subgraph_gradients_chain() -> None:
    hidden = T.tanh(T.dot(x, m))
    cost = (hidden**2).sum()
    of_part, at_end = gradient.subgraph_grad(wrt=[hidden], end=[hidden], cost=cost)
    (whole,), _ = gradient.subgraph_grad(wrt=[m], end=[x], start={hidden: at_end[0]})
    np.testing.assert_allclose(value(of_part[0]), 2 * value(hidden))
    np.testing.assert_allclose(value(whole), value(T.grad(cost, m)))


def test_barriers() -> None:
    np.testing.assert_array_equal(value(T.grad((sg.gradient.disconnected_grad(x) * x).sum(), x)), X)
    zero = T.grad((sg.gradient.zero_grad(x) * y).sum(), x)
    np.testing.assert_array_equal(value(zero * y), np.zeros(3))
    clipped = T.grad((gradient.grad_clip(x, -0.5, 0.5) * 3).sum(), x)
    np.testing.assert_array_equal(value(clipped + 0 * x), np.full(3, 0.5))
    scaled = T.grad((gradient.grad_scale(x, -2.0) * y).sum(), x)
    np.testing.assert_allclose(value(scaled), -2 * Y)
    with pytest.raises(NullTypeGradError, match="declared undefined"):
        T.grad(gradient.undefined_grad(x).sum(), x)


def test_switch_gives_exactly_zero_in_the_branch_not_taken() -> None:
    at = {x: np.array([0.0, 4.0, -1.0])}
    for f in (
        T.switch(x > 0, T.sqrt(x), 0.0),
        T.switch(x > 0, T.log(x) * x, x * 0),
        T.switch(x > 0, T.exp(T.sqrt(x)), 0.0) * 2,
    ):
        found = value(T.grad(f.sum(), x), at)
        assert np.isfinite(found).all()
        assert (found[[0, 2]] == 0).all()


def test_a_gradient_is_right_at_ties_between_copies() -> None:
    twice = T.concatenate([x, x])
    np.testing.assert_array_equal(value(T.grad(twice.max(), x)), np.equal(X, X.max()))


def test_gradients_of_gradients() -> None:
    f = (x**4).sum()
    for power, factor in ((3, 4), (2, 12), (1, 24)):
        f = T.grad(f, x).sum()
        np.testing.assert_allclose(value(f), (factor * X**power).sum())


def test_forms_of_the_answer() -> None:
    cost = (x * y).sum()
    assert isinstance(T.grad(cost, [x]), list)
    assert isinstance(T.grad(cost, (x, y)), tuple)
    cost.name = "cost"
    assert T.grad(cost, x**1, disconnected_inputs="ignore").name is None
    named = T.grad((x**2).sum().copy("c"), x)
    assert named.name == "(dc/dx)"


def test_disconnected() -> None:
    cost = (x**2).sum()
    with pytest.raises(DisconnectedInputError, match=r"does not depend on y .*test_gradient"):
        T.grad(cost, y)
    with pytest.warns(UserWarning, match="does not depend on y"):
        T.grad(cost, y, disconnected_inputs="warn")
    np.testing.assert_array_equal(value(T.grad(cost, y, disconnected_inputs="ignore") + y), Y)
    ignored = T.grad(cost, y, disconnected_inputs="ignore", return_disconnected="none")
    assert ignored is None


def test_what_cannot_be_differentiated() -> None:
    with pytest.raises(NonScalarCostError, match=r"not a scalar; sum or\s+average it"):
        T.grad(x**2, x)
    with pytest.raises(NonScalarCostError, match="only real floating"):
        T.grad(T.argmax(x), x)
    with pytest.raises(UnknownVariableError, match="symbolic"):
        T.grad((x**2).sum(), np.ones(3))
    with pytest.raises(UnknownVariableError, match="not a variable"):
        T.grad(3.0, x)
    n = T.lvector("n")
    with pytest.raises(DisconnectedInputError, match="holds integers"):
        T.grad((n * 2.0).sum(), n)


def test_verify_grad_finds_a_wrong_gradient() -> None:
    T.verify_grad(lambda a, b: T.dot(a, b) * T.tanh(a), [M, M])
    T.verify_grad(lambda a: T.exp(a), [X.astype("float32")])
    with pytest.raises(GradientError, match="central differences give"):
        T.verify_grad(lambda a: gradient.grad_scale(a, 1.01) ** 2, [X])


def test_deep_chains_differentiate() -> None:
    z = x
    for _ in range(10_000):
        z = z * 1.0001 + 0.00001
    g = T.grad(z.sum(), x)
    found = sg.function([x], g, mode="interpret")(X)
    np.testing.assert_allclose(found, np.full(3, 1.0001**10_000), rtol=1e-9)
