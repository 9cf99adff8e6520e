"""What dtype an elementwise op converts its operands to, and what dtype its result has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from symgraph.errors import (
    GraphTypeError,
)
from symgraph.places import user_place
from symgraph.types import (
    COMPLEX,
    DISCRETE,
    promote,
    upgrade_to_float,
)

DtypeRule: TypeAlias = Callable[..., tuple[tuple[str, ...], str]]  # operand dtypes, result


def same(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """Operands are promoted to one dtype, which the result has."""
    common = promote(*dtypes)
    return (common,) * len(dtypes), common


def floating(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `same`, integers becoming floats."""
    common = upgrade_to_float(promote(*dtypes))
    return (common,) * len(dtypes), common


def ordered(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `same`, without complex numbers: they have no order."""
    if promote(*dtypes) in COMPLEX:
        raise GraphTypeError("complex numbers have no order; take T.real or T.abs_ of them")
    return same(*dtypes)


def real_floating(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """As `floating`, without complex numbers."""
    if promote(*dtypes) in COMPLEX:
        raise GraphTypeError("defined for real numbers only; take T.real or T.abs_ of complex ones")
    return floating(*dtypes)


def comparing(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """Operands are promoted to one dtype; the result is bool."""
    return (promote(*dtypes),) * len(dtypes), "bool"


def logical(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """bool or integers, promoted to one dtype."""
    common = promote(*dtypes)
    if common not in DISCRETE:
        raise GraphTypeError(
            f"bitwise operations take bool or integers, not {common}, at {user_place()}; compare"
            " first, as in (x > 0) & (y > 0), or cast: T.cast(x, 'int64')"
        )
    return (common,) * len(dtypes), common
