"""Sizes as linear forms: what sums and differences, minima and maxima of sizes amount to.

Sizes are not negative, so n + 1 is at least 1, the smaller of the two is 1, and n + 1 - 1 is n.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from symgraph.kernel import INT, Call, Expr, Lit, Name, lit

LONGEST = 8  # terms; longer sums are left as they are


class Linear(NamedTuple):
    """constant + the sum of factor * term."""

    constant: int
    terms: Mapping[Expr, int]

    def plus(self, other: Linear, factor: int = 1) -> Linear:
        """The sum with a multiple of another form."""
        terms = dict(self.terms)
        for term, count in other.terms.items():
            terms[term] = terms.get(term, 0) + factor * count
        kept = {term: count for term, count in terms.items() if count}
        return Linear(self.constant + factor * other.constant, kept)

    def expression(self) -> Expr:
        """The form as an expression."""
        total: Expr = lit(0)
        for term, count in self.terms.items():
            if count > 0:
                total = total + term * count
        total = total + self.constant if self.constant > 0 else total
        for term, count in self.terms.items():
            if count < 0:
                total = total - term * -count
        return total + self.constant if self.constant < 0 else total


class Simplifier:
    """Simplifies integer expressions, knowing how names are defined and which are sizes."""

    def __init__(
        self, definition: Callable[[Name], Expr | None], is_count: Callable[[Expr], bool]
    ) -> None:
        self.definition, self.is_count = definition, is_count

    def __call__(self, expr: Expr) -> Expr:
        """An equal expression, no longer than the one given."""
        if not isinstance(expr, Call) or expr.dtype != INT:
            return expr
        found = self.form(expr).expression()
        return found if _length(found) <= _length(expr) else expr

    def form(self, expr: Expr) -> Linear:
        """An expression as a sum of what is not a sum itself."""
        if isinstance(expr, Lit):
            return Linear(int(expr.value), {})
        if isinstance(expr, Name):
            value = self.definition(expr)
            inner = None if value is None else self.form(value)
            short = inner is not None and len(inner.terms) <= 1
            return inner if inner is not None and short else Linear(0, {expr: 1})
        if isinstance(expr, Call) and expr.dtype == INT:
            return self._call(expr)
        return Linear(0, {expr: 1})

    def _call(self, expr: Call) -> Linear:
        plain = Linear(0, {expr: 1})
        if expr.op not in ("add", "sub", "mul", "minimum", "maximum"):
            return plain
        left, right = map(self.form, expr.args)
        if len(left.terms) + len(right.terms) > LONGEST:
            return plain
        if expr.op in ("add", "sub"):
            return left.plus(right, 1 if expr.op == "add" else -1)
        if expr.op == "mul":
            if left.terms and right.terms:
                return plain
            form, factor = (left, right.constant) if left.terms else (right, left.constant)
            return Linear(0, {}).plus(form, factor)
        return self._extreme(expr, left, right)

    def _extreme(self, expr: Call, left: Linear, right: Linear) -> Linear:
        """The one that is larger or smaller whatever the sizes are; else the operation itself."""
        sign = self._sign(left.plus(right, -1))
        if sign is None:
            folded = Call(expr.op, (left.expression(), right.expression()), INT)
            return Linear(0, {folded: 1})
        return left if (sign >= 0) == (expr.op == "maximum") else right

    def _sign(self, form: Linear) -> int | None:
        """1 if a form is never negative, -1 if it is never positive, None if that is not known."""
        if not all(map(self.is_count, form.terms)):
            return None
        signs = [*form.terms.values(), form.constant]
        if all(s >= 0 for s in signs):
            return 1
        return -1 if all(s <= 0 for s in signs) else None


def _length(expr: Expr) -> int:
    return 1 + sum(map(_length, expr.args)) if isinstance(expr, Call) else 1
