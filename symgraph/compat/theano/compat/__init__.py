"""`theano.compat`: what Theano needed to run on Python 2 and 3 alike."""

from __future__ import annotations

import importlib
import operator
import pickle
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from io import BytesIO
from itertools import combinations, product
from typing import Any

from symgraph.compat.theano.compat import python2x

PY3 = True
DefaultOrderedDict = defaultdict

operator_div = operator.truediv
ifilter, reload = filter, importlib.reload


def cmp(a: Any, b: Any) -> int:
    """-1, 0 or 1, as a is below, equal to or above b."""
    return int(a > b) - int(a < b)


__all__ = [
    "PY3",
    "BytesIO",
    "Callable",
    "DefaultOrderedDict",
    "Iterable",
    "Mapping",
    "OrderedDict",
    "Sequence",
    "b",
    "cmp",
    "combinations",
    "defaultdict",
    "exc_message",
    "ifilter",
    "imap",
    "izip",
    "operator_div",
    "partial",
    "pickle",
    "product",
    "python2x",
    "reload",
]

izip, imap = zip, map


def b(s: str) -> bytes:
    """The bytes of a text."""
    return s.encode("latin-1")


def exc_message(error: BaseException) -> Any:
    """What an exception was raised with."""
    return error.args[0] if len(error.args) == 1 else error.args
