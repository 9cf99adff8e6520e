"""Theano's classes of ops, made by hand and applied, and asked about the ops of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgraph.compat.theano as theano
import symgraph.compat.theano.tensor as T
from symgraph.compat.theano import gof, gradient, scalar
from symgraph.compat.theano.compile import ops
from symgraph.compat.theano.ifelse import IfElse
from symgraph.compat.theano.tensor import elemwise, extra_ops, nnet, opt
from symgraph.compat.theano.tensor.signal.pool import (
    AveragePoolGrad,
    DownsampleFactorMaxGradGrad,
    MaxPoolGrad,
    MaxPoolRop,
    Pool,
)
from symgraph.compat.theano.tensor.sort import ArgSortOp, SortOp, TopKOp
from symgraph.compat.theano.tensor.utils import shape_of_variables
from symgraph.errors import AxisError

X = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
LONG = T.lscalar().type
I = np.array([1, 0, 1, 2])


def uses() -> list[tuple[Any, Any]]:
    """What classes compute of x (2, 3) and of i (4), and what NumPy does."""
    x, i = T.constant(X), T.constant(I)
    most, place = T.MaxAndArgmax((1,))(x)
    first, second = T.Split(2)(x, 1, [1, 2])
    rows, columns = T.Nonzero()(x)
    values, counts = extra_ops.Unique(return_counts=True)(i)
    best, where = TopKOp(axis=1)(x, 2)
    best, where = best.sort(axis=1), where.sort(axis=1)
    down, right = extra_ops.UnravelIndex(2)(i, (2, 3))
    return [
        (most, X.max(1)),
        (place, X.argmax(1)),
        (T.Argmax((0,))(x), X.argmax(0)),
        (first, X[:, :1]),
        (second, X[:, 1:]),
        (T.Join()(1, x, x), np.hstack([X, X])),
        (rows, X.nonzero()[0]),
        (columns, X.nonzero()[1]),
        (T.Flatten()(x), X.ravel()),
        (T.Tile(2)(x, (2, 1)), np.tile(X, (2, 1))),
        (T.Tri("int32")(2, 3, 0), np.tri(2, 3, dtype="int32")),
        (T.Eye("int8")(2, 3, 1), np.eye(2, 3, 1, dtype="int8")),
        (T.ARange("int64")(1, 9, 3), np.arange(1, 9, 3)),
        (T.ExtractDiag(1)(x), X.diagonal(1)),
        (T.AllocDiag(-1)(i), np.diag(I, -1)),
        (T.AllocDiag(0, 0, 2)(x)[:, 1, :], np.diag(X[1])),
        (T.Choose("wrap")(i, x[:, 0]), np.choose(I, X[:, 0], mode="wrap")),
        (T.PermuteRowElements()(x[0], [2, 0, 1], 0), X[0, [2, 0, 1]]),
        (extra_ops.SearchsortedOp("right")([1.0, 2.0], x[0]), np.array([2, 1, 2])),
        (extra_ops.CumOp(1)(x), X.cumsum(1)),
        (extra_ops.CumOp(mode="mul")(x), X.cumprod()),
        (extra_ops.CumsumOp(0)(x), X.cumsum(0)),
        (extra_ops.CumprodOp(0)(x), X.cumprod(0)),
        (extra_ops.DiffOp(axis=0)(x), np.diff(X, axis=0)),
        (extra_ops.RepeatOp(0)(x, 2), np.repeat(X, 2, 0)),
        (extra_ops.bartlett_(4), np.bartlett(4)),
        (extra_ops.cpu_contiguous(x.T), X.T),
        (extra_ops.fill_diagonal_(x[:, :2], 7.0), np.array([[7.0, 1.0], [0.0, 7.0]])),
        (extra_ops.fill_diagonal_offset_(x, 7.0, 1), np.array([[3.0, 7.0, 2.0], [0.0, 5.0, 7.0]])),
        (extra_ops.Unique()(i), np.unique(I)),
        (extra_ops.Unique()(i, return_list=True)[0], np.unique(I)),
        (values, np.unique(I)),
        (counts, np.array([1, 2, 1])),
        (down, np.unravel_index(I, (2, 3))[0]),
        (right, np.unravel_index(I, (2, 3))[1]),
        (extra_ops.RavelMultiIndex()(i, i, (3, 3)), I * 4),
        (SortOp()(x, 1), np.sort(X, 1)),
        (ArgSortOp()(x, -1), np.argsort(X, -1)),
        (best, np.sort(X, 1)[:, 1:]),
        (where, np.array([[0, 2], [1, 2]])),
        (elemwise.Sum(1)(x), X.sum(1)),
        (elemwise.Prod(0)(x), X.prod(0)),
        (elemwise.ProdWithoutZeros(0)(x), np.array([3.0, 5.0, 8.0])),
        (elemwise.CAReduce(scalar.add, [0])(x), X.sum(0)),
        (elemwise.CAReduce(scalar.maximum, 1)(x), X.max(1)),
        (elemwise.CAReduceDtype(scalar.mul)(i), I.prod()),
        (elemwise.All(0)(x), X.all(0)),
        (elemwise.Any(1)(x), X.any(1)),
        (elemwise.DimShuffle((False, False), (1, "x", 0))(x), X.T[:, None]),
        (T.TensorFromScalar()(x[0, 0]), X[0, 0]),
        (T.Subtensor([slice(None), LONG])(x, 1), X[:, 1]),
        (T.IncSubtensor([slice(LONG, None)])(x, 1.0, 1), np.add(X, [[0.0], [1.0]])),
        (T.IncSubtensor([LONG], set_instead_of_inc=True)(x, 1.0, -1), [X[0], np.ones(3)]),
        (T.AdvancedSubtensor1()(x, [1, 0, 1]), X[[1, 0, 1]]),
        (T.AdvancedIncSubtensor1()(x, x, [1, 0]), X + X[::-1]),
        (T.advanced_set_subtensor1(x, x, [1, 0]), X[::-1]),
        (T.advanced_subtensor(x, [1, 0], [2, 2]), X[[1, 0], [2, 2]]),
        (T.advanced_inc_subtensor(x[0], 1.0, [1, 1]), X[0] + [0.0, 2.0, 0.0]),
        (T.Reshape(1)(x, [6]), X.ravel()),
        (T.Alloc()(x[0], 2, 3), X[[0, 0]]),
        (ops.SpecifyShape()(x, (2, 3)), X),
        (ops.Shape()(x), np.array([2, 3])),
        (ops.Shape_i(1)(x), np.array(3)),
        (ops.view_op(x), X),
        (ops.deep_copy_op(x), X),
        (opt.make_vector(i[0], x[0, 0]), np.array([1.0, 3.0])),
        (opt.MakeVector("int8")(), np.zeros(0, "int8")),
        (x[T.NoneConst, 1], X[None, 1]),
        (x[[slice(0, 1)]], X[:1]),
        (x.sum(T.NoneConst), X.sum()),
        (x.sum(T.constant(1)), X.sum(1)),
        (x[:, T.make_slice(T.constant(1), 3)], X[:, 1:3]),
    ]


def test_classes_compute_what_their_functions_do() -> None:
    pairs = uses()
    found = theano.function([], [variable for variable, _ in pairs])()
    for number, (value, (_, want)) in enumerate(zip(found, pairs, strict=True)):
        assert np.shape(value) == np.shape(want), number
        np.testing.assert_allclose(value, want, err_msg=str(number))


def test_ops_of_graphs_are_instances_of_them() -> None:
    x = T.dmatrix("x")
    assert isinstance(x.T.owner.op, T.DimShuffle)
    assert isinstance(x.sum(0).owner.op, elemwise.Sum)
    assert isinstance(x.sum(0).owner.op, elemwise.CAReduce)
    assert not isinstance(x.sum(0).owner.op, elemwise.Prod)
    assert isinstance(T.join(0, x, x).owner.op, T.Join)
    assert issubclass(type(x.max().owner.op), T.MaxAndArgmax)


def test_settings_make_them_equal() -> None:
    assert extra_ops.CumOp(0) == extra_ops.CumsumOp(0) != extra_ops.CumprodOp(0)
    assert hash(elemwise.Sum(1)) == hash(elemwise.Sum(1))


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="left out"):
        T.DimShuffle((False, True), (1,))
    with pytest.raises(ValueError, match="twice"):
        T.DimShuffle((False, True), (0, 1, 0))
    with pytest.raises(TypeError, match="is expected"):
        T.DimShuffle((True, False), (1, 0))(T.dmatrix())
    with pytest.raises(ValueError, match="no mode of CumOp"):
        extra_ops.CumOp(mode="max")
    with pytest.raises(TypeError, match="uint64"):
        extra_ops.RepeatOp()(T.dvector(), T.ulscalar())
    with pytest.raises(NotImplementedError, match="no reduction by"):
        elemwise.CAReduce(scalar.sub)(T.dvector())


def test_a_wrong_axis_is_a_value_error_and_an_index_error() -> None:
    for kind in (ValueError, IndexError, TypeError, AxisError):
        with pytest.raises(kind):
            T.dmatrix().sum(2)


def test_a_node_stands_for_its_only_output() -> None:
    x = T.dmatrix("x")
    assert T.as_tensor_variable(x.sum(0).owner).type == x.sum(0).type
    with pytest.raises(ValueError, match="has 2 outputs"):
        T.as_tensor_variable(gof.Apply(x.T.owner.op, [x], [x.type(), x.type()]))


def test_tensors_get_and_lose_axes_in_front() -> None:
    assert T.as_tensor_variable(T.dvector(), ndim=3).broadcastable == (True, True, False)
    assert T.as_tensor_variable(T.drow(), ndim=1).broadcastable == (False,)
    with pytest.raises(ValueError, match="does not fit 1 axes"):
        T.as_tensor_variable(T.dmatrix(), ndim=1)


def test_shapes_of_all_variables() -> None:
    x, y = T.dmatrix("x"), T.dmatrix("y")
    product = T.dot(x, y)
    graph = gof.FunctionGraph([x, y], [product.sum(0)], clone=False)
    shapes = shape_of_variables(graph, {x: (2, 3), y: (3, 4)})
    assert shapes[product] == (2, 4)
    assert shapes[graph.outputs[0]] == (4,)
    with pytest.raises(ValueError, match="not given"):
        shape_of_variables(graph, {x: (2, 3)})


def test_values_of_a_type_are_compared_up_to_rounding() -> None:
    kind, a = T.TensorType("float64", (False,)), np.array([1.0, np.inf, np.nan])
    assert kind.values_eq(a, a.copy())
    assert kind.values_eq_approx(a, a + 1e-9)
    assert not kind.values_eq_approx(a, a + 1e-3)
    assert not kind.values_eq_approx(a, np.array([1.0, np.inf, 0.0]))
    assert kind.values_eq_approx(a, np.array([1.0, np.inf, 0.0]), allow_remove_nan=True)
    assert kind.values_eq_approx(a, np.array([1.0, 0.0, np.nan]), allow_remove_inf=True)
    assert not kind.values_eq(a, a.astype("float32"))


def test_gradients_of_integer_costs_are_zero() -> None:
    x, n, other = T.dvector("x"), T.lscalar("n"), T.dscalar("other")
    cost = (x > 0).sum() * n
    slopes = theano.function([x, n], T.grad(cost, [x, n]))([1.0, -1.0], 3)
    assert [s.tolist() for s in slopes] == [[0.0, 0.0], 0.0]
    assert slopes[1].dtype == theano.config.floatX
    with pytest.raises(gradient.DisconnectedInputError):
        T.grad(cost, other)
    with pytest.raises(gradient.DisconnectedInputError):
        T.grad(x.shape[0], x)
    assert T.grad(cost, other, disconnected_inputs="ignore").eval({other: 2.0}) == 0.0
    gradient.verify_grad(lambda v: T.argmax(v, axis=0), [X])


def test_slices_run_forward_inside_their_axis() -> None:
    bounds, length = T.lscalars("start", "stop", "step"), T.lscalar("length")
    whole, direction = T.subtensor.get_canonical_form_slice(slice(*bounds), length)
    form = theano.function([*bounds, length], [whole.start, whole.stop, whole.step, direction])
    array = np.arange(5)
    for start in (-9, -4, 0, 2, 7):
        for stop in (-9, -3, 0, 4, 9):
            for step in (-6, -2, -1, 1, 3):
                first, last, stride, way = map(int, form(start, stop, step, 5))
                assert min(first, last) >= 0
                assert stride > 0
                found = array[first:last:stride][::way]
                np.testing.assert_array_equal(found, array[start:stop:step])
    assert T.subtensor.get_canonical_form_slice(-2, 5)[0].eval() == 3


def test_gradients_are_checked_at_the_values_of_shared_variables() -> None:
    scale = theano.shared(3.0)
    gradient.verify_grad(lambda v: v**2 * scale, [X])


def test_numbers_that_are_known() -> None:
    assert T.get_scalar_constant_value(2) == 2
    assert T.get_scalar_constant_value(np.float32(2.5)) == 2.5
    assert T.get_scalar_constant_value(T.constant([3, 3])) == 3
    with pytest.raises(T.NotScalarConstantError):
        T.get_scalar_constant_value(T.dscalar())
    with pytest.raises(T.EmptyConstantError):
        T.get_scalar_constant_value(T.constant([]))


def test_an_empty_list_is_of_floatx_and_an_index() -> None:
    with theano.change_flags(floatX="float32"):
        assert T.as_tensor_variable([]).dtype == "float32"
    assert T.constant(X)[[]].eval().shape == (0, 3)


def softmax(x: np.ndarray) -> np.ndarray:
    """Of each row, by NumPy."""
    shares = np.exp(x - x.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def test_classes_of_softmax_and_cross_entropy() -> None:
    x, y, b = T.dmatrix("x"), T.lvector("y"), T.dvector("b")
    best = nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, y)
    both = nnet.nnet.crossentropy_softmax_max_and_argmax_1hot_with_bias(x, b, y)
    p = nnet.SoftmaxWithBias()(x, b)
    slope = T.grad(nnet.CrossentropyCategorical1Hot()(p, y).sum(), x)
    cost = T.vector("cost")
    by_hand = nnet.crossentropy_softmax_1hot_with_bias_dx(cost, p, y)
    through = nnet.softmax_grad(nnet.crossentropy_categorical_1hot_grad(cost, p, y), p)
    longer = nnet.Prepend_scalar_constant_to_each_row(4.0)(x)
    same = nnet.Prepend_scalar_to_each_row()(4.0, x)
    outputs = [*best, both[2], slope, by_hand, through, longer, same]
    f = theano.function([x, y, b, cost], outputs)
    labels, bias = np.array([2, 0]), np.array([0.5, 0.0, -1.0])
    found = f(X, labels, bias, np.ones(2))
    want = softmax(X + bias)
    onehot = np.eye(3)[labels]
    expected = [
        -np.log(want[[0, 1], labels]),
        want,
        want.argmax(1),
        want.max(1),
        *[want - onehot] * 3,
        *[np.insert(X, 0, 4.0, axis=1)] * 2,
    ]
    for value, result in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, result, rtol=1e-12)
    assert best[2].dtype == "int64"
    costs = theano.function([x, y, b], best)
    for wrong in (3, -1):
        with pytest.raises(ValueError, match="numbers of classes"):
            costs(X, np.array([2, wrong]), bias)


def test_gradients_are_checked_in_their_stable_form() -> None:
    gradient.verify_grad(lambda v: T.log(nnet.softmax(v)), [np.array([[1000.0, 0.0, -500.0]])])


def test_shapes_and_offsets_may_be_variables() -> None:
    x, offset, dims = T.dmatrix("x"), T.iscalar("offset"), T.ivector("dims")
    filled = T.extra_ops.fill_diagonal_offset(x, 7.0, offset)
    down, right = T.extra_ops.unravel_index(T.constant(I), dims, ndim=2)
    place = T.extra_ops.ravel_multi_index((down, right), dims)
    f = theano.function([x, offset, dims], [filled, down, right, place])
    for number, want in ((1, [[3, 7, 2], [0, 5, 7]]), (-1, [[3, 1, 2], [7, 5, 4]])):
        found = f(X, number, [2, 3])
        np.testing.assert_array_equal(found[0], want)
        np.testing.assert_array_equal(found[1:3], np.unravel_index(I, (2, 3)))
        np.testing.assert_array_equal(found[3], I)


def test_types_of_scalars_are_shown_as_their_dtypes() -> None:
    assert str(scalar.int8) == scalar.int8.dtype == "int8"
    assert scalar.float32 == T.TensorType("float32", ()) == scalar.float32
    assert T.dscalar("x").type in scalar.float_types
    assert T.lscalar("x").type not in scalar.float_types
    assert scalar.int64("n").type == T.lscalar().type


def test_a_scalar_op_needs_no_init_of_theanos() -> None:
    class Twice(scalar.UnaryScalarOp):
        def __init__(self, output_types_preference: Any) -> None:
            self.output_types_preference = output_types_preference

        def impl(self, x: float) -> float:
            return 2 * x

    op = T.Elemwise(Twice(scalar.upgrade_to_float))
    assert str(op) == "Elemwise{Twice}"
    np.testing.assert_array_equal(op(T.constant(X)).eval(), 2 * X)


def test_classes_of_pooling() -> None:
    x, g = T.dtensor3("x"), T.dtensor3("g")
    best = Pool(ignore_border=True)(x, (2, 3))
    back = MaxPoolGrad(ignore_border=True)(x, best, g, (2, 3))
    again = DownsampleFactorMaxGradGrad(ignore_border=True)(x, best, back, (2, 3))
    along = MaxPoolRop(ignore_border=True)(x, back, (2, 3))
    spread = AveragePoolGrad(True)(x, g, (2, 3))
    row = Pool(ignore_border=False, mode="sum", ndim=1)(x, (4,))
    f = theano.function([x, g], [best, back, again, along, spread, row])
    value = np.arange(48.0).reshape(2, 4, 6)[:, ::-1]
    weight = np.arange(1.0, 9.0).reshape(2, 2, 2)
    windows = value.reshape(2, 2, 2, 2, 3)
    top, slope, twice, same, mean, sums = f(value, weight)
    np.testing.assert_array_equal(top, windows.max((2, 4)))
    where = value == top.repeat(2, 1).repeat(3, 2)
    np.testing.assert_array_equal(slope, where * weight.repeat(2, 1).repeat(3, 2))
    np.testing.assert_array_equal(twice, weight)
    np.testing.assert_array_equal(same, weight)
    np.testing.assert_allclose(mean, weight.repeat(2, 1).repeat(3, 2) / 6)
    np.testing.assert_array_equal(sums[:, :, 0], value[:, :, :4].sum(2))
    np.testing.assert_array_equal(sums[:, :, 1], value[:, :, 4:].sum(2))


def test_shapes_of_pooling() -> None:
    for size in range(1, 9):
        x = T.dmatrix(shape=(size, 7))
        for window in (1, 2, 3):
            for stride in (1, 2, 4):
                for border in (False, True):
                    pooled = Pool(border)(x, (window, 2), (stride, 2))
                    known = Pool.out_shape((size, 7), (window, 2), border, (stride, 2))
                    rows = Pool.out_shape((T.constant(size), 7), (window, 2), border, (stride, 2))
                    assert known == list(pooled.type.shape)
                    assert T.as_tensor_variable(rows[0]).eval() == known[0]
    assert Pool.out_shape((5, 5), (2, 2), True, pad=(1, 1)) == [3, 3]
    with pytest.raises(ValueError, match="needs ws"):
        Pool.out_shape((5, 5))
    with pytest.raises(TypeError, match="imgshape has 1"):
        Pool.out_shape((5,), (2, 2))


def test_classes_of_choices() -> None:
    c, x, y = T.iscalar("c"), T.dvector("x"), T.dvector("y")
    one, two = IfElse(1)(c, x * 2, y), IfElse(2)(c, x, y, y, x)
    f = theano.function([c, x, y], [one, *two])
    assert [v.tolist() for v in f(1, [1.0], [2.0])] == [[2.0], [1.0], [2.0]]
    assert [v.tolist() for v in f(0, [1.0], [2.0])] == [[2.0], [2.0], [1.0]]
    assert isinstance(one.owner.op, IfElse)
    lazy = theano.function([c, x, y], IfElse(1)(c, T.exp(x), T.log(y)))
    assert any(isinstance(node.op, IfElse) for node in lazy.maker.fgraph.toposort())
