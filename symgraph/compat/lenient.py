"""What symgraph refuses and Theano did not.

In symgraph the truth of a variable, NumPy's functions of one, arrays of variables and negative
constant powers of integers are errors. Theano took them all, and its programs lean on that, so
while `theano` means symgraph:

- every variable is true but what `<` and its like give: `if bias:` asks whether there is one;
- an array made of variables holds them as objects, as in `np.atleast_1d(variables)`;
- a function of NumPy's stands for the method of its name, or for operators: `np.exp(x)` is
  `x.exp()`, `np.square(x)` is `x * x`;
- a negative power of an integer is its quotient rounded towards 0: `T.constant(1) ** -2` is 1.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from symgraph.ops.arith import Pow
from symgraph.variable import TensorOperators

BY_OPERATORS: dict[Any, Callable[[Any], Any]] = {  # what NumPy does with objects
    np.absolute: operator.abs,
    np.invert: operator.invert,
    np.negative: operator.neg,
    np.reciprocal: lambda x: 1 / x,
    np.square: lambda x: x * x,
}
ORDERED = ("__lt__", "__le__", "__gt__", "__ge__")


def use_theanos() -> None:
    """From now on variables are as lenient as Theano's."""
    for name, method in _theanos.items():
        setattr(TensorOperators, name, method)
    Pow.negative_of_integers = True


def use_own() -> None:
    """From now on each of these is an error."""
    for name, method in _own.items():
        setattr(TensorOperators, name, method)
    Pow.negative_of_integers = False


def _truth(variable: Any) -> bool:
    """True; an error for what `<` and its like gave: `a < x < b` is not what it looks like."""
    return bool(_own["truth"](variable)) if hasattr(variable, "was_ordered") else True


def _ordering(own: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operator `own`, whose results are known by an attribute."""

    def compared(variable: Any, other: Any) -> Any:
        found = own(variable, other)
        found.was_ordered = True
        return found

    return compared


def _boxed(variable: TensorOperators) -> Any:
    """An array without axes that holds the variable."""
    alone = np.empty((), object)
    alone[()] = variable
    return alone


def _by_numpy(variable: TensorOperators, ufunc: Any) -> Any:
    """What the method of the function's name gives; the refusal where there is none."""
    if ufunc in BY_OPERATORS:
        return BY_OPERATORS[ufunc](variable)
    method = getattr(variable, ufunc.__name__, None) if ufunc.nin == 1 else None
    return _own["by_numpy"](variable, ufunc) if method is None else method()


_theanos: dict[str, Callable[..., Any]] = {"truth": _truth, "boxed": _boxed, "by_numpy": _by_numpy}
_own = {name: getattr(TensorOperators, name) for name in (*_theanos, *ORDERED)}
_theanos |= {name: _ordering(_own[name]) for name in ORDERED}
