"""`theano.compat`: what Theano needed to run on Python 2 and 3 alike."""

from __future__ import annotations

import pickle
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations, product
from typing import Any

from symgraph.compat.theano.compat import python2x

PY3 = True
DefaultOrderedDict = defaultdict

__all__ = [
    "PY3",
    "Callable",
    "DefaultOrderedDict",
    "Iterable",
    "Mapping",
    "OrderedDict",
    "Sequence",
    "b",
    "combinations",
    "defaultdict",
    "exc_message",
    "imap",
    "izip",
    "partial",
    "pickle",
    "product",
    "python2x",
]

izip, imap = zip, map


def b(s: str) -> bytes:
    """The bytes of a text."""
    return s.encode("latin-1")


def exc_message(error: BaseException) -> Any:
    """What an exception was raised with."""
    return error.args[0] if len(error.args) == 1 else error.args
