"""Names that Python and NumPy have dropped since the programs for Theano were written."""

from __future__ import annotations

import collections
import collections.abc
import inspect
from types import SimpleNamespace
from typing import Any
from unittest import TestCase, expectedFailure, skipIf

import numpy as np

ABSTRACT = (
    "Callable Container Hashable Iterable Iterator Mapping MutableMapping MutableSequence"
    " MutableSet Sequence Set Sized"
).split()


class _Conversions(dict[Any, Any]):
    """What `numpy.cast` was: for each dtype a function that converts to it."""

    def __missing__(self, dtype: Any) -> Any:
        return lambda values: np.asarray(values, dtype)


def _skipif(condition: Any, msg: str | None = None) -> Any:
    """A decorator that skips a test if a condition, or a function of nothing, holds."""
    return skipIf(condition() if callable(condition) else condition, msg or "")


def _knownfailureif(condition: Any, msg: str | None = None) -> Any:
    """A decorator that expects a test to fail if a condition holds."""
    holds = condition() if callable(condition) else condition
    return lambda test: expectedFailure(test) if holds else test


def _same(test: Any) -> Any:
    return test


OLD_TESTING = {
    "dec": SimpleNamespace(
        knownfailureif=_knownfailureif, setastest=lambda tf=True: _same, skipif=_skipif, slow=_same
    )
}
OLD_NUMPY: dict[str, Any] = {
    "alltrue": np.all,
    "asfarray": lambda a, dtype=np.float64: np.asarray(a, dtype),
    "asscalar": lambda a: np.asarray(a).item(),
    "bool": bool,
    "cast": _Conversions(),
    "complex": complex,
    "cumproduct": np.cumprod,
    "float": float,
    "float_": np.float64,
    "in1d": np.isin,
    "Inf": np.inf,
    "infty": np.inf,
    "int": int,
    "NaN": np.nan,
    "object": object,
    "product": np.prod,
    "row_stack": np.vstack,
    "sometrue": np.any,
    "str": str,
}
OLD_ASSERTIONS = {
    "assert_": "assertTrue",
    "assertAlmostEquals": "assertAlmostEqual",
    "assertEquals": "assertEqual",
    "assertItemsEqual": "assertCountEqual",
    "assertNotEquals": "assertNotEqual",
    "assertRaisesRegexp": "assertRaisesRegex",
    "assertRegexpMatches": "assertRegex",
    "failUnless": "assertTrue",
    "failUnlessEqual": "assertEqual",
    "failUnlessRaises": "assertRaises",
}
ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")


def _getargspec(function: Any) -> ArgSpec:
    """What `inspect.getargspec` gave: positional arguments, * and ** names, defaults."""
    return ArgSpec(*inspect.getfullargspec(function)[:4])


def restore_removed() -> list[str]:
    """Give Python and NumPy back the names that programs of 2017 use, where they are missing.

    They are aliases of what the programs would be told to use (`float` for `numpy.float`,
    `collections.abc.Mapping` for `collections.Mapping`). Returns the names that were missing.

    >>> restored = restore_removed()
    >>> collections.Mapping is collections.abc.Mapping, np.float is float
    (True, True)
    """
    wanted: list[tuple[Any, str, Any]] = [
        *((collections, name, getattr(collections.abc, name)) for name in ABSTRACT),
        *((np, name, value) for name, value in OLD_NUMPY.items()),
        *((np.testing, name, value) for name, value in OLD_TESTING.items()),
        *((TestCase, name, getattr(TestCase, new)) for name, new in OLD_ASSERTIONS.items()),
        (inspect, "getargspec", _getargspec),
    ]
    missing = [(module, name, value) for module, name, value in wanted if name not in vars(module)]
    for module, name, value in missing:
        setattr(module, name, value)
    return [f"{module.__name__}.{name}" for module, name, _ in missing]
