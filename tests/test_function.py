"""Functions as users call them: arguments, results, updates, copies, and what goes wrong."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import errors
from symgraph.config import config

x, y, m = T.dvector("x"), T.dvector("y"), T.dmatrix("m")
MODES = ["fast_run", "interpret", "verify"]
every_mode = pytest.mark.parametrize("mode", MODES)


# --- arguments and results -----------------------------------------------------------------


@every_mode
def test_forms_of_results(mode: str) -> None:
    assert sg.function([x], None, mode=mode, on_unused_input="ignore")([1.0]) is None
    assert sg.function([x], x * 2, mode=mode)([1.0]).tolist() == [2.0]
    assert [r.tolist() for r in sg.function([x], [x * 2, x], mode=mode)([1.0])] == [[2.0], [1.0]]
    found = sg.function([x], {"a": x * 2, "b": x.sum()}, mode=mode)([1.0, 2.0])
    assert list(found) == ["a", "b"]
    assert found["b"] == 3.0


def test_arguments_by_position_and_name() -> None:
    f = sg.function([x, sg.In(y, value=np.array([10.0])), sg.In(m, name="w")], x * y + m[0])
    w = np.array([[1.0]])
    assert f([2.0], w=w) == f(x=[2.0], w=w) == 21.0
    assert f([2.0], [3.0], w) == 7.0
    assert f(w=w, x=[2.0], y=[0.5]) == 2.0


def test_wrong_arguments() -> None:
    f = sg.function([x, y], x + y, name="adder")
    with pytest.raises(errors.MissingArgumentError, match=r"adder: no value for y .*test_function"):
        f([1.0])
    with pytest.raises(errors.SurplusArgumentError, match="takes 2 arguments"):
        f([1.0], [1.0], [1.0])
    with pytest.raises(errors.SurplusArgumentError, match="no input named 'z'"):
        f([1.0], z=[1.0])
    with pytest.raises(errors.SurplusArgumentError, match="passed twice"):
        f([1.0], x=[1.0])


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (np.ones((2, 2)), errors.InputTypeError, "has 2 axes where 1 are needed"),
        (np.ones(2, complex), errors.InputTypeError, "cannot hold exactly"),
        ("text", errors.InputTypeError, "is a str"),
        (x, errors.InputTypeError, "symbolic variable where an array is needed"),
    ],
    ids=["rank", "dtype", "text", "symbolic"],
)
@every_mode
def test_a_value_of_the_wrong_type(mode: str, value: Any, kind: type, message: str) -> None:
    f = sg.function([x], x * 2, mode=mode)
    with pytest.raises(kind, match=message) as caught:
        f(value)
    assert "argument x, made at" in str(caught.value)
    assert "test_function.py" in str(caught.value)


@every_mode
def test_sizes_that_do_not_fit(mode: str) -> None:
    a = T.dmatrix("a", shape=("batch", 3))
    b = T.dvector("b", shape=("batch",))
    f = sg.function([a, b], (a.sum(1) + b).sum(), mode=mode)
    assert f(np.ones((2, 3)), np.ones(2)) == 8.0
    with pytest.raises(errors.InputShapeError, match=r"a, made at .*test_function") as caught:
        f(np.ones((2, 4)), np.ones(2))
    assert "3" in str(caught.value)
    with pytest.raises(errors.InputShapeError, match="batch"):
        f(np.ones((2, 3)), np.ones(5))
    g = sg.function([x, y], x * y, mode=mode)
    with pytest.raises(errors.ShapeError, match=r"3 and 4|sizes .* do not agree"):
        g(np.ones(3), np.ones(4))


@every_mode
def test_an_index_out_of_range(mode: str) -> None:
    n = T.lscalar("n")
    f = sg.function([x, n], x[n], mode=mode)
    assert f([1.0, 2.0], -1) == 2.0
    with pytest.raises(errors.IndexRangeError):
        f([1.0, 2.0], 2)


def test_conversions_of_arguments() -> None:
    f32 = T.fvector("f32")
    f = sg.function([f32], f32 * 2)
    assert f([1, 2]).dtype == np.float32
    assert f(np.array([1, 2], "int8")).tolist() == [2, 4]
    with pytest.raises(errors.InputTypeError, match="allow_input_downcast"):
        f(np.array([0.1]))
    loose = sg.function([f32], f32 * 2, allow_input_downcast=True)
    assert loose(np.array([0.1])).dtype == np.float32
    strict = sg.function([sg.In(f32, strict=True)], f32 * 2)
    with pytest.raises(errors.InputTypeError, match="exactly float32"):
        strict([1, 2])


def test_python_numbers_that_a_dtype_holds_exactly_are_taken() -> None:
    x, n = T.fscalar("x"), T.iscalar("n")
    f = sg.function([x, n], [x, n])
    assert f(0.5, 3.0) == [0.5, 3]
    assert np.isnan(f(np.nan, 1)[0])
    for value, count in ((0.1, 3), (0.5, 3.5), (np.array(0.5), 3)):
        with pytest.raises(errors.InputTypeError):
            f(value, count)


LAYOUTS = {
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "negative": lambda a: a[::-1].copy()[::-1],
    "fortran": np.asfortranarray,
    "swapped bytes": lambda a: a.astype(a.dtype.newbyteorder()),
    "unaligned": lambda a: np.ndarray(a.shape, a.dtype, bytearray(b"\0" + a.tobytes()), offset=1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout(layout: str) -> None:
    f = sg.function([m], [m.T.dot(m), (m * 2).sum(0)])
    a = np.arange(6.0).reshape(3, 2)
    for found, want in zip(f(LAYOUTS[layout](a)), f(a), strict=True):
        np.testing.assert_array_equal(found, want)


@every_mode
def test_empty_and_single(mode: str) -> None:
    f = sg.function([m], [(m * 2).sum(), m.sum(0), T.dot(m, m.T)], mode=mode)
    total, columns, product = f(np.zeros((0, 3)))
    assert total == 0.0
    assert columns.tolist() == [0.0] * 3
    assert product.shape == (0, 0)
    assert f(np.ones((1, 1)))[2].tolist() == [[1.0]]


def test_results_are_the_callers_own() -> None:
    w = sg.shared(np.ones(3), name="w")
    f = sg.function([x], [x, w, x * w])
    a = np.ones(3)
    same, state, product = f(a)
    for result in (same, state, product):
        result += 5
    assert a.tolist() == [1.0] * 3
    assert w.get_value().tolist() == [1.0] * 3
    assert f(a)[2].tolist() == [1.0] * 3


def test_an_argument_that_lies_in_shared_memory() -> None:
    values = np.arange(4.0)
    w = sg.shared(values, borrow=True, name="w")
    f = sg.function([x], x.sum(), updates=[(w, w[::-1] + x)])
    assert f(w.get_value(borrow=True)) == 6.0
    assert w.get_value().tolist() == [3.0] * 4


# --- what a function is made of ------------------------------------------------------------


def test_inputs_that_make_no_function() -> None:
    with pytest.raises(errors.UnusedInputError, match="not used by any"):
        sg.function([x, y], x * 2)
    with pytest.warns(UserWarning, match="not used by any"):
        sg.function([x, y], x * 2, on_unused_input="warn")
    with pytest.raises(errors.MissingInputError, match=r"y .*is needed but is not an input"):
        sg.function([x], x + y)
    with pytest.raises(errors.UnusedInputError, match="twice"):
        sg.function([x, x], x)
    with pytest.raises(errors.GraphTypeError, match="is shared"):
        sg.function([sg.shared(1.0)], x)
    with pytest.raises(errors.GraphTypeError, match="not 3"):
        sg.function([3], x)
    with pytest.raises(errors.ConfigError, match="no mode 'quick'"):
        sg.function([x], x, mode="quick")


def test_givens_stand_in() -> None:
    z = x * 2
    f = sg.function([y], z + 1, givens=[(x, y * 10)])
    assert f([1.0]).tolist() == [21.0]
    g = sg.function([], z + 1, givens={x: np.array([3.0])})
    assert g().tolist() == [7.0]
    with pytest.raises(errors.GraphTypeError):
        sg.function([y], z, givens=[(x, m)])
    with pytest.raises(errors.GraphTypeError, match="twice"):
        sg.function([y], z, givens=[(x, y), (x, y)])


# --- updates -----------------------------------------------------------------------------------


@every_mode
def test_updates_use_the_old_values(mode: str) -> None:
    a, b = sg.shared(np.array([1.0]), name="a"), sg.shared(np.array([2.0]), name="b")
    f = sg.function([], a + b, updates=[(a, b), (b, a + b)], mode=mode)
    assert [f().item() for _ in range(4)] == [3.0, 5.0, 8.0, 13.0]
    assert (a.get_value().item(), b.get_value().item()) == (8.0, 13.0)


@every_mode
def test_updates_may_change_sizes_and_be_constant(mode: str) -> None:
    w = sg.shared(np.zeros(2), name="w")
    sg.function([x], None, updates={w: T.concatenate([w, x])}, mode=mode)([1.0])
    assert w.get_value().tolist() == [0.0, 0.0, 1.0]
    sg.function([], None, updates={w: np.ones(1)}, mode=mode)()
    assert w.get_value().tolist() == [1.0]
    sg.function([x], None, updates={w: x}, mode=mode)(np.full(2, 7.0))
    assert w.get_value().tolist() == [7.0, 7.0]


def test_functions_share_a_state_by_its_container() -> None:
    total, step = T.dscalar("total"), T.dscalar("step")
    up = sg.function([step, sg.In(total, value=10.0, update=total + step)])
    down = sg.function([step, sg.In(total, value=up.container[total], update=total - step)])
    look = sg.function([sg.In(total, value=up.container["total"])], total * 2)
    up(5.0)
    down(1.0)
    assert up[total] == down["total"] == look[0] == 14.0
    assert look() == 28.0
    up["total"] = 1.0
    assert look() == 2.0
    assert total in up.container
    assert up.value[total] is up.container[1].value
    assert "step" in up.value
    assert "other" not in up.container
    with pytest.raises(KeyError, match="no input 'other'; its inputs are step, total"):
        up.container["other"]


@pytest.mark.parametrize(
    "twin_of", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))]
)
def test_copies_have_states_of_their_own(twin_of: Any) -> None:
    total, step = T.dscalar("total"), T.dscalar("step")
    f = sg.function([step, sg.In(total, value=0.0, update=total + step)], total + step)
    scale = sg.function([step, sg.In(total, name="by", value=2.0)], total * step)
    f(1.0)
    scale["by"] = 3.0
    g, other = twin_of(f), twin_of(scale)
    assert f(1.0) == g(1.0) == 2.0
    f(1.0)
    assert (f["total"], g["total"]) == (3.0, 2.0)
    assert (other(1.0), other["by"]) == (3.0, 3.0)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_pickles(protocol: int) -> None:
    w = sg.shared(np.ones(2), name="w")
    f, twin = pickle.loads(pickle.dumps((sg.function([x], x * w), w), protocol))
    twin.set_value([2.0, 3.0])
    assert f([1.0, 1.0]).tolist() == [2.0, 3.0]


def test_inputs_are_named_by_strings_and_once() -> None:
    one, two = T.dscalar("same"), T.dscalar("same")
    f = sg.function([one, two], one - two)
    assert f(2.0, 1.0) == 1.0
    with pytest.raises(errors.SurplusArgumentError, match="several inputs named 'same'"):
        f(2.0, same=1.0)
    with pytest.raises(errors.GraphTypeError, match="a string, not 3"):
        sg.In(one, name=3)  # type: ignore[arg-type]
    with pytest.raises(errors.UnusedInputError, match="stands twice"):
        sg.function([one, one], one)
    with pytest.raises(errors.UpdateError, match="test_function"):
        sg.In(one, value=0.0, update=x * 2)


@every_mode
def test_default_updates(mode: str) -> None:
    counter = sg.shared(0, name="counter")
    counter.default_update = counter + 1
    f = sg.function([], counter, mode=mode)
    assert [int(f()) for _ in range(3)] == [0, 1, 2]
    still = sg.function([], counter, no_default_updates=True, mode=mode)
    one = sg.function([], counter, no_default_updates=[counter], mode=mode)
    own = sg.function([], counter, updates=[(counter, counter * 2)], mode=mode)
    assert [int(g()) for g in (still, one, own, still)] == [3, 3, 3, 6]
    with pytest.raises(errors.GraphTypeError, match="a list of shared variables"):
        sg.function([], counter, no_default_updates=counter)  # type: ignore[arg-type]
    del counter.default_update
    assert counter.default_update is None
    assert [int(sg.function([], counter, mode=mode)()) for _ in range(2)] == [6, 6]


@every_mode
def test_givens_reach_default_updates_and_may_change_types(mode: str) -> None:
    state = sg.shared(1.0, name="state")
    state.default_update = state + 3.0
    f = sg.function([], state + 10.0, givens={state: state + 10.0}, mode=mode)
    assert [f(), f()] == [21.0, 34.0]
    wide = sg.function([m, y], x * y, givens=[(x, m)], rebuild_strict=False, mode=mode)
    assert wide(np.ones((2, 3)), [1.0, 2.0, 3.0]).tolist() == [[1, 2, 3]] * 2


def test_input_with_a_hidden_state() -> None:
    state = sg.shared(np.zeros(1), name="state")
    f = sg.function([x, sg.In(y, value=state, update=y + x)], y * 1)
    assert [f([2.0]).item() for _ in range(3)] == [0.0, 2.0, 4.0]


def test_bad_updates() -> None:
    w = sg.shared(np.zeros(2, "float32"), name="w")
    with pytest.raises(errors.UpdateError, match="only shared variables"):
        sg.function([x], x, updates=[(x, x * 2)])
    with pytest.raises(errors.DuplicateUpdateError, match=r"w, made at .*is updated twice"):
        sg.function([], w, updates=[(w, w), (w, w * 2)])
    with pytest.raises(errors.UpdateError, match=r"T.cast\(update, 'float32'\)"):
        sg.function([x], x, updates=[(w, x)])
    with pytest.raises(errors.UpdateError, match="pairs"):
        sg.function([x], x, updates=[w])


@every_mode
def test_a_failing_call_leaves_shared_variables_alone(mode: str) -> None:
    a, b = sg.shared(np.ones(3), name="a"), sg.shared(np.ones(3), name="b")
    n = T.lscalar("n")
    f = sg.function([x, n], x[n], updates=[(a, a + 1), (b, b * x)], mode=mode)
    for bad in (([1.0, 2.0, 3.0], 5), ([1.0, 2.0], 0), ([[1.0]], 0), ("no", 0)):
        with pytest.raises(errors.SymgraphError):
            f(*bad)
        assert a.get_value().tolist() == b.get_value().tolist() == [1.0] * 3
    assert f([1.0, 2.0, 3.0], 1) == 2.0
    assert b.get_value().tolist() == [1.0, 2.0, 3.0]


def test_nan_is_watched_for() -> None:
    w = sg.shared(np.ones(1), name="w")
    f = sg.function([x], x * 2, updates=[(w, T.log(x))], mode="nanguard")
    f([1.0])
    with pytest.raises(errors.NanError, match=r"first made by Log at .*test_function.*nothing was"):
        f([-1.0])
    assert w.get_value().tolist() == [0.0]


def test_shared_values() -> None:
    w = sg.shared(np.arange(3.0), name="w")
    copied, own = w.get_value(), w.get_value(borrow=True)
    copied[0] = 9
    assert w.get_value()[0] == 0
    own[0] = 9
    assert w.get_value()[0] == 9
    with pytest.raises(errors.InputTypeError, match="value for w, made at"):
        w.set_value(np.ones((2, 2)))
    assert w.get_value()[0] == 9
    source = np.ones(3)
    w.set_value(source)
    source[0] = 5
    assert w.get_value()[0] == 1
    with pytest.raises(errors.GraphTypeError, match="cannot be the value"):
        sg.shared("text")


# --- threads, copies, pickles ------------------------------------------------------------------


def test_several_threads_call_one_function() -> None:
    f = sg.function([m], [T.dot(m, m.T).sum(), T.nnet.softmax(m)])
    w = sg.shared(np.zeros(1), name="w")
    count = sg.function([], w, updates=[(w, w + 1)])
    wrong: list[int] = []

    def work(number: int) -> None:
        a = np.random.default_rng(number).normal(size=(20 + number, 30))
        want = f(a)
        for _ in range(50):
            count()
            if not all(np.array_equal(p, q) for p, q in zip(f(a), want, strict=True)):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert w.get_value().item() == 200


def test_copy_swaps_shared_variables() -> None:
    a, b = sg.shared(np.zeros(1), name="a"), sg.shared(np.full(1, 10.0), name="b")
    f = sg.function([x], a + x, updates=[(a, a + x)], name="first")
    g = f.copy(swap={a: b}, name="second")
    assert (f([1.0]).item(), g([1.0]).item()) == (1.0, 11.0)
    assert (a.get_value().item(), b.get_value().item()) == (1.0, 11.0)
    plain = f.copy(delete_updates=True)
    plain([5.0])
    assert a.get_value().item() == 1.0
    with pytest.raises(errors.GraphTypeError, match="not a shared variable"):
        f.copy(swap={b: a})


@pytest.mark.parametrize("mode", [None, "interpret", sg.Mode().excluding("stable")])
def test_functions_are_pickled(mode: Any) -> None:
    w = sg.shared(np.ones(2), name="w")
    f = sg.function([sg.In(x, value=[1.0, 1.0])], {"out": x * w}, updates=[(w, w * 2)], mode=mode)
    f()
    g = pickle.loads(pickle.dumps(f))
    assert g()["out"].tolist() == [2.0, 2.0]
    assert g()["out"].tolist() == [4.0, 4.0]
    assert f()["out"].tolist() == [2.0, 2.0]


def test_graphs_are_pickled_however_deep() -> None:
    z: Any = x
    for _ in range(10_000):
        z = z + 1.0
    z.name = "deep"
    z.eval({x: [0.0]}, mode="interpret")
    again, leaf = pickle.loads(pickle.dumps([z, x]))
    assert again.name == "deep"
    assert again.made_at == z.made_at
    assert sg.function([leaf], again, mode="interpret")([1.0]).item() == 10_001.0


def test_clones() -> None:
    z = T.exp(x) * y
    twin = sg.clone(z, replace={x: y})
    assert sg.function([y], twin)([0.0]).item() == 0.0
    (fresh,) = sg.clone([z], share_inputs=False)
    assert not {x, y} & set(sg.graph.inputs([fresh]))
    with pytest.raises(errors.GraphTypeError):
        sg.clone(z, replace={x: m})


# --- ops of the user's own -----------------------------------------------------------------------


class Double(sg.Op):
    """Twice its operand, by NumPy."""

    __props__ = ()

    def make_node(self, a: Any) -> sg.Apply:
        a = sg.as_tensor_variable(a)
        return sg.Apply(self, [a], [a.type()])

    def perform(self, node: sg.Apply, inputs: list, output_storage: list) -> None:
        output_storage[0][0] = inputs[0] * 2

    def grad(self, inputs: Any, output_grads: Any) -> list:
        return [output_grads[0] * 2]


@every_mode
def test_an_op_between_native_parts(mode: str) -> None:
    w = sg.shared(np.ones(3), name="w")
    cost = (T.exp(Double()(x * 2)) * w).sum()
    step = T.grad(cost, [x, w])
    f = sg.function([x], [cost, *step], updates=[(w, w - 0.1 * step[1])], mode=mode)
    a = np.array([0.1, 0.2, 0.3])
    value, by_x, by_w = f(a)
    np.testing.assert_allclose(value, np.exp(4 * a).sum())
    np.testing.assert_allclose(by_x, 4 * np.exp(4 * a))
    np.testing.assert_allclose(w.get_value(), 1 - 0.1 * by_w)


@sg.as_op(itypes=[T.dvector], otypes=[T.dvector, T.lscalar])
def ordered(a: np.ndarray) -> tuple[np.ndarray, int]:
    return np.sort(a), a.size


@every_mode
def test_an_op_of_a_function(mode: str) -> None:
    result, count = ordered(x * 2)
    f = sg.function([x], [result + 1, count], mode=mode)
    found, size = f([3.0, 1.0])
    assert found.tolist() == [3.0, 7.0]
    assert size == 2
    with pytest.raises(errors.NullTypeGradError, match="no gradient"):
        T.grad(result.sum(), x)
    with pytest.raises(errors.GraphTypeError):
        ordered(m)


def test_a_value_waits_for_its_last_reader_in_later_parts() -> None:
    y = T.exp(x) + 1
    between = ordered(x)[0]
    f = sg.function([x], [y[::-1] * between, T.dot(y, y)])
    product, square = f([2.0, 1.0])
    value = np.exp([2.0, 1.0]) + 1
    np.testing.assert_allclose(product, value[::-1] * [1.0, 2.0])
    np.testing.assert_allclose(square, value @ value)


# --- eval, flags, size ---------------------------------------------------------------------------


def test_eval_keeps_its_function() -> None:
    z = x * 2 + 1
    assert z.eval({x: [1.0]}).tolist() == z.eval({"x": [1.0]}).tolist() == [3.0]
    assert T.constant(2.0).eval() == 2.0


def test_flags_of_a_block() -> None:
    with config(floatX="float32"):
        assert T.matrix().dtype == "float32"
        assert T.zeros(3).dtype == "float32"
    assert T.matrix().dtype == "float64"
    with pytest.raises(errors.ConfigError):
        config.floatX = "float80"
    with pytest.raises(errors.ConfigError):
        config.no_such_flag = 1


def test_float32_stays_float32() -> None:
    v = T.fvector("v")
    w = sg.shared(np.ones(3, "float32"), name="w")
    cost = T.sqr(v * 0.1 - w / 3 + 1).mean()
    f = sg.function([v], [cost, T.grad(cost, v)], updates=[(w, w - 0.1 * T.grad(cost, w))])
    assert [r.dtype for r in f(np.ones(3, "float32"))] == [np.float32] * 2
    assert w.get_value().dtype == np.float32


def test_float16_is_computed_somewhere() -> None:
    h = T.tensor("float16", shape=(None,), name="h")
    found = sg.function([h], T.exp(h) * 2)(np.zeros(2, "float16"))
    assert found.dtype == np.float16
    assert found.tolist() == [2.0, 2.0]


def test_ten_thousand_nodes_compile() -> None:
    z: Any = x
    for _ in range(1250):
        z = T.tanh(z) * 1.5 + 0.01
    g = T.grad(z.sum(), x)
    f = sg.function([x], [z, g])
    a = np.linspace(-1, 1, 5)
    want = sg.function([x], [z, g], mode="interpret")(a)
    for found, expected in zip(f(a), want, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)


def test_memory_stays_flat() -> None:
    resource = pytest.importorskip("resource")
    w = sg.shared(np.zeros((50, 50)), name="w")
    f = sg.function([m], None, updates=[(w, w * 0.9 + T.dot(m, m.T))])
    a = np.ones((50, 50))
    for _ in range(100):
        f(a)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10_000):
        f(a)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2000  # kB
