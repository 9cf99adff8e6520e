"""`theano.gof.opt`: local optimizers of a program's own, as rewrite rules.

`@local_optimizer([op, ...])` makes a rule of a function that takes a node and returns False or
the new outputs. `theano.tensor.opt.register_canonicalize`, `register_stabilize` and
`register_specialize` add it to every function that is compiled from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from symgraph.graph import Apply, Op, Variable
from symgraph.rewrite import ROUNDING, Readers, Result, Rule, RuleSet

__all__ = ["LocalOptimizer", "Optimizer", "local_optimizer", "register", "registered"]

_registered: list[Rule] = []


@dataclass(frozen=True, eq=False)
class LocalOptimizer(Rule):
    """A rule made of a function of a node."""

    transform: Callable[[Apply], Any] = field(kw_only=True)
    tracked: tuple[Any, ...] = field(kw_only=True, default=())

    def apply(self, node: Apply, readers: Readers) -> Result:
        """What the function gives; None for its False."""
        instances = [item for item in self.tracked if isinstance(item, Op)]
        kinds = tuple(item for item in self.tracked if isinstance(item, type))
        if self.tracked and node.op not in instances and not isinstance(node.op, kinds):
            return None
        return _as_outputs(self.transform(node))

    def examples(self) -> Sequence[Variable]:
        """None: the program that wrote it tests it."""
        return []

    def __call__(self, node: Apply) -> Any:
        """The function itself."""
        return self.transform(node)


Optimizer = LocalOptimizer


def _as_outputs(result: Any) -> Result:
    if result is None or result is False:
        return None
    return list(result) if isinstance(result, list | tuple) else result


def local_optimizer(
    tracks: Iterable[Any] | None, inplace: bool = False, requirements: Any = ()
) -> Callable[[Callable[[Apply], Any]], LocalOptimizer]:
    """A decorator that makes a rewrite rule of a function of a node.

    Parameters
    ----------
    tracks
        The ops, or classes of ops, whose nodes it is tried on; None for all.
    inplace, requirements
        Taken for Theano's sake.
    """
    tracked = tuple(tracks or ())

    def make(function: Callable[[Apply], Any]) -> LocalOptimizer:
        kinds = tuple({t if isinstance(t, type) else type(t): None for t in tracked}) or (Op,)
        return LocalOptimizer(
            function.__name__, kinds, ROUNDING, "user", transform=function, tracked=tracked
        )

    return make


def register(rule: Any, *tags: Any, **options: Any) -> Any:
    """Use a rule in every function compiled from now on; also a decorator, with a name or bare."""
    if isinstance(rule, str):
        return lambda item: register(item, *tags, **options)
    if isinstance(rule, Rule) and rule not in _registered:
        _registered.append(rule)
    return rule


def registered() -> RuleSet:
    """The rules of the running program."""
    return RuleSet(tuple(_registered))
