"""Tools that programs rely on: graphs as ops, prints, checks, lists, ops in Theano's form."""

from __future__ import annotations

import pdb
import pickle

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
import symgraph.typed_list as typed_list
from symgraph.gradient import DisconnectedType, NullType, grad_not_implemented, grad_undefined
from symgraph.ops.inner import GraphOp
from symgraph.typed_list import TypedListType

X = np.array([1.0, -2.0, 3.0])
Y = np.array([0.5, 4.0, -1.0])
x, y = T.dvector("x"), T.dvector("y")


# --- graphs as ops -------------------------------------------------------------------------


def scaled(**options: object) -> sg.OpFromGraph:
    a, b = T.dvectors("a", "b")
    return sg.OpFromGraph([a, b], [T.tanh(a) * b], name="scaled", **options)


def ops_of(f: sg.Function) -> list[str]:
    return sorted(type(node.op).__name__ for node in f.graph.toposort())


def test_a_graph_as_an_op_is_opened_and_fuses() -> None:
    op = scaled()
    out = op(x, op(y, x)).sum()
    f = sg.function([x, y], [out, *T.grad(out, [x, y])])
    plain = (T.tanh(x) * (T.tanh(y) * x)).sum()
    expected = sg.function([x, y], [plain, *T.grad(plain, [x, y])])
    for found, want in zip(f(X, Y), expected(X, Y), strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-12)
    assert ops_of(f) == ops_of(expected)
    assert len(f.kernels) == len(expected.kernels)
    g = sg.function([x, y], out, mode="interpret")
    assert g(X, Y) == pytest.approx(f(X, Y)[0])


def test_it_is_one_node_and_its_graph_is_shown() -> None:
    text = sg.debugprint(scaled()(x, y), file="str")
    assert text.count("scaled") >= 1
    assert "tanh" in text.lower()


def test_shared_variables_inside() -> None:
    w = sg.shared(np.array(2.0), name="w")
    a = T.dvector("a")
    op = sg.OpFromGraph([a], [a * w])
    out = op(x).sum()
    f = sg.function([x], [out, T.grad(out, w), T.grad(out, x)], updates=[(w, w + 1)])
    assert f(X)[0] == 2 * X.sum()
    assert f(X)[0] == 3 * X.sum()
    assert f(X)[1] == X.sum()
    again = pickle.loads(pickle.dumps(f))
    assert again(X)[0] == 5 * X.sum()


def test_it_needs_all_its_inputs() -> None:
    with pytest.raises(sg.errors.MissingInputError, match="depends on y"):
        sg.OpFromGraph([x], [x + y])


@pytest.mark.parametrize(
    "options",
    [
        {"lop_overrides": lambda i, o, g: [g[0] * 7, g[0] * o[0]]},
        {"lop_overrides": [lambda i, o, g: g[0] * 7, lambda i, o, g: g[0] * o[0]]},
        {"grad_overrides": lambda i, g: [g[0] * 7, g[0] * T.tanh(i[0]) * i[1]]},
    ],
)
def test_overridden_gradients(options: dict[str, object]) -> None:
    out = scaled(**options)(x, y)
    f = sg.function([x, y], T.grad(out.sum(), [x, y]))
    first, second = f(X, Y)
    np.testing.assert_allclose(first, np.full(3, 7.0))
    np.testing.assert_allclose(second, np.tanh(X) * Y)


def test_some_gradients_overridden() -> None:
    out = scaled(lop_overrides=["default", None])(x, y).sum()
    np.testing.assert_allclose(T.grad(out, x).eval({x: X, y: Y}), Y / np.cosh(X) ** 2, rtol=1e-12)
    with pytest.raises(sg.errors.DisconnectedInputError):
        T.grad(out, y)
    out = scaled(lop_overrides=[NullType("not this one")(), DisconnectedType()()])(x, y).sum()
    with pytest.raises(sg.errors.NullTypeGradError, match="not this one"):
        T.grad(out, x)
    assert T.grad(out, y, disconnected_inputs="ignore", return_disconnected="none") is None


def test_a_graph_overrides_a_gradient() -> None:
    a, b, out, g = T.dvectors("a", "b", "out", "g")
    back = sg.OpFromGraph([a, b, out, g], [g * 3 + a * 0 + b * 0 + out * 0, g * 0])
    cost = scaled(lop_overrides=back)(x, y).sum()
    np.testing.assert_allclose(T.grad(cost, x).eval({x: X, y: Y}), np.full(3, 3.0))


def test_derivatives_along_vectors() -> None:
    v = T.dvector("v")
    plain = T.Rop(T.exp(T.tanh(x) * y), x, v)
    f = sg.function([x, y, v], [plain, T.Rop(T.exp(scaled()(x, y)), x, v)])
    want, found = f(X, Y, np.ones(3))
    np.testing.assert_allclose(found, want, rtol=1e-12)
    own = scaled(rop_overrides=lambda i, e: [e[0] * 5])
    doubled = T.Rop(T.exp(own(x, y)), x, v)
    want = np.exp(np.tanh(X) * Y) * 5
    np.testing.assert_allclose(doubled.eval({x: X, y: Y, v: np.ones(3)}), want, rtol=1e-12)


def test_second_derivatives_go_through() -> None:
    op = scaled()
    first = T.grad(op(x, y).sum(), x).sum()
    plain = T.grad(T.grad((T.tanh(x) * y).sum(), x).sum(), x)
    f = sg.function([x, y], [T.grad(first, x), plain])
    found, want = f(X, Y)
    np.testing.assert_allclose(found, want, rtol=1e-10)


def test_without_rules_it_is_interpreted() -> None:
    f = sg.function([x, y], scaled()(x, y) + 1, mode=sg.Mode().excluding("open_inner_graph"))
    assert any(isinstance(node.op, GraphOp) for node in f.graph.toposort())
    np.testing.assert_allclose(f(X, Y), np.tanh(X) * Y + 1)


# --- what lets values pass -----------------------------------------------------------------


def test_print_shows_a_value_between_native_parts(capsys: pytest.CaptureFixture[str]) -> None:
    out = sg.Print("squares", attrs=("shape", "max"))(x**2) + 1
    f = sg.function([x], [out, T.grad(out.sum(), x)])
    value, slope = f(X)
    assert capsys.readouterr().out == "squares shape = (3,)\nsquares max = 9.0\n"
    np.testing.assert_array_equal(value, X**2 + 1)
    np.testing.assert_array_equal(slope, 2 * X)


def test_print_takes_a_function_and_updates_work() -> None:
    seen: list[float] = []
    s = sg.shared(1.0)
    shown = sg.Print(global_fn=lambda op, value: seen.append(float(value)))(s * 2)
    f = sg.function([], [], updates=[(s, shown)])
    f()
    f()
    assert seen == [2.0, 4.0]
    assert s.get_value() == 4.0


def test_breakpoint_starts_the_debugger_when_its_condition_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stops: list[int] = []
    monkeypatch.setattr(pdb, "set_trace", lambda: stops.append(1))
    a, b = sg.PdbBreakpoint("large")(T.gt(x.sum(), 10), x, y)
    f = sg.function([x, y], [a + b, T.grad((a * b).sum(), x)])
    f(X, Y)
    assert stops == []
    total, slope = f(X + 10, Y)
    assert stops == [1]
    assert "large" in capsys.readouterr().out
    np.testing.assert_array_equal(total, X + 10 + Y)
    np.testing.assert_array_equal(slope, Y)
    alone = sg.PdbBreakpoint("one")(0, x)
    assert alone.type == x.type


@pytest.mark.parametrize("mode", ["fast_run", "interpret", "verify"])
def test_checks_are_native_guards(mode: str) -> None:
    s = sg.shared(np.ones(3))
    checked = T.Assert("x is negative")(x, x >= 0, T.lt(x.sum(), 100))
    out = T.sqrt(checked)
    f = sg.function([x], [out, T.grad(out.sum(), x)], updates=[(s, s + checked)], mode=mode)
    value, slope = f(abs(X))
    np.testing.assert_allclose(value, np.sqrt(abs(X)))
    np.testing.assert_allclose(slope, 0.5 / np.sqrt(abs(X)))
    before = s.get_value()
    with pytest.raises(AssertionError, match="x is negative"):
        f(X)
    np.testing.assert_array_equal(s.get_value(), before)


def test_checks_are_part_of_one_kernel() -> None:
    out = T.exp(T.Assert("small")(x * 2, x.sum() > 0)) + 1
    f = sg.function([x], out)
    assert len(f.trace.plans) == 1
    assert "CheckAndRaise" in ops_of(f)
    free = sg.function([x], out, mode=sg.Mode().including("remove_checks"))
    assert "CheckAndRaise" not in ops_of(free)
    np.testing.assert_allclose(free(-abs(X)), np.exp(-2 * abs(X)) + 1)


def test_checks_of_scalars_raise_what_is_asked_for() -> None:
    n = T.lscalar("n")
    f = sg.function([n], T.CheckAndRaise(KeyError, "odd")(n, T.eq(n % 2, 0)) * 2)
    assert f(4) == 8
    with pytest.raises(KeyError, match="odd"):
        f(3)
    with pytest.raises(NotImplementedError, match="never"):
        T.Raise("never")(x).eval({x: X})
    with pytest.raises(sg.errors.GraphTypeError, match="class of exceptions"):
        T.CheckAndRaise("ValueError", "no")
    assert T.assert_op(x, True).eval({x: X}).tolist() == X.tolist()


# --- lists ---------------------------------------------------------------------------------


def test_typed_lists() -> None:
    kind = TypedListType(T.dvector.type)
    xs, k = kind("xs"), T.lscalar("k")
    outputs = [
        xs.append(x), xs.extend(xs), xs.insert(1, x), xs.remove(x), xs.reverse(),
        xs[k] + 1, xs[1:], xs[::-2], typed_list.length(xs), xs.count(x), xs.ind(x),
    ]  # fmt: skip
    f = sg.function([xs, x, k], outputs)
    given = [Y, X, X[:2]]
    found = f(given, X, 2)
    wanted = [
        [*given, X], given * 2, [Y, X, X, X[:2]], [Y, X[:2]], given[::-1],
        X[:2] + 1, given[1:], given[::-2], 3, 1, 1,
    ]  # fmt: skip
    for have, want in zip(found, wanted, strict=True):
        assert len(np.atleast_1d(have) if not isinstance(want, list) else have) == len(
            np.atleast_1d(want) if not isinstance(want, list) else want
        )
        for a, b in zip(have, want, strict=True) if isinstance(want, list) else [(have, want)]:
            np.testing.assert_array_equal(a, b)
    with pytest.raises(sg.errors.IndexRangeError):
        f(given, X, 5)
    with pytest.raises(sg.errors.InputTypeError):
        f(X, X, 1)


def test_lists_of_variables() -> None:
    made = typed_list.make_list([x * 2, y])
    f = sg.function([x, y], [made, typed_list.length(made), made[0].sum()], mode="verify")
    (first, second), count, total = f(X, Y)
    np.testing.assert_array_equal(first, 2 * X)
    np.testing.assert_array_equal(second, Y)
    assert (count, total) == (2, 2 * X.sum())
    with pytest.raises(sg.errors.GraphTypeError, match="one type"):
        typed_list.make_list([x, T.dmatrix()])
    with pytest.raises(sg.errors.GraphTypeError, match="not a typed list"):
        typed_list.length(x)


# --- ops of the user's own -----------------------------------------------------------------


class Backwards(sg.Op):
    """An op in Theano's form: types, a view, no make_node."""

    __props__ = ()
    itypes = [T.dvector.type]
    otypes = [T.dvector.type]
    view_map = {0: [0]}

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0][::-1]

    def infer_shape(self, node, shapes):
        return shapes

    def grad(self, inputs, output_grads):
        return [Backwards()(output_grads[0])]


class Clearing(sg.Op):
    """Overwrites its input, uses the first of its two."""

    __props__ = ()
    destroy_map = {0: [0]}

    def make_node(self, x, n, dtype="float64"):
        x, n = T.as_tensor_variable(x), T.as_tensor_variable(n)
        return sg.Apply(self, [x, n], [x.type.clone(dtype=dtype)(), T.dscalar()])

    def perform(self, node, inputs, output_storage):
        inputs[0][0] = 0
        output_storage[0][0] = inputs[0]
        output_storage[1][0] = np.asarray(float(len(inputs[0])))

    def connection_pattern(self, node):
        return [[True, False], [False, False]]

    def L_op(self, inputs, outputs, output_grads):
        return [
            T.set_subtensor(output_grads[0][0], 0.0),
            grad_undefined(self, 1, inputs[1], "it counts"),
        ]


class Cube(sg.Op):
    """Has an R_op of its own, and a gradient that has none."""

    __props__ = ()

    def make_node(self, x):
        return sg.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] ** 3

    def grad(self, inputs, output_grads):
        return [grad_not_implemented(self, 0, inputs[0])]

    def R_op(self, inputs, eval_points):
        return [None if eval_points[0] is None else 3 * inputs[0] ** 2 * eval_points[0]]


def test_ops_in_theanos_form() -> None:
    out = Backwards()(x * 2) + 1
    f = sg.function([x], [out, T.grad((out * y).sum(), x), out.shape[0]], givens={y: Y})
    value, slope, size = f(X)
    np.testing.assert_array_equal(value, 2 * X[::-1] + 1)
    np.testing.assert_array_equal(slope, 2 * Y[::-1])
    assert size == 3
    only = sg.function([x], out.shape[0])
    assert "Backwards" not in ops_of(only)
    with pytest.raises(sg.errors.GraphTypeError, match="takes 1 inputs"):
        Backwards()(x, y)


def test_ops_that_overwrite_their_input() -> None:
    first, count = Clearing()(x, 3.0)
    f = sg.function([x], [first, count, x + 1, T.grad(first.sum(), x)])
    given = X.copy()
    cleared, number, more, slope = f(given)
    np.testing.assert_array_equal(given, X)
    np.testing.assert_array_equal(cleared, [0.0, -2.0, 3.0])
    np.testing.assert_array_equal(more, X + 1)
    np.testing.assert_array_equal(slope, [0.0, 1.0, 1.0])
    assert number == 3
    outs = Clearing()(T.fvector(), 1.0, dtype="float32", return_list=True)
    assert [v.dtype for v in outs] == ["float32", "float64"]


def test_gradients_that_are_not_there() -> None:
    n = T.dscalar("n")
    first, _ = Clearing()(x, n)
    with pytest.raises(sg.errors.DisconnectedInputError):
        T.grad(first.sum(), n)
    with pytest.raises(sg.errors.NullTypeGradError, match=r"Cube.*not implemented"):
        T.grad(Cube()(x).sum(), x)
    assert T.grad(Cube()(x).sum(), x, null_gradients="return", disconnected_inputs="ignore",
                  return_disconnected="none") is None  # fmt: skip
    with pytest.raises(sg.errors.GraphTypeError, match="gives 1 variables for 2 inputs"):
        T.grad(Short()(x, y).sum(), x)


class Short(Clearing):
    """Forgets an input in its gradient."""

    destroy_map = {}

    def make_node(self, x, y):
        return sg.Apply(self, [x, y], [x.type()])

    def L_op(self, inputs, outputs, output_grads):
        return [output_grads[0]]


def test_rop_uses_an_ops_own() -> None:
    v = T.dvector("v")
    pushed = T.Rop(T.exp(Cube()(x) * y), x, v)
    want = np.exp(X**3 * Y) * Y * 3 * X**2 * 0.5
    np.testing.assert_allclose(pushed.eval({x: X, y: Y, v: np.full(3, 0.5)}), want, rtol=1e-12)


def test_as_op_with_shapes() -> None:
    calls = []

    def twice(a, n):
        calls.append(1)
        return np.repeat(a, n)

    def sizes(node, shapes):
        return [(shapes[0][0] * node.inputs[1],)]

    op = sg.as_op([T.dvector, T.lscalar], [T.dvector], infer_shape=sizes)(twice)
    n = T.lscalar("n")
    f = sg.function([x, n], op(x, n).shape[0])
    assert f(X, 4) == 12
    assert not calls
    assert op(x, n).eval({x: X, n: 2}).tolist() == np.repeat(X, 2).tolist()


def test_load(tmp_path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.arange(6.0).reshape(2, 3).T)
    for mode in (None, "r"):
        f = sg.function([], T.load(path, "float64", (False, False), mmap_mode=mode) * 2)
        np.testing.assert_array_equal(f(), 2 * np.load(path))
    np.save(path, np.ones((1, 1)))
    assert f().tolist() == [[2.0]]
    np.save(path, np.ones(3))
    with pytest.raises(sg.errors.InputTypeError, match="1 axes"):
        f()
    with pytest.raises(sg.errors.GraphTypeError, match="mmap_mode"):
        T.load(path, "float64", (False,), mmap_mode="w+")


def test_barriers_are_complete() -> None:
    cost = (T.grad_clip(x * 4, -1, 1) * 3).sum() + (T.grad_scale(y, -2) * y).sum()
    f = sg.function([x, y], T.grad(cost, [x, y]))
    first, second = f(X, Y)
    np.testing.assert_array_equal(first, np.full(3, 4.0))
    np.testing.assert_array_equal(second, Y - 2 * Y)
    stopped = (T.consider_constant(x) * x + T.zero_grad(x) + T.disconnected_grad(x)).sum()
    np.testing.assert_array_equal(T.grad(stopped, x).eval({x: X}), X)
    with pytest.raises(sg.errors.NullTypeGradError):
        T.grad(T.undefined_grad(x).sum(), x)
