"""Whether a variable counts as true.

In symgraph that is an error. Programs for Theano ask `if bias:` to know whether there is one, so
while `theano` means symgraph, every variable is true but the result of a comparison.
"""

from __future__ import annotations

from symgraph.ops.compare import EQ, GE, GT, LE, LT, NEQ
from symgraph.variable import TensorOperators

_own = TensorOperators.truth


def use_theanos() -> None:
    """From now on variables are true as in Theano."""
    TensorOperators.truth = _theanos  # type: ignore[assignment, method-assign]


def use_own() -> None:
    """From now on asking is an error."""
    TensorOperators.truth = _own  # type: ignore[method-assign]


def _theanos(variable: TensorOperators) -> bool:
    """True; an error for a comparison, since `a < x < b` is not what it looks like."""
    compares = variable.owner is not None and isinstance(
        variable.owner.op, EQ | NEQ | LT | LE | GT | GE
    )
    return _own(variable) if compares else True
