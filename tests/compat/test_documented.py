"""Every name of Theano's that programs use means what Theano's documentation says."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import signal, special

import symgraph as sg
import symgraph.compat.theano as theano
import symgraph.compat.theano.tensor as T
from symgraph.compat.theano.gof import optdb
from symgraph.compat.theano.sandbox.rng_mrg import MRG_RandomStreams as M
from symgraph.compat.theano.tensor.shared_randomstreams import RandomStreams as R
from symgraph.graph import Variable, ancestors
from symgraph.shared import SharedVariable

PACKAGE = "symgraph.compat."
LINES = (Path(__file__).parent / "documented.txt").read_text().splitlines()
CASES = [tuple(part.strip() for part in line.split(" ; ")) for line in LINES if line[:1] not in "#"]
NAMES = [name for name, _, _ in CASES]


def meaning(name: str) -> Any:
    """What a dotted name means: a module as far as there are modules, then attributes."""
    parts = name.split(".")
    found: Any = importlib.import_module(PACKAGE + parts[0])
    for number, part in enumerate(parts[1:], 1):
        if not hasattr(found, part):
            importlib.import_module(PACKAGE + ".".join(parts[: number + 1]))
        found = getattr(found, part)
    return found


def conv(images: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Convolution of batches, channels summed, by SciPy."""
    planes = [
        [sum(signal.convolve2d(a, b, "valid") for a, b in zip(image, kernel, strict=True))
         for kernel in filters]
        for image in images
    ]  # fmt: skip
    return np.array(planes)


def stored(value: np.ndarray) -> np.ndarray:
    """A value set and read again."""
    variable = theano.shared(np.zeros_like(value))
    variable.set_value(value)
    return variable.get_value()


def counted() -> float:
    """Three calls of a function with a default update."""
    counter = theano.shared(0.0)
    counter.default_update = counter + 1
    step = theano.function([], counter)
    for _ in range(3):
        step()
    return float(counter.get_value())


def changed(change_flags: Any) -> str:
    """A flag inside a block that changes it."""
    with change_flags(floatX="float32"):
        return str(theano.config.floatX)


def optimized(optimizer: Any) -> list[str]:
    """The ops that an optimizer leaves of log(1 + exp(x))."""
    v = T.dvector("v")
    graph = theano.gof.FunctionGraph([v], [T.log(1 + T.exp(v))])
    optimizer.optimize(graph)
    return [str(node.op) for node in graph.toposort()]


def doubling(kind: Any) -> Any:
    """An op of a program's own, of a base class."""

    class Doubled(kind):
        def make_node(self, x: Any) -> Any:
            return theano.Apply(self, [x], [x.type()])

        def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
            outputs[0][0] = 2 * inputs[0]

    return Doubled()


def rewritten(register: Any) -> list[str]:
    """The ops of log(exp(v)) where a program has exp(v) be v."""

    @theano.gof.local_optimizer([T.exp])
    def local_plain(node: Any) -> Any:
        return node.inputs

    v = T.dvector("v")
    register(local_plain)
    try:
        return [str(n.op) for n in theano.function([v], T.log(T.exp(v))).maker.fgraph.toposort()]
    finally:
        del optdb._registry.rules["local_plain"], optdb._registry.tags["local_plain"]


def refused(function: Any, *arguments: Any) -> str:
    """The name of the error of a call."""
    try:
        function(*arguments)
    except Exception as error:
        return type(error).__name__
    return "nothing"


def values() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    square = rng.uniform(size=(3, 3))
    return {
        "X": rng.uniform(0.3, 2.7, (3, 4)),
        "Y": rng.uniform(0.3, 2.7, (3, 4)),
        "S": square @ square.T + np.eye(3),
        "V": rng.uniform(0.3, 2.7, 4),
        "I": np.array([2, 0, 1, 2]),
        "K": rng.uniform(0.3, 2.7, (2, 3, 4)),
        "Q": rng.uniform(size=(2, 3, 6, 6)),
        "W": rng.uniform(size=(4, 3, 3, 3)),
    }


@pytest.fixture(scope="module")
def scope(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The names uses and results are written in."""

    def drawn(pydotprint: Any) -> bool:
        file = tmp_path_factory.mktemp("picture") / "graph.svg"
        pydotprint(T.exp(T.dscalar("x")), outfile=str(file))
        return "<svg" in file.read_text()

    arrays = values()
    variables = {
        name.lower(): T.TensorType(str(a.dtype), (False,) * a.ndim)(name.lower())
        for name, a in arrays.items()
    }
    functions = (conv, stored, counted, changed, drawn, optimized, doubling, rewritten, refused)
    helpers = {f.__name__: f for f in functions}
    modules = {"np": np, "special": special, "signal": signal, "theano": theano, "T": T}
    return {**arrays, **variables, **helpers, **modules, "M": M, "R": R}


def test_uses_give_what_is_documented(scope: dict[str, Any]) -> None:
    """All uses whose result is a tensor, in one function; the others one by one."""
    graphs: list[tuple[str, Any, Any]] = []
    problems: list[str] = []
    for name, use, result in CASES:
        with np.errstate(all="ignore"):
            want = eval(result, dict(scope))
        try:
            found = eval(use, {**scope, "f": meaning(name)})
        except Exception as error:
            problems.append(f"{name}: {error!r}")
            continue
        if isinstance(found, Variable):
            graphs.append((name, found, want))
        elif not alike(found, want):
            problems.append(f"{name}: {found!r}, not {want!r}")
    inputs = [scope[name.lower()] for name in values()]
    function = theano.function(inputs, [g for _, g, _ in graphs], on_unused_input="ignore")
    for (name, _, want), found in zip(graphs, function(*values().values()), strict=True):
        if not alike(found, want):
            problems.append(f"{name}: {found!r}, not {want!r}")
    assert not problems, "\n".join(problems)


def alike(found: Any, want: Any) -> bool:
    """Equal, arrays up to rounding."""
    if not isinstance(want, np.ndarray | np.generic):
        return bool(found == want)
    return np.shape(found) == want.shape and np.allclose(found, want, 1e-7, 1e-12, equal_nan=True)


def test_no_name_is_listed_twice() -> None:
    assert len(NAMES) == len(set(NAMES))


def test_shared_variables_are_inputs_of_their_functions() -> None:
    weights = sg.shared(np.ones(3))
    assert any(isinstance(v, SharedVariable) for v in ancestors([weights * 2]))
