"""Every rewrite rule, tested from its own declaration.

A rule brings examples: the left side of an equation, or graphs built beside a function. On each
of them it has to fire, keep the values (and NaN and infinities, as far as its safety promises),
and leave a graph in which nothing is left to do.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

import symgraph.tensor as T
from symgraph.graph import Constant, Graph, Variable, equal_computations, inputs, toposort
from symgraph.interpret import interpret
from symgraph.ops.linalg import Dot, Gemm
from symgraph.ops.lookup import AdvancedIncSubtensor
from symgraph.ops.reduce import Sum
from symgraph.rewrite import (
    EXACT,
    NAN_BLIND,
    ROUNDING,
    RewriteReport,
    Rule,
    RuleSet,
    readers_of,
    rewrite,
)
from symgraph.rules import ALL, DEFAULT
from symgraph.rules.equations import Equation, instantiate
from symgraph.types import TensorType

RULES = list(ALL.known)
EQUATIONS = [rule for rule in RULES if isinstance(rule, Equation)]
CAREFUL = [rule for rule in RULES if rule.safety in (EXACT, ROUNDING)]
SIZE = 7  # of every axis that an example leaves open
ORDINARY = np.array([-2.5, -1.0, -0.3, 0.0, 0.2, 1.0, 1.5, 3.0])
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.7, 1.0, 2.0])


def simplified(rules: RuleSet, *outputs: Variable) -> tuple[list[Variable], RewriteReport]:
    report = RewriteReport()
    return list(rewrite(Graph((), outputs), rules, report=report).outputs), report


def firing(rule: Rule, var: Variable) -> list[Variable]:
    """The variable rewritten by the rule alone and among the others; at least once it fires."""
    rules = [ALL.only(rule.name), DEFAULT.including(rule.name)]
    found = [simplified(chosen, var) for chosen in rules]
    assert any(report.hits[rule.name] for _, report in found), f"{rule.name} does not fire"
    return [outputs[0] for outputs, _ in found]


def value_for(var: Variable, rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    kind = var.type
    assert isinstance(kind, TensorType)
    shape = [n if isinstance(n, int) else SIZE for n in kind.shape]
    if kind.dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if kind.dtype.startswith(("int", "uint")):
        # indices and sizes at once: a scalar is a size, a vector holds indices
        return np.asarray(rng.integers(0, 3, shape) if shape else SIZE, dtype=kind.dtype)
    return np.asarray(rng.choice(values, shape), dtype=kind.dtype)


def draws(var: Variable, values: np.ndarray, seeds: int = 12) -> list[dict[Variable, np.ndarray]]:
    free = [v for v in inputs([var]) if not isinstance(v, Constant)]
    return [
        {v: value_for(v, np.random.default_rng([seed, k]), values) for k, v in enumerate(free)}
        for seed in range(seeds)
    ]


def values_of(variables: Sequence[Variable], given: dict[Variable, np.ndarray]) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return interpret(variables, given)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_fires_and_keeps_values(rule: Rule) -> None:
    for left in rule.examples():
        rights = firing(rule, left)
        for given in draws(left, ORDINARY if rule.safety != "fast" else ORDINARY[ORDINARY > 0]):
            want, *found = values_of([left, *rights], given)
            for right in found:
                assert (right.dtype, right.shape) == (want.dtype, want.shape)
                if rule.safety in (EXACT, ROUNDING):
                    assert_close(right, want, where=~np.isnan(want))
                else:
                    assert_close(right, want, where=np.isfinite(want))


def assert_close(found: np.ndarray, want: np.ndarray, where: np.ndarray) -> None:
    rtol, atol = (1e-6, 3e-7) if want.dtype == "float32" else (1e-11, 1e-13)
    np.testing.assert_allclose(found[where], want[where], rtol=rtol, atol=atol)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_result_is_settled(rule: Rule) -> None:
    rules = DEFAULT.including(rule.name)
    for left in rule.examples():
        once, _ = simplified(rules, left)
        twice, report = simplified(rules, *once)
        assert not report.hits
        assert equal_computations(once, twice)


@pytest.mark.parametrize("rule", CAREFUL, ids=lambda r: r.name)
def test_keeps_nan_and_infinities(rule: Rule) -> None:
    """What is not NaN stays, infinite or not; and NaN comes out where it goes in."""
    for left in rule.examples():
        rights = firing(rule, left)
        for given in draws(left, SPECIAL, seeds=25):
            want, *found = values_of([left, *rights], given)
            for right in found:
                assert_close(right, want, where=~np.isnan(want))
        for given in draws(left, np.array([np.nan, 0.5, -2.0]), seeds=12):
            want, *found = values_of([left, *rights], given)
            for right in found:
                np.testing.assert_array_equal(np.isnan(right) | ~np.isnan(want), True)


@pytest.mark.parametrize("rule", [r for r in RULES if r.safety == EXACT], ids=lambda r: r.name)
def test_exact_rules_are_exact(rule: Rule) -> None:
    for left in rule.examples():
        alone = simplified(ALL.only(rule.name), left)[0][0]
        for given in draws(left, np.array([*SPECIAL, 0.1, 1 / 3, 1e5])):
            want, found = values_of([left, alone], given)
            np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "bool", "float32"])
@pytest.mark.parametrize("rule", EQUATIONS, ids=lambda r: r.name)
def test_equations_hold_in_other_dtypes(rule: Equation, dtype: str) -> None:
    """Where an equation fires on other dtypes it is right there too, overflow included."""
    operands = {w: TensorType(dtype, (None,))(w.name) for w in rule.wildcards}
    try:
        left = instantiate(rule.left, operands)
    except TypeError:
        pytest.skip(f"{rule.left} is not defined for {dtype}")
    rules = ALL.only(rule.name)
    (right,), _ = simplified(rules, left)
    extremes = {"bool": [False, True], "float32": [-2.0, -1.0, 0.5, 1.0, 3.0]}
    info = np.iinfo(dtype) if "int" in dtype else None
    few = extremes.get(dtype) or sorted(
        {int(info.min), int(info.max), max(-3, int(info.min)), 0, 1, 2}
    )
    columns = np.array(list(itertools.product(few, repeat=len(operands))), dtype=dtype).T
    given = dict(zip(operands.values(), columns, strict=True))
    want, found = values_of([left, right], given)
    assert (found.dtype, found.shape) == (want.dtype, want.shape)
    assert_close(found, want, where=np.isfinite(want))


@pytest.mark.parametrize("rule", EQUATIONS, ids=lambda r: r.name)
def test_equations_broadcast(rule: Equation) -> None:
    """Operands may have any rank: the result keeps the shape of the left side."""
    if rule.guard.examples:
        pytest.skip("the guard asks for certain operands")
    shapes = [(None,), (), (1, None)]
    operands = {
        w: TensorType("float64", shape)(w.name)
        for w, shape in zip(sorted(rule.wildcards, key=str), shapes, strict=False)
    }
    for order in itertools.permutations(operands.values()):
        left = instantiate(rule.left, dict(zip(operands, order, strict=True)))
        for right in firing(rule, left):
            for given in draws(left, ORDINARY[ORDINARY > 0], seeds=3):
                want, found = values_of([left, right], given)
                assert found.shape == want.shape
                assert_close(found, want, where=np.isfinite(want))


# --- what graphs come out ------------------------------------------------------------------


def ops_of(*outputs: Variable) -> list[str]:
    return sorted(str(node.op) for node in toposort(outputs))


def check(left: Variable, right: Variable, rules: RuleSet = DEFAULT) -> None:
    """Both sides become one and the same variable."""
    (found, wanted), _ = simplified(rules, left, right)
    assert found is wanted, f"{ops_of(found)} is not {ops_of(wanted)}"


x, y = T.dvector("x"), T.dvector("y")
m, k = T.dmatrix("m"), T.dmatrix("k")
n, a = T.lvector("n"), T.dscalar("a")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (x * 2 * 3, x * 6),
        (-(-x * 2) / 4, x * 0.5),
        ((x + 1) + (1 + 1), x + 3),
        (x**2 + x**1 + 1, T.sqr(x) + x + 1),
        (T.log(T.exp(x) + 1), T.nnet.softplus(x)),
        (T.log(1 - T.nnet.sigmoid(x)), -T.nnet.softplus(x)),
        (1 / (1 + T.exp(-x)), T.nnet.sigmoid(x)),
        (T.exp(x) / (T.exp(x) + 1), T.nnet.sigmoid(x)),
        (T.log(T.nnet.softmax(m)), T.nnet.logsoftmax(m)),
        (T.log(T.nnet.softmax(m)[n, n]), T.nnet.logsoftmax(m)[n, n]),
        (T.log(T.nnet.softmax(m)[:, 0]), T.nnet.logsoftmax(m)[:, 0]),
        (T.log(T.exp(m).sum(axis=1)), T.logsumexp(m, axis=1)),
        (T.exp(m) / T.exp(m).sum(1, keepdims=True), T.exp(m) / T.exp(m).sum(1).dimshuffle(0, "x")),
        (T.nnet.categorical_crossentropy(T.nnet.softmax(m), k), -(k * T.nnet.logsoftmax(m)).sum(1)),
        (x * T.ones_like(x) + T.zeros_like(x), x),
        (m.T.T, m),
        (T.dot(m.T, k.T), Dot(True, True)(m, k)),
        (T.dot(m, k).T, Dot(True, True)(k, m)),
        (m.sum(0).sum(0), m.sum()),
        (m.T.sum(0), m.sum(1)),
        (m[1:][2:, 3], m[3:, 3]),
        (T.switch(x > 0, T.switch(x > 0, x, y), y), T.switch(x > 0, x, y)),
        (m.reshape((m.shape[0], m.shape[1])) + m.flatten(2), m + m),
    ],
    ids=str,
)
def test_forms(left: Variable, right: Variable) -> None:
    check(left, right)


def test_gemm_takes_scale_and_addend() -> None:
    (out,), _ = simplified(DEFAULT, k - 0.5 * T.dot(m, m))
    assert isinstance(out.owner.op, Gemm)
    assert [float(v.data) for v in out.owner.inputs[3:]] == [-0.5, 1.0]


def test_a_product_read_twice_is_no_gemm() -> None:
    product = T.dot(m, m)
    outs, _ = simplified(DEFAULT, k + product, product)
    assert not any(isinstance(node.op, Gemm) for node in toposort(outs))


def test_a_row_is_no_addend_of_a_gemm() -> None:
    (out,), _ = simplified(DEFAULT, T.dot(m, m) + x)
    assert not isinstance(out.owner.op, Gemm)


# --- gradients stay exact where the functions they are of overflow -------------------------------

LOGITS = np.array([[1e3, 0.0, -1e3], [0.0, 1e3, 5.0], [1.0, 2.0, 3.0], [-1e3, -1e3, -2e3]])
LABELS = np.array([2, 1, 0, 2])


def exact_softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def losses() -> dict[str, Variable]:
    p, hot = T.nnet.softmax(m), T.eye(3)[n]
    by_hand = T.exp(m) / T.exp(m).sum(1, keepdims=True)
    return {
        "indexed": -T.log(p)[T.arange(n.shape[0]), n].mean(),
        "log of indexed": -T.log(p[T.arange(n.shape[0]), n]).mean(),
        "labels": T.nnet.categorical_crossentropy(p, n).mean(),
        "one-hot": T.nnet.categorical_crossentropy(p, hot).mean(),
        "logsoftmax": -T.nnet.logsoftmax(m)[T.arange(n.shape[0]), n].mean(),
        "by hand, one-hot": -(hot * T.log(by_hand)).sum() / n.shape[0],
        "by hand, labels": -T.log(by_hand[T.arange(n.shape[0]), n]).sum() / n.shape[0],
    }


@pytest.mark.parametrize("loss", list(losses()))
def test_cross_entropy_is_exact_for_large_logits(loss: str) -> None:
    cost = losses()[loss]
    outs, _ = simplified(DEFAULT, cost, T.grad(cost, m))
    value, gradient = interpret(outs, {m: LOGITS, n: LABELS})
    hot = np.eye(3)[LABELS]
    np.testing.assert_allclose(gradient, (exact_softmax(LOGITS) - hot) / 4, rtol=1e-12, atol=1e-15)
    top = LOGITS.max(1)
    logsumexp = top + np.log(np.exp(LOGITS - top[:, None]).sum(1))
    np.testing.assert_allclose(value, (logsumexp - (hot * LOGITS).sum(1)).mean(), rtol=1e-12)


def test_gradient_of_cross_entropy_is_softmax_minus_one_hot() -> None:
    cost = losses()["labels"]
    (gradient,), _ = simplified(DEFAULT, T.grad(cost, m))
    assert isinstance(gradient.owner.op, AdvancedIncSubtensor)
    reductions = [node for node in toposort([gradient]) if isinstance(node.op, Sum)]
    assert len(reductions) == 1
    assert "Log" not in ops_of(gradient)


def binary_losses() -> dict[str, Variable]:
    p = T.nnet.sigmoid(x)
    return {
        "binary_crossentropy": T.nnet.binary_crossentropy(p, y).sum(),
        "written out": -(y * T.log(p) + (1 - y) * T.log(1 - p)).sum(),
        "log1p": -(y * T.log(p) + (1 - y) * T.log1p(-p)).sum(),
        "sigmoid by hand": -(
            y * T.log(1 / (1 + T.exp(-x))) + (1 - y) * T.log(1 - 1 / (1 + T.exp(-x)))
        ).sum(),
        "on logits": T.nnet.sigmoid_binary_crossentropy(x, y).sum(),
    }


@pytest.mark.parametrize("loss", list(binary_losses()))
def test_binary_cross_entropy_is_exact_for_large_logits(loss: str) -> None:
    cost = binary_losses()[loss]
    outs, _ = simplified(DEFAULT, cost, T.grad(cost, x))
    logits = np.array([1e3, -1e3, 1e3, -1e3, 0.3, 40.0])
    targets = np.array([0.0, 1.0, 1.0, 0.0, 0.25, 1.0])
    value, gradient = interpret(outs, {x: logits, y: targets})
    sigmoid = 1 / (1 + np.exp(-np.clip(logits, -700, 700)))
    np.testing.assert_allclose(gradient, sigmoid - targets, rtol=1e-12, atol=1e-15)
    want = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
    np.testing.assert_allclose(value, want.sum(), rtol=1e-12)


@pytest.mark.parametrize(
    "cost",
    [
        T.log(1 + T.exp(x)),
        T.log1p(T.exp(x)),
        -T.log(T.nnet.sigmoid(-x)),
        T.log(T.exp(x) + T.exp(0 * x)),
    ],
    ids=["log(1+exp)", "log1p(exp)", "log(sigmoid)", "logaddexp"],
)  # fmt: skip
def test_gradients_of_softplus_by_hand(cost: Variable) -> None:
    outs, _ = simplified(DEFAULT, cost.sum(), T.grad(cost.sum(), x))
    value, gradient = interpret(outs, {x: np.array([1e3, -1e3, 0.5])})
    np.testing.assert_allclose(value, 1e3 + np.log1p(np.exp(0.5)), rtol=1e-12)
    np.testing.assert_allclose(gradient, [1.0, 0.0, 1 / (1 + np.exp(-0.5))], rtol=1e-12)


def test_careful_rules_are_the_default() -> None:
    assert {rule.name for rule in DEFAULT if rule.safety not in (EXACT, ROUNDING)} == {
        "scaled_scatter"
    }
    assert NAN_BLIND in {rule.safety for rule in DEFAULT.including(NAN_BLIND)}


def test_a_chain_of_addends_takes_few_walks(monkeypatch):
    """What stands for a rewritten variable has its readers: else each link took a walk."""
    walks = []
    monkeypatch.setattr(
        "symgraph.rewrite.readers_of", lambda outputs: walks.append(1) or readers_of(outputs)
    )
    x, W = T.fmatrix("x"), T.fmatrix("W")
    for _ in range(30):
        x = x + T.dot(T.tanh(x), W)
    (out,), report = simplified(DEFAULT, x)
    assert report.hits["product_with_addend"] == 30
    assert sum(isinstance(node.op, Gemm) for node in toposort([out])) == 30
    assert len(walks) <= 3
