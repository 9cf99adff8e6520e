"""`theano.tests.unittest_tools`: what Theano's programs test themselves with."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any
from unittest import SkipTest

import numpy as np

from symgraph import gradient
from symgraph.compat.theano.compile.function_module import function
from symgraph.compat.theano.configdefaults import config
from symgraph.graph import Variable

__all__ = [
    "AttemptManyTimes",
    "InferShapeTester",
    "MockRandomState",
    "SkipTest",
    "T_OpContractMixin",
    "TestOptimizationMixin",
    "WrongValue",
    "assertFailure_fast",
    "assert_allclose",
    "attr",
    "custom_name_func",
    "fetch_seed",
    "seed_rng",
    "str_diagnostic",
    "verify_grad",
]
TOLERANCE = {"float16": 1e-2, "float32": 1e-5, "complex64": 1e-5}


def __getattr__(name: str) -> Any:
    """The decorator `parameterized`, of the package of that name, which is imported then."""
    if name != "parameterized":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(name).parameterized


def attr(*words: str, **values: Any) -> Callable[[Any], Any]:
    """A decorator that labels a test: each word, and each keyword, is an attribute of it."""

    def label(test: Any) -> Any:
        for name, value in {**dict.fromkeys(words, True), **values}.items():
            setattr(test, name, value)
        return test

    return label


def custom_name_func(testcase_func: Any, param_num: int, param: Any) -> str:
    """The name of a parametrised test: the function's, the number and what it is tried with."""
    return f"{testcase_func.__name__}_{param_num}_{'_'.join(map(str, param.args))}"


def fetch_seed(pseed: int | None = None) -> int | None:
    """The seed of tests: `config.unittests.rseed` unless one is given."""
    seed = config.unittests.rseed if pseed is None else pseed
    return None if seed in ("random", None) else int(seed)


def seed_rng(pseed: int | None = None) -> int | None:
    """Seed NumPy's global generator as tests do; the seed."""
    seed = fetch_seed(pseed)
    np.random.seed(seed)  # noqa: NPY002 - Theano's tests use it
    return seed


def verify_grad(
    op: Any, pt: Sequence[Any], n_tests: int = 2, rng: Any = None, *args: Any, **options: Any
) -> None:
    """As `theano.gradient.verify_grad`, with the tests' seed when no generator is given."""
    generator = rng if rng is not None else np.random.RandomState(fetch_seed())
    gradient.verify_grad(op, pt, n_tests, generator, *args, **options)


class MockRandomState:
    """A generator that gives one value again and again."""

    def __init__(self, val: Any) -> None:
        self.val = val

    def rand(self, *shape: int) -> Any:
        """The value in a shape."""
        return np.zeros(shape, dtype="float64") + self.val


def str_diagnostic(expected: Any, value: Any, rtol: Any, atol: Any) -> str:
    """How two arrays differ, in words."""
    first, second = np.asarray(expected), np.asarray(value)
    lines = [f"expected {first.dtype} {first.shape}", f"found {second.dtype} {second.shape}"]
    if first.shape == second.shape and first.size:
        apart = np.abs(first - second)
        lines.append(f"largest difference {apart.max()} (rtol {rtol}, atol {atol})")
    return "\n".join(lines)


class WrongValue(AssertionError):
    """Two values that have to be close are not."""

    def __init__(self, expected_val: Any, val: Any, rtol: Any, atol: Any) -> None:
        super().__init__(str_diagnostic(expected_val, val, rtol, atol))


def assert_allclose(
    expected: Any, value: Any, rtol: float | None = None, atol: float | None = None
) -> None:
    """A `WrongValue` unless two arrays are equal up to rounding in the coarser dtype."""
    kinds = {str(np.asarray(a).dtype) for a in (expected, value)}
    slack = max((TOLERANCE.get(kind, 1e-8) for kind in kinds), default=0.0)
    relative, absolute = (slack if x is None else x for x in (rtol, atol))
    first, second = np.asarray(expected), np.asarray(value)
    if not np.allclose(first, second, relative, absolute, equal_nan=True):
        raise WrongValue(expected, value, relative, absolute)


class AttemptManyTimes:
    """A decorator: a test passes if enough of its attempts do, from seeds in a row."""

    def __init__(self, n_attempts: int, n_req_successes: int = 1) -> None:
        self.attempts, self.needed = n_attempts, n_req_successes

    def __call__(self, test: Callable[..., Any]) -> Callable[..., None]:
        """The test, attempted until it has passed often enough."""

        def attempted(*args: Any, **options: Any) -> None:
            passed = 0
            for number in range(self.attempts):
                try:
                    np.random.seed(number)  # noqa: NPY002 - Theano's tests use it
                    test(*args, **options)
                    passed += 1
                except AssertionError:
                    if self.attempts - number - 1 < self.needed - passed:
                        raise
                if passed >= self.needed:
                    return

        attempted.__name__ = test.__name__
        return attempted


def assertFailure_fast(f: Callable[..., Any]) -> Callable[..., Any]:
    """The test itself: all modes rewrite here, none is Theano's fast compile."""
    return f


class TestOptimizationMixin:
    """Counts the ops of compiled graphs."""

    def assertFunctionContains(
        self, f: Any, op: Any, min: int = 1, max: int | float = np.inf
    ) -> Any:
        """An AssertionError unless the op, or ops of the class, stand in f's graph so often."""
        nodes = f.maker.fgraph.toposort()
        kinds = op if isinstance(op, type) else ()
        count = sum(node.op == op or isinstance(node.op, kinds) for node in nodes)
        assert min <= count <= max, f"{count} nodes of {op} in {[n.op for n in nodes]}"
        return f

    def assertFunctionContains0(self, f: Any, op: Any) -> Any:
        """An AssertionError if the op stands in f's graph."""
        return self.assertFunctionContains(f, op, min=0, max=0)

    def assertFunctionContains1(self, f: Any, op: Any) -> Any:
        """An AssertionError unless the op stands in f's graph once."""
        return self.assertFunctionContains(f, op, min=1, max=1)

    def assertFunctionContainsN(self, f: Any, op: Any, N: int) -> Any:
        """An AssertionError unless the op stands in f's graph N times."""
        return self.assertFunctionContains(f, op, min=N, max=N)

    def assertFunctionContainsClass(self, f: Any, op: Any, **counts: Any) -> Any:
        """As `assertFunctionContains`, of a class."""
        return self.assertFunctionContains(f, op, **counts)

    def assertFunctionContainsClassN(self, f: Any, op: Any, N: int) -> Any:
        """As `assertFunctionContainsN`, of a class."""
        return self.assertFunctionContainsN(f, op, N)


class T_OpContractMixin:  # noqa: N801 - Theano's name
    """Tests that ops compare by what they do; a subclass names `ops` and how to `clone` one."""

    ops: Sequence[Any] = ()

    def clone(self, op: Any) -> Any:
        """An op like another, made anew."""
        raise NotImplementedError

    def test_eq(self) -> None:
        """Ops equal their clones, and no other."""
        for one in self.ops:
            assert one == self.clone(one)
            assert all(one is other or one != other for other in self.ops)

    def test_hash(self) -> None:
        """Clones have one hash."""
        assert all(hash(op) == hash(self.clone(op)) for op in self.ops)

    def test_name(self) -> None:
        """Ops have names."""
        assert all(str(op) for op in self.ops)


class InferShapeTester(unittest.TestCase):
    """Compares the shapes a graph promises with those it has."""

    def setUp(self) -> None:
        """The mode without which tests were slow in Theano: the default."""
        seed_rng()
        self.mode = None

    def _compile_and_check(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Any],
        numeric_inputs: Sequence[Any],
        cls: Any = None,
        *args: Any,
        **options: Any,
    ) -> None:
        values = function(inputs, list(outputs), on_unused_input="ignore")(*numeric_inputs)
        sizes = function(inputs, [o.shape for o in outputs], on_unused_input="ignore")
        for found, size in zip(values, sizes(*numeric_inputs), strict=True):
            np.testing.assert_array_equal(np.shape(found), size)
