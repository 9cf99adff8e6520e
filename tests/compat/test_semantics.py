"""What programs depend on beyond names: conversions, sizes, memory, updates, errors, graphs."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import symgraph.compat.theano as theano
import symgraph.compat.theano.tensor as T
from symgraph import compat, errors
from symgraph.compat.theano import gof, gradient
from symgraph.compat.theano.misc import pkl_utils
from symgraph.compat.theano.scalar import UnaryScalarOp, upgrade_to_float
from symgraph.compat.theano.scalar.basic_scipy import GammaLn

# --- dtypes and sizes ----------------------------------------------------------------------------


def test_floatx_is_the_dtype_of_plain_inputs_and_python_floats() -> None:
    with theano.change_flags(floatX="float32"):
        x = T.vector("x")
        assert x.dtype == "float32"
        assert (x * 0.5).dtype == "float32"
        assert T.constant(0.5).dtype == "float32"
        assert (T.bvector() * 0.5).dtype == "float32"
        assert theano.shared(0.5).dtype == "float64"  # it holds what NumPy makes of the number
    assert T.vector().dtype == "float64"


def test_integers_divide_to_floats_and_keep_their_dtype_elsewhere() -> None:
    i, b = T.ivector(), T.bvector()
    assert (i / 2).dtype == "float64"
    assert (i // 2).dtype == (i + 1).dtype == "int32"
    assert (b + i).dtype == "int32"
    assert T.sum(b).dtype == "int64"
    assert T.mean(i).dtype == "float64"


def test_only_declared_axes_broadcast() -> None:
    matrix, row = T.dmatrix("m"), T.drow("r")
    assert (matrix + row).broadcastable == (False, False)
    assert (row + row).broadcastable == (True, False)
    assert matrix.dimshuffle(0, "x", 1).broadcastable == (False, True, False)
    assert T.addbroadcast(matrix, 0).broadcastable == (True, False)
    assert T.Rebroadcast((0, False))(row).broadcastable == (False, False)
    f = theano.function([matrix, row], [matrix + row, matrix + T.dmatrix("n").zeros_like()][:1])
    assert f(np.ones((3, 2)), np.ones((1, 2)))[0].shape == (3, 2)
    undeclared = theano.function([matrix], matrix + theano.shared(np.ones((1, 2))))
    with pytest.raises(ValueError, match="broadcast"):
        undeclared(np.ones((3, 2)))


def test_arguments_lose_no_precision_unless_allowed() -> None:
    x = T.fvector("x")
    strict = theano.function([x], x * 2)
    with pytest.raises(TypeError):
        strict(np.array([0.1]))
    assert theano.function([x], x * 2, allow_input_downcast=True)(np.array([0.5]))[0] == 1
    scalar = T.fscalar("s")
    with theano.change_flags(floatX="float32"):
        assert theano.function([scalar], scalar * 2)(0.25) == 0.5
        with pytest.raises(TypeError):
            theano.function([scalar], scalar * 2, allow_input_downcast=False)(0.1)


# --- shared variables, updates, givens -----------------------------------------------------------


def test_borrow_decides_whether_memory_is_shared() -> None:
    array = np.zeros(3)
    own, lent = theano.shared(array), theano.shared(array, borrow=True)
    array += 1
    assert own.get_value()[0] == 0
    assert lent.get_value()[0] == 1
    assert lent.get_value(borrow=True, return_internal_type=True) is array
    assert lent.get_value(borrow=False) is not array
    assert lent.container.storage[0] is lent.container.data is array


def test_updates_all_read_the_old_values_and_keep_their_order() -> None:
    a, b = theano.shared(1.0, "a"), theano.shared(2.0, "b")
    swap = theano.function([], [a + b], updates=OrderedDict([(a, b), (b, a)]))
    assert swap() == [3.0]
    assert (a.get_value(), b.get_value()) == (2.0, 1.0)
    assert list(swap.updates) == [a, b]


def test_default_updates_happen_unless_they_are_left_out() -> None:
    count = theano.shared(0)
    count.default_update = count + 1
    theano.function([], count)()
    theano.function([], count, no_default_updates=True)()
    theano.function([], count, updates=[(count, count + 10)])()
    assert count.get_value() == 11


def test_givens_stand_for_variables_and_shared_ones() -> None:
    x, data, index = T.dvector("x"), theano.shared(np.arange(6.0)), T.lscalar("index")
    batch = theano.function([index], x.sum(), givens={x: data[index * 2 : (index + 1) * 2]})
    assert [batch(k) for k in range(3)] == [1.0, 5.0, 9.0]
    other = theano.function([x], data.sum(), givens=[(data, x)])
    assert other([1.0, 1.0]) == 2.0


def test_an_input_with_an_update_keeps_its_value() -> None:
    total, x = T.dscalar("total"), T.dscalar("x")
    add = theano.function([x, theano.In(total, value=0.0, update=total + x)], total + x)
    assert (add(2.0), add(3.0)) == (2.0, 5.0)
    assert add[total] == add["total"] == 5.0
    add["total"] = 1.0
    assert add(1.0) == 2.0
    with pytest.raises(KeyError, match="no input 'other'"):
        add["other"]


def test_shared_variables_hold_any_object() -> None:
    held = theano.shared({"rate": 0.1}, "settings")
    held.get_value()["rate"] = 5
    assert held.get_value() == {"rate": 0.1}
    held.get_value(borrow=True)["rate"] = 5
    assert held.get_value()["rate"] == 5
    held.set_value("other")
    assert held.clone().get_value() == "other"
    assert theano.shared([1, 2]).get_value() == [1, 2]
    with pytest.raises(TypeError):
        theano.shared(T.dscalar())


# --- functions -----------------------------------------------------------------------------------


def test_unused_inputs_are_errors_by_default() -> None:
    x, y = T.dscalar("x"), T.dscalar("y")
    with pytest.raises(theano.compile.UnusedInputError):
        theano.function([x, y], x * 2)
    with pytest.warns(UserWarning, match="not used"):
        theano.function([x, y], x * 2, on_unused_input="warn")
    assert theano.function([x, y], x * 2, on_unused_input="ignore")(1.0, 2.0) == 2.0


def test_what_the_cost_reads_counts_as_used_by_its_gradients() -> None:
    x, y, n = T.dvector("x"), T.dvector("y"), T.iscalar("n")
    cost = (3 * x).sum() + y.sum() * n
    slope = T.grad(cost, x)
    f = theano.function([x, y, n], [slope, T.grad(slope.sum(), x), T.hessian(cost, x)])
    first, second, curvature = f([1.0, 2.0], [1.0], 2)
    assert (first == 3).all()
    assert not second.any()
    assert curvature.shape == (2, 2)
    assert not curvature.any()


def test_graphs_of_functions_can_be_walked() -> None:
    x = T.dvector("x")
    f = theano.function([x], T.exp(x) * 2, mode="FAST_RUN")
    nodes = f.maker.fgraph.toposort()
    assert any(isinstance(node.op, T.Elemwise) for node in nodes)
    assert set(nodes) == f.maker.fgraph.apply_nodes
    assert f.maker.fgraph.outputs[0].owner is nodes[-1]


def test_functions_and_parameters_are_pickled(tmp_path: Path) -> None:
    W, x = theano.shared(np.arange(3.0), "W"), T.dvector("x")
    f = pickle.loads(pickle.dumps(theano.function([x], T.dot(x, W))))
    assert f([1.0, 1.0, 1.0]) == 3.0
    with (tmp_path / "model.zip").open("wb") as stream:
        pkl_utils.dump({"W": W}, stream)
    with (tmp_path / "model.zip").open("rb") as stream:
        assert (pkl_utils.load(stream)["W"].get_value() == W.get_value()).all()
    assert (copy.deepcopy(W).get_value() == W.get_value()).all()


def test_functions_are_dumped_and_profiled(tmp_path: Path) -> None:
    x = T.dvector("x")
    theano.function_dump(tmp_path / "f.pkl", [x], x + 1, name="dumped", profile=True)
    f = theano.function(**pickle.loads((tmp_path / "f.pkl").read_bytes()))
    assert f([1.0]).tolist() == [2.0]
    with (tmp_path / "profile.txt").open("w") as stream:
        f.profile.summary(stream)
    assert "dumped" in (tmp_path / "profile.txt").read_text()


def test_monitors_are_called_before_and_after_each_node() -> None:
    seen: list[Any] = []
    x = T.dscalar("x")
    mode = theano.compile.MonitorMode(
        pre_func=lambda i, node, fn: seen.append((i, "reads", fn.inputs[0][0])),
        post_func=lambda i, node, fn: seen.append((i, "makes", fn.outputs[0][0])),
    )
    theano.function([x], T.exp(x), mode=mode)(0.0)
    assert seen == [(0, "reads", 0.0), (0, "makes", 1.0)]


def test_a_monitor_finds_nan(capsys: pytest.CaptureFixture[str]) -> None:
    x = T.dscalar("x")
    mode = theano.compile.MonitorMode(post_func=theano.compile.monitormode.detect_nan)
    theano.function([x], T.log(x), mode=mode)(-1.0)
    assert "NaN detected" in capsys.readouterr().out


# --- variables and graphs ------------------------------------------------------------------------


def test_variables_have_owners_types_tags_and_attributes() -> None:
    x = T.dmatrix("x")
    y = T.exp(x)
    assert x.owner is None
    assert y.owner.inputs[0] is x
    assert y.owner.outputs[0] is y
    assert y.get_parents() == [y.owner]
    assert y.owner.get_parents() == [x]
    assert x.type() is not x
    assert x.type().type == x.type == T.dmatrix
    assert T.dmatrix.broadcastable == (False, False)
    x.tag.test_value = np.ones((2, 2))
    twin = x.clone()
    assert twin.name == "x"
    assert twin.tag.test_value is x.tag.test_value
    x._keras_shape = (2, 2)  # programs hang what they like on variables
    assert pickle.loads(pickle.dumps(x))._keras_shape == (2, 2)


def test_variables_are_true_unless_they_compare() -> None:
    bias = theano.shared(np.zeros(3), "b")
    with pytest.raises(TypeError):
        bool(bias)
    compat.install()
    try:
        assert bias
        assert T.gt(bias, 1)  # only operators are refused, as in Theano
        with pytest.raises(TypeError):
            bool(bias < 1)
    finally:
        compat.uninstall()
    with pytest.raises(TypeError):
        bool(bias > 1)


def test_numpy_takes_variables_as_objects_once_installed() -> None:
    x, s = T.dvector("x"), T.dscalar("s")
    compat.install()
    try:
        assert np.atleast_1d([x, s]).tolist() == [x, s]
        assert np.asarray(x)[()] is x
        found = [np.exp(x), np.sqrt(s), np.abs(x), np.square(x), np.reciprocal(s), -np.log(s)]
        with pytest.raises(TypeError, match=r"numpy\.sign"):
            np.sign(x)
    finally:
        compat.uninstall()
    expected = [np.exp([-2.0]), 2.0, [2.0], [4.0], 0.25, -np.log(4.0)]
    for value, right in zip(theano.function([x, s], found)([-2.0], 4.0), expected, strict=True):
        np.testing.assert_allclose(value, right)
    with pytest.raises(TypeError, match=r"numpy\.exp"):
        np.exp(x)
    with pytest.raises(TypeError, match="symbolic"):
        np.asarray(x)


def test_integers_have_negative_powers_once_installed() -> None:
    i = T.ivector("i")
    compat.install()
    try:
        powers = [T.constant(1) ** -2, i**-1, i**-2]
    finally:
        compat.uninstall()
    one, first, second = theano.function([i], powers)([1, -1, 2])
    assert one == 1
    assert first.tolist() == [1, -1, 0]
    assert second.tolist() == [1, 1, 0]
    with pytest.raises(TypeError, match="no integer"):
        i**-1


def test_flags_are_copied() -> None:
    for twin in (copy.copy(theano.config), copy.deepcopy(theano.config)):
        assert twin.floatX == theano.config.floatX
        assert twin.gcc.cxxflags == theano.config.gcc.cxxflags


def test_folded_sizes_have_test_values() -> None:
    with theano.change_flags(compute_test_value="raise"):
        assert T.constant(np.ones((2, 3))).shape.tag.test_value.tolist() == [2, 3]
        assert T.dscalar().shape.tag.test_value.shape == (0,)


def test_an_op_without_grad_is_an_attribute_error() -> None:
    x = T.dvector("x")
    rounded = theano.as_op(itypes=[T.dvector], otypes=[T.dvector])(np.rint)
    with pytest.raises(AttributeError, match="no gradient"):
        T.grad(rounded(x).sum(), x)


def test_lists_of_variables_are_tensors() -> None:
    a, b = T.dscalar("a"), T.dscalar("b")
    f = theano.function([a, b], [T.sum([a, b]), T.dot([[a, b]], [1.0, 2.0]), T.add(a, b, a, 1)])
    total, product, added = f(3.0, 4.0)
    assert (total, product[0], added) == (7.0, 11.0, 11.0)


def test_clone_replaces_and_copies() -> None:
    x, y, z = T.dvector("x"), T.dvector("y"), T.dmatrix("z")
    out = T.exp(x) + 1
    changed = theano.clone(out, replace={x: y})
    assert gof.graph.inputs([changed])[0] is y
    assert theano.clone([out], share_inputs=False)[0].owner.inputs[0].owner.inputs[0] is not x
    assert theano.clone(out, replace=[(x, z)], strict=False).ndim == 2
    with pytest.raises(TypeError):
        theano.clone(out, replace={x: z})


def test_rebuild_gathers_shared_variables_and_updates() -> None:
    x, s = T.dscalar("x"), theano.shared(1.0)
    ins, outs, (mapping, updates, pairs, shared) = theano.compile.rebuild_collect_shared(
        [x * s], [x], updates=[(s, s + x)], copy_inputs_over=False
    )
    assert ins[0] is not x
    assert mapping[x] is ins[0]
    assert shared == [s]
    assert pairs == list(updates.items())
    assert ins[0] in gof.graph.ancestors(outs)


# --- gradients -----------------------------------------------------------------------------------


def test_gradients_fail_with_the_classes_that_programs_catch() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    with pytest.raises(gradient.DisconnectedInputError):
        T.grad(x.sum(), y)
    with pytest.raises(ValueError, match="depend"):
        T.grad(x.sum(), y)
    with pytest.raises(TypeError):
        T.grad(x, x)
    with pytest.raises(gradient.NullTypeGradError):
        T.grad(gradient.undefined_grad(x).sum(), x)
    with pytest.raises(TypeError):
        theano.function([x], gradient.grad_undefined(T.add, 0, x), on_unused_input="ignore")
    assert T.grad(x.sum(), y, disconnected_inputs="ignore").eval({y: [1.0]}) == [0.0]


def test_integers_have_gradients_of_zeros() -> None:
    x, n = T.dvector("x"), T.lvector("n")
    g = T.grad((x * n).sum(), n)
    assert g.dtype == "float64"
    assert not g.eval({x: [1.0, 2.0], n: [3, 4]}).any()


def test_constants_stop_gradients_without_disconnecting() -> None:
    x = T.dvector("x")
    g = T.grad((gradient.consider_constant(x) * 2).sum(), x)
    assert not g.eval({x: [1.0]}).any()
    assert T.Rop(gradient.zero_grad(x), x, x).eval({x: [2.0]}) == [0.0]
    with pytest.raises(gradient.DisconnectedInputError):
        T.grad(gradient.disconnected_grad(x).sum(), x)


def test_known_gradients_may_be_disconnected_or_undefined() -> None:
    x = T.dvector("x")
    y = T.exp(x)
    with pytest.raises(gradient.DisconnectedInputError):
        T.grad(None, x, known_grads={y: gradient.DisconnectedType()()})
    with pytest.raises(gradient.NullTypeGradError):
        T.grad(None, x, known_grads={y: gradient.NullType()()})


class TwoWays(gof.Op):
    """Two outputs, of which the second does not depend on the input."""

    __props__ = ()

    def make_node(self, x: Any) -> gof.Apply:
        return gof.Apply(self, [x], [x.type(), T.dscalar()])

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        return [[True, False]]

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        outputs[0][0], outputs[1][0] = inputs[0] * 2, np.asarray(1.0)

    def grad(self, inputs: Any, grads: Any) -> list[Any]:
        return [grads[0] * 2]


class Undefined(gof.Op):
    """Has no gradient by its second input."""

    __props__ = ()

    def make_node(self, x: Any, y: Any) -> gof.Apply:
        return gof.Apply(self, [x, y], [T.dscalar()])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        outputs[0][0] = np.asarray(inputs[0].sum())

    def grad(self, inputs: Any, grads: Any) -> list[Any]:
        return [grads[0] * T.ones_like(inputs[0]), gradient.NullType()()]


def test_connection_patterns_are_asked_before_gradients() -> None:
    x = T.dvector("x")
    g = T.grad(Undefined()(*TwoWays()(x)), x)
    assert (theano.function([x], g, on_unused_input="ignore")([1.0, 1.0]) == 2).all()


def test_gradients_of_ops_may_be_called() -> None:
    x, g = T.dvector("x"), T.dvector("g")
    (slope,) = T.exp(x).owner.op.grad([x], [g])
    assert np.allclose(slope.eval({x: [0.0, 1.0], g: [2.0, 1.0]}), [2.0, np.e])


# --- ops of a program's own ----------------------------------------------------------------------


class Scaled(gof.Op):
    """x times a number that is a property."""

    __props__ = ("factor",)

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def make_node(self, x: Any) -> gof.Apply:
        x = T.as_tensor_variable(x)
        return gof.Apply(self, [x], [x.type()])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        outputs[0][0] = inputs[0] * self.factor

    def infer_shape(self, node: Any, shapes: Any) -> Any:
        return shapes

    def L_op(self, inputs: Any, outputs: Any, grads: Any) -> list[Any]:
        return [Scaled(self.factor)(grads[0])]

    def R_op(self, inputs: Any, points: Any) -> list[Any]:
        return [None if points[0] is None else Scaled(self.factor)(points[0])]


def test_ops_are_compared_by_their_properties_and_take_part_in_everything() -> None:
    assert Scaled(2) == Scaled(2) != Scaled(3)
    assert hash(Scaled(2)) == hash(Scaled(2))
    x = T.dvector("x")
    y = Scaled(3.0)(x)
    f = theano.function([x], [y, T.grad(y.sum(), x), T.Rop(y, x, x), y.shape])
    value, slope, pushed, shape = f([1.0, 2.0])
    assert value.tolist() == pushed.tolist() == [3.0, 6.0]
    assert slope.tolist() == [3.0, 3.0]
    assert shape.tolist() == [2]


class Doubled(UnaryScalarOp):
    def impl(self, x: float) -> float:
        return 2 * x

    def grad(self, inputs: Any, grads: Any) -> list[Any]:
        return [grads[0] * 2]


def test_scalar_ops_work_element_by_element() -> None:
    double = T.Elemwise(Doubled(upgrade_to_float, name="doubled"), name="double")
    gammaln = T.Elemwise(GammaLn(upgrade_to_float, name="g"), name="gammaln")
    m, v, i = T.dmatrix("m"), T.dvector("v"), T.ivector("i")
    y = double(m + v)
    f = theano.function([m, v, i], [y, T.grad(y.sum(), v), double(i), y.shape, gammaln(v)])
    value, slope, whole, shape, known = f(np.ones((2, 3)), np.ones(3), np.arange(2, dtype="int32"))
    assert (value == 4).all()
    assert (slope == 4).all()
    assert whole.dtype == "float64"
    assert shape.tolist() == [2, 3]
    assert np.allclose(known, 0)


# --- functions of neural networks ----------------------------------------------------------------


def test_a_vector_is_one_row_for_softmax() -> None:
    v = T.dvector("v")
    row = T.nnet.softmax(v)
    assert row.broadcastable == (True, False)
    assert np.allclose(row[0].eval({v: [0.0, 0.0]}), 0.5)
    assert np.allclose(T.nnet.logsoftmax(v).eval({v: [0.0, 0.0]}), np.log(0.5))


def test_convolutions_are_objects_too() -> None:
    conv = theano.tensor.nnet.abstract_conv
    rng = np.random.default_rng(1)
    x, w = T.tensor4("x"), T.tensor4("w")
    images, filters = rng.normal(size=(2, 3, 6, 6)), rng.normal(size=(4, 3, 3, 3))
    settings = {"border_mode": "half", "subsample": (2, 2)}
    out = conv.AbstractConv2d(**settings)(x, w)
    to_images = conv.AbstractConv2d_gradInputs(**settings)(w, out, x.shape[2:])
    to_filters = conv.AbstractConv2d_gradWeights(**settings)(x, out, w.shape[2:])
    plain = theano.tensor.nnet.corr.CorrMM("half", (2, 2))(x, w[:, :, ::-1, ::-1])
    wanted = T.grad((T.nnet.conv2d(x, w, **settings) ** 2).sum() / 2, [x, w])
    f = theano.function([x, w], [out, plain, to_images, wanted[0], to_filters, wanted[1]])
    y, same, *slopes = f(images, filters)
    assert y.shape == conv.get_conv_output_shape(images.shape, filters.shape, "half", (2, 2))
    assert np.allclose(y, same)
    assert np.allclose(slopes[0], slopes[1])
    assert np.allclose(slopes[2], slopes[3])


def test_matrices_of_a_known_structure_are_solved_by_it() -> None:
    slinalg = theano.tensor.slinalg
    A, b = np.array([[2.0, 0.0], [1.0, 4.0]]), np.array([2.0, 5.0])
    assert np.allclose(slinalg.Solve("lower_triangular", lower=True)(A, b).eval(), [1.0, 1.0])
    assert np.allclose(slinalg.Solve("upper_triangular")(A.T, b).eval(), np.linalg.solve(A.T, b))
    assert np.allclose(slinalg.Cholesky()(A @ A.T).eval(), A)


# --- flags ---------------------------------------------------------------------------------------


def test_flags_are_changed_for_a_while_and_found_as_objects() -> None:
    with theano.change_flags({"blas.ldflags": "-lblas"}, compute_test_value="ignore"):
        assert theano.config.blas.ldflags == "-lblas"
    assert theano.config.blas.ldflags == ""
    flags = {flag.fullname: flag for flag in theano.configparser._config_var_list}
    before = flags["optimizer"].__get__(True, None)
    flags["optimizer"].__set__(None, "fast_compile")
    assert theano.config.optimizer == "fast_compile"
    flags["optimizer"].__set__(None, before)


def test_test_values_are_computed_while_graphs_are_built() -> None:
    x = T.dvector("x")
    with theano.change_flags(compute_test_value="raise"):
        with pytest.raises(ValueError, match="test_value"):
            T.exp(x)
        x.tag.test_value = np.zeros(2)
        assert (T.exp(x).tag.test_value == 1).all()
    assert not hasattr(T.exp(x).tag, "test_value")


def test_gradients_of_stable_forms_have_test_values() -> None:
    x = T.dvector("x")
    with theano.change_flags(compute_test_value="raise"):
        x.tag.test_value = np.array([0.5, 2.0])
        slope = T.grad((T.log(1 + T.exp(x)) + T.log(T.nnet.sigmoid(x))).sum(), x)
        assert np.allclose(slope.tag.test_value, 1.0)
        cube = theano.OpFromGraph([x], [x**3])
        y = T.dvector("y")
        y.tag.test_value = np.array([2.0])
        assert T.grad(cube(y).sum(), y).tag.test_value == 12.0


def test_steps_of_loops_have_test_values_too() -> None:
    x, start, w = T.dmatrix("x"), T.dmatrix("start"), T.dvector("w")
    with theano.change_flags(compute_test_value="raise"):
        x.tag.test_value, w.tag.test_value = np.arange(12.0).reshape(4, 3), np.ones(3)
        start.tag.test_value = np.ones((2, 3))
        seen = []

        def step(now: Any, later: Any, before: Any, last: Any) -> Any:
            seen.extend(v.tag.test_value.tolist() for v in (now, later, before, last))
            return now * later + before * w + last

        taps = {"input": x, "taps": [0, 1]}
        sums, _ = theano.scan(step, taps, {"initial": start, "taps": [-2, -1]})
        assert seen == [[0, 1, 2], [3, 4, 5], [1, 1, 1], [1, 1, 1]]
        assert sums.tag.test_value.shape == (3, 3)
        slope = T.grad(sums.sum(), w)
        values = {x: x.tag.test_value, w: w.tag.test_value, start: start.tag.test_value}
        assert np.allclose(slope.tag.test_value, slope.eval(values))
        bare = T.dvector("bare")
        with pytest.raises(ValueError, match=r"has no tag\.test_value"):
            theano.scan(lambda row: row * 2, bare)


def test_an_unknown_flag_is_one_warning() -> None:
    with pytest.warns(UserWarning, match="no_such_flag"):
        theano.config.no_such_flag = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theano.config.no_such_flag = 2


def test_modes_are_classes() -> None:
    assert isinstance(theano.compile.get_default_mode(), theano.Mode)
    assert isinstance(theano.compile.DebugMode(), theano.Mode)
    assert theano.compile.DebugMode().check == 2
    guarded = theano.compile.nanguardmode.NanGuardMode(True, False, False)
    assert (guarded.nan, guarded.inf) == (True, False)
    changed = theano.Mode(optimizer="fast_run").including("local_some_opt").excluding("fusion")
    assert isinstance(copy.copy(changed), theano.Mode)
    x = T.dscalar()
    with pytest.raises(errors.NanError):
        theano.function([x], T.log(x), mode=guarded)(-1.0)


# --- what programs make of Theano's own ops and loops --------------------------------------------


def test_a_view_may_have_a_gradient_of_its_own() -> None:
    class Scaled(theano.compile.ViewOp):
        __props__ = ("by",)

        def __init__(self, by: float) -> None:
            self.by = by

        def grad(self, inputs: Any, output_grads: Any) -> Any:
            return [output_grads[0] * self.by]

    x = T.dvector("x")
    out = T.exp(Scaled(3.0)(x)) + theano.compile.view_op(theano.compile.deep_copy_op(x))
    f = theano.function([x], [out, T.grad(out.sum(), x)])
    value, slope = f([0.0, 1.0])
    assert np.allclose(value, [1, np.e + 1])
    assert np.allclose(slope, 3 * np.exp([0, 1]) + 1)
    assert not any(isinstance(n.op, theano.compile.ViewOp) for n in f.maker.fgraph.toposort())


def test_shared_asks_constructors_of_a_program() -> None:
    class Weights:
        def __init__(self, size: int) -> None:
            self.size = size

    @theano.compile.shared_constructor
    def of_weights(value: Any, name: Any = None, **options: Any) -> Any:
        if not isinstance(value, Weights):
            raise TypeError
        return theano.shared(np.zeros(value.size), name)

    try:
        assert theano.shared(Weights(3), "w").get_value().tolist() == [0, 0, 0]
        assert theano.shared(1.0).get_value() == 1.0
    finally:
        theano.compile.shared_constructor(of_weights, remove=True)
    assert isinstance(theano.shared(Weights(3)).get_value(), Weights)


def test_variables_are_mapped_in_steps_of_loops_too() -> None:
    x, y, z = T.dvector("x"), T.dscalar("y"), T.dscalar("z")
    mapped = theano.scan_module.scan_utils.map_variables
    out, _ = theano.scan(lambda row, total: total + row * y, x, T.constant(0.0))
    other, same = mapped(lambda v: z * 2 if v is y else v, [out[-1] + y, x])
    assert same is x
    assert theano.function([x, z], other)([1.0, 2.0], 3.0) == 6 * 3 + 6
    start = theano.shared(1.0)

    def step(row: Any, total: Any) -> Any:
        result = total + row
        result.tag.instead = z * start * (total - row)
        return result

    sums, _ = theano.scan(step, x, T.constant(0.0))
    (turned,) = mapped(lambda v: getattr(v.tag, "instead", v), [z * sums])
    assert theano.function([x, z], turned)([1.0, 2.0, 3.0], 1.0).tolist() == [-1, -3, -6]
    a, b = T.dscalars("a", "b")
    joined = a + b
    joined.tag.instead = z * start * (a - b)
    op = theano.OpFromGraph([a, b], [joined])
    (parted,) = mapped(lambda v: getattr(v.tag, "instead", v), [op(y, y * 3) * 2])
    assert theano.function([y, z], parted)(1.0, 2.0) == -8.0
    assert mapped(lambda v: v, [op(y, y)])[0].owner.op is op
    start.default_update = start + 1
    with pytest.raises(NotImplementedError, match="has an update"):
        mapped(lambda v: getattr(v.tag, "instead", v), [sums])


def test_lists_have_theanos_classes_of_ops() -> None:
    basic = theano.typed_list.basic
    xs, v = theano.typed_list.TypedListType(T.dvector)("xs"), T.dvector("v")
    more = basic.Append()(xs, v)
    outs = [
        basic.GetItem()(more, -1),
        basic.GetItem()(basic.Reverse(inplace=True)(more), 0),
        basic.Length()(basic.Extend()(more, xs)),
        basic.Index()(more, v),
        basic.Count()(basic.Insert()(more, 0, v), v),
        basic.Length()(basic.Remove()(more, v)),
        basic.Length()(basic.MakeList()(v, v)),
    ]
    f = theano.function([xs, v], outs)
    last, first, length, place, count, fewer, two = f([[1.0], [2.0]], [3.0])
    assert (last[0], first[0]) == (3.0, 3.0)
    assert [int(n) for n in (length, place, count, fewer, two)] == [5, 2, 2, 2, 2]


def test_files_are_read_at_every_call(tmp_path: Path) -> None:
    path = gof.Variable(gof.Generic())
    x = T.load(path, "int32", (False,))
    mapped = T.load(path, "int32", (False,), mmap_mode="c")
    f = theano.function([path], [x * 2, (mapped**2).sum()])
    for values in ([1, 2], [3]):
        np.save(tmp_path / "x.npy", np.array(values, "int32"))
        double, squares = f(str(tmp_path / "x.npy"))
        assert double.tolist() == [2 * v for v in values]
        assert squares == sum(v * v for v in values)
    assert T.load(tmp_path / "x.npy", "int32", (False,)).eval().tolist() == [3]
    with pytest.raises(TypeError, match="holds int32, not float64"):
        T.load(str(tmp_path / "x.npy"), "float64", (False,)).eval()
    with pytest.raises(ValueError, match="mmap_mode"):
        T.load(path, "int32", (False,), "r+")


def test_lists_of_sparse_matrices_are_searched() -> None:
    kind = theano.sparse.SparseType("csr", "float64")
    xs, one = theano.typed_list.TypedListType(kind)("xs"), kind("one")
    basic = theano.typed_list.basic
    f = theano.function([xs, one], [basic.Index()(xs, one), basic.Count()(xs, one)])
    eye, full = sparse.csr_matrix(np.eye(2)), sparse.csr_matrix(np.ones((2, 2)))
    assert [int(n) for n in f([eye, full, full], full)] == [1, 2]
