"""`theano.tests.unittest_tools`."""

from __future__ import annotations

import unittest
from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph import gradient
from symgraph.function import function
from symgraph.compat.theano.configdefaults import config
from symgraph.graph import Variable

__all__ = ["InferShapeTester", "assert_allclose", "fetch_seed", "seed_rng", "verify_grad"]
TOLERANCE = {"float16": 1e-2, "float32": 1e-5, "complex64": 1e-5}


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
    op: Any, pt: Sequence[Any], n_tests: int = 2, rng: Any = None, **options: Any
) -> None:
    """As `theano.gradient.verify_grad`, with the tests' seed when no generator is given."""
    generator = rng if rng is not None else np.random.RandomState(fetch_seed())
    gradient.verify_grad(op, pt, n_tests, generator, **options)


def assert_allclose(
    expected: Any, value: Any, rtol: float | None = None, atol: float | None = None
) -> None:
    """An AssertionError unless two arrays are equal up to rounding in the coarser dtype."""
    kinds = {str(np.asarray(a).dtype) for a in (expected, value)}
    slack = max((TOLERANCE.get(kind, 1e-8) for kind in kinds), default=0.0)
    np.testing.assert_allclose(
        value, expected, rtol=slack if rtol is None else rtol, atol=slack if atol is None else atol
    )


class InferShapeTester(unittest.TestCase):
    """Compares the shapes a graph promises with those it has."""

    def _compile_and_check(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Any],
        numeric_inputs: Sequence[Any],
        cls: Any = None,
        **options: Any,
    ) -> None:
        values = function(inputs, list(outputs), on_unused_input="ignore")(*numeric_inputs)
        sizes = function(inputs, [o.shape for o in outputs], on_unused_input="ignore")
        for found, size in zip(values, sizes(*numeric_inputs), strict=True):
            np.testing.assert_array_equal(np.shape(found), size)
