"""The language of rules: equations with wildcards, and functions of a node.

    mine = Theme("mine", ROUNDING)

    @mine.equations
    def softplus_forms(x):
        '''log(1 + exp(x)), and logarithms of the logistic function.'''
        yield log(1 + exp(x)), softplus(x)
        yield log(sigmoid(x)), -softplus(-x)

    @mine.rule(DimShuffle, examples=...)
    def shuffle_of_shuffle(node):
        ...

Parameters of an equation are wildcards: they match any operand, of any dtype and rank; used
twice they match one and the same variable. Ops match by what they are, commutative ones both
ways. Numbers match constants of that value, whatever their dtype and however often repeated.
Where integers are computed an equation applies only if all its parts have one dtype, and it
never applies to complex numbers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, TypeAlias

from symgraph.dataclass import dataclass
from symgraph.graph import Apply, Constant, Op, Variable, clone_graph
from symgraph.ops.cast import cast
from symgraph.rewrite import EXACT, Readers, Result, Rule, RuleSet
from symgraph.rules.terms import fitted, is_discrete, is_float, kind, number_of
from symgraph.types import COMPLEX, DISCRETE, TensorType, as_tensor_variable, constant
from symgraph.variable import TensorVariable

Binding: TypeAlias = Mapping[Variable, Variable]
Yielded: TypeAlias = tuple[Any, ...]  # left side, right side and, perhaps, a guard
WILDCARD, INTEGER = TensorType("float64", ()), TensorType("int64", ())
INTEGERS = frozenset(DISCRETE) - {"bool"}


@dataclass(frozen=True)
class Guard:
    """A condition of an equation, asked of what the parts of its left side matched.

    `examples` are operands for which it holds.
    """

    holds: Callable[[Binding, Readers], bool]
    examples: Binding = field(default_factory=dict)
    asks_readers: bool = False

    def __and__(self, other: Guard) -> Guard:
        return Guard(
            lambda b, r: self.holds(b, r) and other.holds(b, r),
            {**self.examples, **other.examples},
            self.asks_readers or other.asks_readers,
        )


ALWAYS = Guard(lambda binding, readers: True)


def known(part: Variable) -> Guard:
    """Holds if a wildcard is a number."""
    return Guard(lambda b, readers: number_of(b[part]) is not None, {part: constant(3.0)})


def whole(part: Variable) -> Guard:
    """Holds if a wildcard is of integers or booleans."""
    return Guard(lambda b, readers: is_discrete(b[part]), {part: INTEGER(part.name)})


def signed(part: Variable) -> Guard:
    """Holds unless a wildcard is of unsigned integers."""
    return Guard(lambda b, readers: not kind(b[part]).dtype.startswith("u"))


def read_once(part: Variable) -> Guard:
    """Holds if nothing but the expression itself reads a part of the left side."""
    return Guard(lambda binding, readers: readers(binding[part]) == 1, asks_readers=True)


@dataclass(frozen=True, eq=False)
class Equation(Rule):
    """Puts `right` wherever `left` matches."""

    left: Variable = field(kw_only=True)
    right: Variable = field(kw_only=True)
    wildcards: frozenset[Variable] = field(kw_only=True)
    guard: Guard = field(kw_only=True, default=ALWAYS)

    def apply(self, node: Apply, readers: Readers) -> Result:
        """The right side on what the wildcards stand for, the first way that they match."""
        if not _could_match(self.left, node.outputs[0], self.wildcards):
            return None
        for binding in _matches(self.left, node.outputs[0], {}, self.wildcards):
            if _alike(binding) and self.guard.holds(binding, readers):
                return fitted(instantiate(self.right, _converted(binding, node)), node)
        return None

    def examples(self) -> Sequence[Variable]:
        """The left side, on operands that pass the guard; they are all of one kind."""
        given = self.guard.examples
        others = INTEGER if any(map(is_discrete, given.values())) else WILDCARD
        operands = {w: given[w] if w in given else others(w.name) for w in self.wildcards}
        return [instantiate(self.left, operands)]

    def __str__(self) -> str:
        return f"{self.name}: {self.left} = {self.right}"


@dataclass(frozen=True, eq=False)
class FunctionRule(Rule):
    """Puts in place what a function of the node gives."""

    function: Callable[..., Result] = field(kw_only=True)
    made: Callable[[], Sequence[Variable]] = field(kw_only=True)

    def apply(self, node: Apply, readers: Readers) -> Result:
        """What the function gives, in the dtype and shape of the node's output."""
        found = self.function(node, readers) if self.asks_readers else self.function(node)
        if not isinstance(found, Variable):
            return found
        return fitted(found, node) if isinstance(found.type, TensorType) else found

    def examples(self) -> Sequence[Variable]:
        """What the examples beside the function build."""
        return self.made()


class Theme:
    """Rules of one kind, in the order in which they are written."""

    def __init__(self, name: str, safety: str = EXACT) -> None:
        self.name, self.safety = name, safety
        self._rules: list[Rule] = []

    def marked(self, safety: str) -> Theme:
        """The same theme, to which it adds rules of another safety."""
        other = Theme(self.name, safety)
        other._rules = self._rules
        return other

    @property
    def rules(self) -> RuleSet:
        """All rules written so far."""
        return RuleSet(tuple(self._rules))

    def equations(self, function: Callable[..., Iterator[Yielded]]) -> RuleSet:
        """A rule for each (left, right) or (left, right, guard) that the function yields."""
        wildcards = [
            TensorVariable(WILDCARD, name=name) for name in inspect.signature(function).parameters
        ]
        rows = list(function(*wildcards))
        for n, row in enumerate(rows, 1):
            name = f"{function.__name__}_{n}" if len(rows) > 1 else function.__name__
            self._rules.append(self._equation(name, frozenset(wildcards), *row))
        return RuleSet(tuple(self._rules[-len(rows) :]))

    def _equation(
        self,
        name: str,
        wildcards: frozenset[Variable],
        left: Any,
        right: Any,
        guard: Guard = ALWAYS,
    ) -> Equation:
        assert left.owner is not None, "the left side of an equation is the output of an op"
        return Equation(
            name, (type(left.owner.op),), self.safety, self.name, guard.asks_readers,
            left=left, right=as_tensor_variable(right), wildcards=wildcards, guard=guard,
        )  # fmt: skip

    def rule(
        self,
        *ops: type[Op],
        examples: Callable[[], Sequence[Variable]],
        asks_readers: bool = False,
    ) -> Callable[[Callable[..., Result]], FunctionRule]:
        """A rule that is a function of a node (and of `readers`, if it asks for them).

        The function gives the new output or None; dtype and broadcast axes are put right
        afterwards. `examples` builds variables that the rule rewrites.
        """

        def decorate(function: Callable[..., Result]) -> FunctionRule:
            made = FunctionRule(
                function.__name__, ops, self.safety, self.name, asks_readers,
                function=function, made=examples,
            )  # fmt: skip
            self._rules.append(made)
            return made

        return decorate


def _could_match(pattern: Variable, var: Variable, free: frozenset[Variable]) -> bool:
    """A quick look at the ops one level down, which most nodes do not pass."""
    assert pattern.owner is not None
    assert var.owner is not None
    parts, operands = pattern.owner.inputs, var.owner.inputs
    if pattern.owner.op != var.owner.op:
        return False
    if getattr(var.owner.op, "commutative", False):
        return all(any(_resembles(p, v, free) for v in operands) for p in parts)
    return all(_resembles(p, v, free) for p, v in zip(parts, operands, strict=True))


def _resembles(pattern: Variable, var: Variable, free: frozenset[Variable]) -> bool:
    if pattern in free:
        return True
    if isinstance(pattern, Constant):
        return number_of(var) == pattern.data
    assert pattern.owner is not None
    return var.owner is not None and type(var.owner.op) is type(pattern.owner.op)


def _matches(
    pattern: Variable, var: Variable, known: Binding, free: frozenset[Variable]
) -> Iterator[Binding]:
    """The ways in which `var` has the form of `pattern`."""
    bound = known.get(pattern)
    if bound is not None:
        if bound is var:
            yield known
    elif pattern in free:
        yield {**known, pattern: var}
    elif isinstance(pattern, Constant):
        if number_of(var) == pattern.data:
            yield known
    elif var.owner is not None and pattern.owner is not None and var.owner.op == pattern.owner.op:
        yield from _operands_match(pattern.owner, var.owner, {**known, pattern: var}, free)


def _operands_match(
    pattern: Apply, node: Apply, known: Binding, free: frozenset[Variable]
) -> Iterator[Binding]:
    orders = [node.inputs]
    if getattr(node.op, "commutative", False):
        orders.append(node.inputs[::-1])
    for operands in orders:
        bindings = [known]
        for part, operand in zip(pattern.inputs, operands, strict=True):
            bindings = [b for before in bindings for b in _matches(part, operand, before, free)]
        yield from bindings


def _alike(binding: Binding) -> bool:
    """Whether what matched is real and, where integers are computed, all of one dtype."""
    dtypes = {kind(var).dtype for var in binding.values()}
    if not dtypes.isdisjoint(COMPLEX):
        return False
    computed = {kind(var).dtype for part, var in binding.items() if part.owner is not None}
    return len(dtypes) == 1 or computed.isdisjoint(INTEGERS)


def _converted(binding: Binding, node: Apply) -> Binding:
    """Integers that a float is computed of, as the floats they are converted to anyway."""
    out = node.outputs[0]
    if not is_float(out):
        return binding
    return {part: cast(v, kind(out).dtype) if is_discrete(v) else v for part, v in binding.items()}


def instantiate(pattern: Variable, binding: Binding) -> Variable:
    """The right side of an equation on actual operands; its numbers take their dtype."""

    def rebuild(node: Apply, operands: Sequence[Variable]) -> Sequence[Variable]:
        weak = [
            v.data.item() if isinstance(v, Constant) and v not in bound else v for v in operands
        ]
        return [node.op(*weak)]

    bound = set(binding.values())
    (result,) = clone_graph([pattern], binding, rebuild)
    return result
