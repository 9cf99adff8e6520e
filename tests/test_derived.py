"""Every op, tested from its own declaration: value, gradient, dtypes, memory layouts.

The interpreter runs the NumPy meaning an op declares; native code is written from its scalar or
index expression. The two are independent statements of the same thing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from numpy.exceptions import ComplexWarning

import symgraph as sg
from symgraph.errors import GradientError, GraphTypeError, SymgraphError
from symgraph.families import Elemwise, Sample, TensorOp
from symgraph.graph import Variable, ancestors
from symgraph.interpret import interpret
from symgraph.types import TensorType
from tests.catalogue import applied, draw, examples, is_float, op_classes, seed_of, symbolic

OPS = op_classes()
IDS = [f"{kind.__module__.split('.')[-1]}.{kind.__name__}" for kind in OPS]
ULP = {"float32": 2e-5, "float64": 2e-12, "complex64": 2e-5, "complex128": 2e-12}
every_op = pytest.mark.parametrize("kind", OPS, ids=IDS)


def close(found: object, expected: object, scale: float = 1.0) -> None:
    """Equal in dtype and shape, and in value up to rounding in that dtype."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    tolerance = scale * ULP.get(str(expected.dtype), 0)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def compiled(inputs: list[Variable], outputs: list[Variable], **options: object) -> sg.Function:
    """A native function in which unused inputs are no error."""
    return sg.function(inputs, outputs, on_unused_input="ignore", **options)


def apply_all(kind: type[TensorOp]) -> tuple[list[np.ndarray], list[Variable], list[Variable]]:
    """All examples of an op side by side: one compile."""
    arrays, variables, outputs = [], [], []
    for number, example in enumerate(examples(kind)):
        a, v, o = applied(example, seed_of(kind.__name__, number))
        arrays += a
        variables += v
        outputs += o
    return arrays, variables, outputs


@every_op
def test_native_value_is_the_interpreters(kind: type[TensorOp]) -> None:
    """Whatever the memory layout of the operands; and with axes of no elements."""
    arrays, variables, outputs = apply_all(kind)
    assert outputs, f"{kind.__name__} declares no examples"
    expected = interpret(outputs, dict(zip(variables, arrays, strict=True)))
    f = compiled(variables, outputs)
    found = f(*arrays)
    for result, e, out in zip(found, expected, outputs, strict=True):
        close(result, e)
        assert out.type.ndim == np.ndim(result)
        sizes = zip(out.type.shape, np.shape(result), strict=True)
        assert all(want in (None, size) or isinstance(want, str) for want, size in sizes)
    for layout in (strided, reversed_copy, fortran, read_only):
        for a, b in zip(f(*map(layout, arrays)), found, strict=True):
            np.testing.assert_array_equal(a, b)
    emptied(f, kind)


@every_op
def test_the_numba_target_gives_the_same_value(kind: type[TensorOp]) -> None:
    arrays, variables, outputs = apply_all(kind)
    expected = interpret(outputs, dict(zip(variables, arrays, strict=True)))
    found = compiled(variables, outputs, mode=sg.Mode(backend="numba"))(*arrays)
    for f, e in zip(found, expected, strict=True):
        close(f, e)


def emptied(f: sg.Function, kind: type[TensorOp]) -> None:
    """One example after the other with each of its sizes 0: the interpreter's result.

    Where the sizes do not fit each other any more, either may say so.
    """
    cases = [applied(e, seed_of(kind.__name__, n)) for n, e in enumerate(examples(kind))]
    for place, (arrays, variables, outputs) in enumerate(cases):
        start = sum(len(case[2]) for case in cases[:place])
        for size in sorted({n for a in arrays for n in a.shape} - {0, 1}):
            moved = [a[tuple(slice(0 if n == size else n) for n in a.shape)] for a in arrays]
            others = [moved if k == place else case[0] for k, case in enumerate(cases)]
            with suppress(SymgraphError):
                expected = interpret(outputs, dict(zip(variables, moved, strict=True)))
                found = f(*(a for own in others for a in own))[start : start + len(outputs)]
                for result, want in zip(found, expected, strict=True):
                    close(result, want)


def strided(a: np.ndarray) -> np.ndarray:
    wide = np.repeat(a, 2, axis=-1) if a.ndim else a
    return wide[..., ::2] if a.ndim else a


def reversed_copy(a: np.ndarray) -> np.ndarray:
    return a[::-1].copy()[::-1] if a.ndim else a


def fortran(a: np.ndarray) -> np.ndarray:
    return np.asfortranarray(a) if a.ndim else a


def read_only(a: np.ndarray) -> np.ndarray:
    frozen = a.copy()
    frozen.flags.writeable = False
    return frozen


def weighted_sum(outputs: list[Variable], rng: np.random.Generator) -> Variable | None:
    """A scalar in which every floating output counts, differently everywhere."""
    total = None
    for out in outputs:
        if is_float(out):
            weight = sg.tensor.constant(rng.uniform(0.5, 1.5))
            real = out.real if out.type.dtype.startswith("complex") else out
            term = weight * (real * sg.tensor.sin(real + 0.3)).sum()
            total = term if total is None else total + term
    return None if total is None else sg.tensor.cast(total, "float64")


def differentiable(kind: type[TensorOp]) -> list[tuple[list, list, Variable, list[int]]]:
    """For each example: values, variables, a cost, and the inputs a gradient flows to."""
    cases = []
    for number, example in enumerate(examples(kind)):
        rng = seed_of(kind.__name__, number)
        arrays, variables, outputs = applied(example, rng)
        cost = weighted_sum(outputs, rng)
        places = [
            k for k, s in enumerate(example.inputs)
            if s.differentiable and is_float(variables[k]) and arrays[k].dtype == np.float64
        ]  # fmt: skip
        if cost is not None and places:
            cases.append((arrays, variables, cost, places))
    return cases


def slack(cost: Variable) -> float:
    """How much coarser differences have to be: float32 has few digits to lose."""
    coarse = any(getattr(v.type, "dtype", "") == "float32" for v in ancestors([cost]))
    return 3e3 if coarse else 1.0


def numeric(
    cost: Variable, variables: list, arrays: list, place: int, unit: complex = 1.0
) -> np.ndarray:
    """Central differences of the interpreted cost, `unit` being the direction of the steps."""
    step = 1e-6 * slack(cost)
    result = np.zeros_like(arrays[place])
    for index in np.ndindex(arrays[place].shape):
        values = []
        for sign in (1, -1):
            moved = [a.copy() for a in arrays]
            moved[place][index] += sign * step * unit
            values.append(interpret([cost], dict(zip(variables, moved, strict=True)))[0])
        result[index] = (values[0] - values[1]) / (2 * step)
    return result


@every_op
def test_gradient_is_the_finite_difference(kind: type[TensorOp]) -> None:
    for arrays, variables, cost, places in differentiable(kind):
        wrt = [variables[k] for k in places]
        gradients = sg.grad(cost, wrt, disconnected_inputs="ignore")
        found = interpret(gradients, dict(zip(variables, arrays, strict=True)))
        for k, g in zip(places, found, strict=True):
            assert g.shape == arrays[k].shape
            tolerance = 1e-5 * slack(cost)
            expected = numeric(cost, variables, arrays, k)
            np.testing.assert_allclose(g, expected, rtol=tolerance, atol=tolerance)


@every_op
def test_second_gradient_is_the_finite_difference(kind: type[TensorOp]) -> None:
    for arrays, variables, cost, places in differentiable(kind):
        wrt = [variables[k] for k in places]
        first = sg.grad(cost, wrt, disconnected_inputs="ignore")
        slope = sum((g * sg.tensor.cos(v)).sum() for g, v in zip(first, wrt, strict=True))
        second = sg.grad(slope, wrt, disconnected_inputs="ignore")
        found = interpret(second, dict(zip(variables, arrays, strict=True)))
        for k, g in zip(places, found, strict=True):
            expected, loose = numeric(slope, variables, arrays, k), slack(cost)
            np.testing.assert_allclose(g, expected, rtol=3e-4 * loose**0.5, atol=2e-5 * loose)


def check_gradients(kind: type[TensorOp], **options: object) -> None:
    """Compiled gradients of all examples of an op are the interpreter's."""
    cases = differentiable(kind)
    if not cases:
        return
    arrays = [a for case in cases for a in case[0]]
    variables = [v for case in cases for v in case[1]]
    gradients = [
        g
        for _, own, cost, places in cases
        for g in sg.grad(cost, [own[k] for k in places], disconnected_inputs="ignore")
    ]
    expected = interpret(gradients, dict(zip(variables, arrays, strict=True)))
    found = compiled(variables, gradients, **options)(*arrays)
    for f, e in zip(found, expected, strict=True):
        close(f, e, scale=100)


@every_op
def test_native_gradient_is_the_interpreters(kind: type[TensorOp]) -> None:
    check_gradients(kind)


ELEMWISE = [kind for kind in OPS if issubclass(kind, Elemwise)]
TRIED = ("float32", "complex64", "int8", "int64", "uint8", "bool")


@pytest.mark.parametrize("kind", ELEMWISE, ids=lambda kind: kind.__name__)
def test_dtypes_of_elementwise_ops(kind: type[Elemwise]) -> None:
    arrays, variables, outputs = [], [], []
    for dtype in TRIED:
        try:
            op = examples(kind)[0].op
            out, own, values = typed(op, kind, dtype)
        except GraphTypeError:
            continue
        arrays += values
        variables += own
        outputs.append(out)
    expected = interpret(outputs, dict(zip(variables, arrays, strict=True)))
    for f, e in zip(compiled(variables, outputs)(*arrays), expected, strict=True):
        close(f, e)


def typed(op: TensorOp, kind: type[Elemwise], dtype: str) -> tuple[Variable, list, list]:
    """An application of an elementwise op to operands of one dtype."""
    rng = seed_of(kind.__name__, dtype)
    samples = examples(kind)[0].inputs
    values = [draw(s, rng) for s in samples]
    if np.dtype(dtype).kind in "iu":
        values = [np.clip(np.abs(np.rint(v)), 1, 5) for v in values]
    arrays = [
        v.astype(dtype if s.domain != "bool" else "bool")
        for v, s in zip(values, samples, strict=True)
    ]
    variables = symbolic(arrays)
    return op(*variables), variables, arrays


def test_run_time_broadcasting_is_refused_everywhere() -> None:
    x = TensorType("float64", (None,))("x")
    y = TensorType("float64", (None,))("y")
    for mode in ("fast_run", "interpret"):
        f = sg.function([x, y], x + y, mode=mode)
        with pytest.raises(sg.errors.ShapeError, match="declared 1"):
            f(np.ones(3), np.ones(1))


def test_ops_without_gradient_say_so() -> None:
    x = sg.tensor.dvector("x")
    place = sg.tensor.cast(sg.tensor.argmax(x), "float64")
    with pytest.raises(GradientError):
        sg.grad(place, x)


def complex_cases(kind: type[TensorOp]) -> list[tuple[list, list, Variable, list[int]]]:
    """The examples of `differentiable` on complex numbers, if the op takes them."""
    cases = []
    for number, example in enumerate(examples(kind)):
        rng = seed_of(kind.__name__, number)
        wide = [replace(s, dtype="complex128") if turns(s) else s for s in example.inputs]
        places = [k for k, s in enumerate(wide) if s.dtype == "complex128" and s.differentiable]
        with suppress(GraphTypeError, ComplexWarning):  # the latter is an error in tests
            arrays, variables, outputs = applied(example._replace(inputs=tuple(wide)), rng)
            for k in places:
                arrays[k] = np.asarray(arrays[k] + 0.3j * rng.uniform(-1, 1, arrays[k].shape))
            interpret(outputs, dict(zip(variables, arrays, strict=True)))
            cost = complex_sum(outputs, rng)
            if cost is not None and places and all(arrays[k].size for k in places):
                cases.append((arrays, variables, cost, places))
    return cases


def turns(sample: Sample) -> bool:
    return sample.dtype in ("float64", "complex128") and sample.differentiable


def complex_sum(outputs: list[Variable], rng: np.random.Generator) -> Variable | None:
    """A scalar in which real and imaginary parts count, differently everywhere."""
    parts = [v for out in outputs for v in (out.real, out.imag) if is_float(out)]
    return weighted_sum(parts, rng)


PHASES = ("Eigh", "Svd")  # vectors that are known up to a complex factor have no gradient by parts
every_known_op = pytest.mark.parametrize(
    "kind", [kind for kind in OPS if kind.__name__ not in PHASES], ids=lambda kind: kind.__name__
)


@every_known_op
def test_complex_gradient_is_the_finite_difference(kind: type[TensorOp]) -> None:
    """The derivative by the real part, and i times that by the imaginary part."""
    for arrays, variables, cost, places in complex_cases(kind):
        wrt = [variables[k] for k in places]
        try:
            gradients = sg.grad(cost, wrt, disconnected_inputs="ignore")
        except GradientError:
            continue
        found = interpret(gradients, dict(zip(variables, arrays, strict=True)))
        for k, g in zip(places, found, strict=True):
            by_real = numeric(cost, variables, arrays, k, 1.0)
            by_imag = numeric(cost, variables, arrays, k, 1.0j)
            np.testing.assert_allclose(g, by_real.real + 1j * by_imag.real, rtol=1e-5, atol=1e-5)
