"""Names that Python and NumPy have dropped since the programs for Theano were written."""

from __future__ import annotations

import collections
import collections.abc
import inspect
from typing import Any
from unittest import TestCase

import numpy as np

ABSTRACT = (
    "Callable Container Hashable Iterable Iterator Mapping MutableMapping MutableSequence"
    " MutableSet Sequence Set Sized"
).split()
OLD_NUMPY: dict[str, Any] = {
    "alltrue": np.all,
    "asfarray": lambda a, dtype=np.float64: np.asarray(a, dtype),
    "asscalar": lambda a: np.asarray(a).item(),
    "bool": bool,
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
        *((TestCase, name, getattr(TestCase, new)) for name, new in OLD_ASSERTIONS.items()),
        (inspect, "getargspec", _getargspec),
    ]
    missing = [(module, name, value) for module, name, value in wanted if name not in vars(module)]
    for module, name, value in missing:
        setattr(module, name, value)
    return [f"{module.__name__}.{name}" for module, name, _ in missing]
