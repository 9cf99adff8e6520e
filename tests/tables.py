"""Tables of functions against NumPy's: many cases in one compiled function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import symgraph as sg
import symgraph.tensor as T
from symgraph.graph import Variable
from symgraph.interpret import interpret
from symgraph.types import CONTINUOUS, TensorType
from tests.catalogue import seed_of

CHUNK = 16  # cases compiled together


class Case(NamedTuple):
    """Values, the function of symgraph.tensor and NumPy's, tolerance, and whether it has slopes."""

    values: tuple[Any, ...]
    ours: Callable[..., Any]
    numpys: Callable[..., Any]
    smooth: bool = True
    rtol: float = 1e-10


def chunks(cases: Mapping[str, Case]) -> list[list[str]]:
    """The names of cases, in bunches that are compiled together."""
    names = list(cases)
    return [names[k : k + CHUNK] for k in range(0, len(names), CHUNK)]


def label(names: Sequence[str]) -> str:
    """A test's name: the first and last case of it."""
    return f"{names[0]}..{names[-1]}"


class Applied(NamedTuple):
    """A case as a graph."""

    name: str
    case: Case
    arrays: list[np.ndarray]
    inputs: list[Variable]
    outputs: list[Variable]


def apply(name: str, case: Case) -> Applied:
    arrays = [np.asarray(v) for v in case.values]
    inputs = [
        TensorType(str(a.dtype), [1 if n == 1 else None for n in a.shape])(f"x{k}")
        for k, a in enumerate(arrays)
    ]
    return Applied(name, case, arrays, inputs, as_list(case.ours(*inputs)))


def as_list(made: Any) -> list[Any]:
    return list(made) if isinstance(made, list | tuple) else [made]


def check_values(cases: Mapping[str, Case], names: Sequence[str]) -> None:
    """Native code and the interpreter give NumPy's values, shapes and, of floats, dtypes."""
    made = [apply(name, cases[name]) for name in names]
    inputs = [v for a in made for v in a.inputs]
    arrays = [v for a in made for v in a.arrays]
    outputs = [v for a in made for v in a.outputs]
    native = sg.function(inputs, outputs, on_unused_input="ignore")(*arrays)
    known = interpret(outputs, dict(zip(inputs, arrays, strict=True)))
    pairs = iter(zip(native, known, strict=True))
    for one in made:
        wanted = as_list(one.case.numpys(*one.arrays))
        assert len(wanted) == len(one.outputs), one.name
        for want in map(np.asarray, wanted):
            for how, found in zip(("native", "interpreted"), next(pairs), strict=True):
                assert np.shape(found) == want.shape, (one.name, how)
                assert np.asarray(found).dtype.kind == want.dtype.kind, (one.name, how)
                rtol = one.case.rtol
                np.testing.assert_allclose(
                    found, want, rtol=rtol, atol=rtol, err_msg=f"{one.name} {how}"
                )


def check_slopes(cases: Mapping[str, Case], names: Sequence[str]) -> None:
    """Gradients: native ones are the interpreter's, which are slopes along random directions."""
    made = [one for one in (apply(name, cases[name]) for name in names) if has_slopes(one)]
    gradients, inputs, arrays, owners = [], [], [], []
    costs: list[tuple[Applied, list[Variable], Variable]] = []
    for one in made:
        wrt = [v for v in one.inputs if v.type.dtype in CONTINUOUS]
        cost = sum(
            (T.sin(out) * (k + 1.5)).sum() for k, out in enumerate(one.outputs)
            if out.type.dtype in CONTINUOUS
        )  # fmt: skip
        costs.append((one, wrt, cost))
        found = T.grad(cost, wrt, disconnected_inputs="ignore")
        gradients += found
        owners += [one.name] * len(found)
        inputs += one.inputs
        arrays += one.arrays
    if not made:
        return
    values = dict(zip(inputs, arrays, strict=True))
    native = sg.function(inputs, gradients, on_unused_input="ignore")(*arrays)
    known = interpret(gradients, values)
    for name, a, b in zip(owners, native, known, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8, err_msg=name)
    rest = iter(known)
    for one, wrt, cost in costs:
        check_direction(one, wrt, cost, [next(rest) for _ in wrt])


def has_slopes(one: Applied) -> bool:
    """Whether a case has floats on both sides, and slopes."""
    sides = [[v.type.dtype in CONTINUOUS for v in side] for side in (one.inputs, one.outputs)]
    return one.case.smooth and all(map(any, sides))


def check_direction(one: Applied, wrt: list[Variable], cost: Variable, slopes: list[Any]) -> None:
    rng = seed_of(one.name)
    values = dict(zip(one.inputs, one.arrays, strict=True))
    ways = [rng.normal(size=np.shape(g)) for g in slopes]
    ends, step = [], 1e-6
    for sign in (1, -1):
        moved = {
            v: values[v] + sign * step * w for v, w in zip(wrt, ways, strict=True)
        }  # fmt: skip
        ends.append(float(interpret([cost], values | moved)[0]))
    slope = sum(float((g * w).sum()) for g, w in zip(slopes, ways, strict=True))
    assert abs(slope - (ends[0] - ends[1]) / (2 * step)) < 1e-5 * (1 + abs(slope)), one.name
