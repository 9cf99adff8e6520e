"""The rewriting engine: rules applied to a graph, inputs first, until nothing changes.

The user's nodes are never changed. Equal nodes merge in a table that lives for one call, so
common subexpressions vanish on the way; nodes that no rule touches and whose inputs stay are
the user's own, with their names, tags and lines. The engine knows no op: what to rewrite is
said by rules, which `symgraph.rules` writes as equations or as small functions.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from difflib import get_close_matches
from typing import Any, ClassVar, NamedTuple, TypeAlias

from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.errors import ConfigError, RewriteError
from symgraph.graph import Apply, Constant, Graph, Op, Type, Variable, toposort
from symgraph.places import made_for
from symgraph.types import TensorType

EXACT = "exact"  # the same values; 0 and -0 count as equal
ROUNDING = "rounding"  # the same up to rounding, or right where the original overflows
NAN_BLIND = "nan_blind"  # the same for finite operands
FAST = "fast"  # mathematically the same, where the original is defined
SAFETY = (EXACT, ROUNDING, NAN_BLIND, FAST)
LARGE_CONSTANT = 1 << 16  # bytes; larger constants are merged only if they share their array

Readers: TypeAlias = Callable[[Variable], int]  # how many nodes and outputs read a variable
Result: TypeAlias = Variable | Sequence[Variable] | None


@dataclass(frozen=True, eq=False)
class Rule:
    """One rewrite: which ops it looks at, and by `apply` what it puts in place.

    Attributes
    ----------
    name
        What reports, errors and `Mode.excluding` call it.
    ops
        The classes of ops it is tried on, subclasses included.
    safety
        "exact", "rounding", "nan_blind" or "fast": what may differ.
    theme
        The set of rules it belongs to.
    asks_readers
        Whether it wants to know how often a variable is read. Such rules are tried after all
        others, when the numbers are final.
    """

    name: str
    ops: tuple[type[Op], ...]
    safety: str = EXACT
    theme: str = ""
    asks_readers: bool = False
    of_process: ClassVar[bool] = False  # whether it belongs to the running program, not to a mode

    def apply(self, node: Apply, readers: Readers) -> Result:
        """The new output (or outputs) of a node, None where the rule has nothing to say."""
        raise NotImplementedError

    def examples(self) -> Sequence[Variable]:
        """Variables that the rule rewrites; its tests start from them."""
        raise NotImplementedError


@dataclass(frozen=True)
class RuleSet:
    """Rules in the order in which they are tried, some of them switched off.

    Sets are joined with `|`. `excluding` and `including` take names of rules, themes and
    safety marks, and switch the rules they name off and on.
    """

    known: tuple[Rule, ...] = ()
    off: frozenset[Rule] = frozenset()

    def __or__(self, other: RuleSet) -> RuleSet:
        known = tuple(dict.fromkeys((*self.known, *other.known)))
        return RuleSet(known, self.off | other.off)

    def __iter__(self) -> Iterator[Rule]:
        return (rule for rule in self.known if rule not in self.off)

    def __len__(self) -> int:
        return len(self.known) - len(self.off)

    def __contains__(self, name: object) -> bool:
        return any(rule.name == name for rule in self)

    def __getitem__(self, name: str) -> Rule:
        return next(rule for rule in self.known if rule.name == name)

    def excluding(self, *words: str) -> RuleSet:
        """With the rules that `words` name switched off."""
        return replace(self, off=self.off | self._named(words))

    def including(self, *words: str) -> RuleSet:
        """With the rules that `words` name switched on."""
        return replace(self, off=self.off - self._named(words))

    def only(self, *words: str) -> RuleSet:
        """With all but the rules that `words` name switched off."""
        return replace(self, off=frozenset(self.known) - self._named(words))

    def _named(self, words: Sequence[str]) -> frozenset[Rule]:
        labels = {label for r in self.known for label in (r.name, r.theme, r.safety)}
        for word in words:
            if word not in labels and word not in SAFETY:
                near = get_close_matches(word, labels, 3, 0.4)
                hint = f"; did you mean {' or '.join(near)}?" if near else ""
                raise ConfigError(f"there is no rewrite rule, theme or safety mark {word!r}{hint}")
        return frozenset(r for r in self.known if {r.name, r.theme, r.safety} & set(words))

    def table(self, asks_readers: bool) -> dict[type[Op], list[Rule]]:
        """The rules in force for each class of ops, those that ask for readers or the others."""
        table: dict[type[Op], list[Rule]] = {}
        for rule in self:
            if rule.asks_readers == asks_readers:
                for kind in rule.ops:
                    table.setdefault(kind, []).append(rule)
        return table


class Step(NamedTuple):
    """One rewrite that took place."""

    rule: Rule
    old: Variable
    new: Variable


Watch: TypeAlias = Callable[[Step], None]
Moved: TypeAlias = Callable[[Variable, Variable], None]


@dataclass
class RewriteReport:
    """What a rewrite did: how often each rule fired, how long each was tried, and the whole."""

    hits: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    elapsed: float = 0.0

    def __str__(self) -> str:
        rows = sorted(self.seconds, key=lambda name: (-self.hits[name], -self.seconds[name]))
        lines = [f"{self.hits[n]:6d} {self.seconds[n] * 1e3:9.2f} ms  {n}" for n in rows]
        return "\n".join([*lines, f"{self.hits.total():6d} {self.elapsed * 1e3:9.2f} ms  in all"])


def rewrite(
    graph: Graph,
    rules: RuleSet,
    *,
    budget: int | None = None,
    watch: Watch | None = None,
    moved: Moved | None = None,
    report: RewriteReport | None = None,
) -> Graph:
    """`graph` with every rule applied wherever it fires, equal nodes merged.

    Parameters
    ----------
    budget
        How many rewrites there may be for each node of the graph; `config.rewrite_budget`
        unless given.
    watch
        Called with each `Step`.
    moved
        Called with an output of each node that is put on other inputs or merged with its equal,
        and with what stands in its place.
    report
        Filled with counts and times.

    Raises
    ------
    RewriteError
        When a rule changes a dtype, rank or size, or the budget is spent; it names the rule.
    """
    report = RewriteReport() if report is None else report
    start = time.perf_counter()
    with config(compute_test_value="off"):
        outputs = _Rewriter(
            graph, rules, budget or config.rewrite_budget, watch, report, moved
        ).run()
    report.elapsed += time.perf_counter() - start
    return Graph(graph.inputs, outputs)


class _Rewriter:
    """One call of `rewrite`: sweeps over the graph until no rule fires."""

    def __init__(
        self,
        graph: Graph,
        rules: RuleSet,
        budget: int,
        watch: Watch | None,
        report: RewriteReport,
        moved: Moved | None,
    ) -> None:
        self.graph, self.watch, self.report, self.moved = graph, watch, report, moved
        self.budget = budget * (len(graph.toposort()) + 1)
        self.shared = _Table()
        self.local, self.asking = (
            _Trial(rules.table(asks), self._fired, report) for asks in (False, True)
        )

    def run(self) -> tuple[Variable, ...]:
        """The outputs in their final form."""
        outputs = self._sweep(self.graph.outputs, self.local)
        while self.asking.table:
            before = self.report.hits.total()
            self.asking.ask(readers_of(outputs))
            outputs = self._sweep(outputs, self.asking)
            if self.report.hits.total() == before:
                break
            outputs = self._sweep(outputs, self.local)
        return outputs

    def _sweep(self, outputs: Iterable[Variable], trial: _Trial) -> tuple[Variable, ...]:
        sweep = _Sweep(self.shared, trial, self.graph.inputs, self.moved)
        return tuple(sweep.settle(var) for var in outputs)

    def _fired(self, rule: Rule, old: Variable, new: Variable) -> None:
        self.report.hits[rule.name] += 1
        if self.report.hits.total() > self.budget:
            worst, times = self.report.hits.most_common(1)[0]
            raise RewriteError(
                f"the rewrite does not settle: rule {worst!r} fired {times} times, the last was"
                f" {rule.name!r} on {old}, made at {old.made_at}. Leave it out with"
                f" Mode().excluding({worst!r})"
            )
        if self.watch is not None:
            self.watch(Step(rule, old, new))


def readers_of(outputs: Sequence[Variable]) -> Counter[Variable]:
    """How many inputs of nodes behind `outputs`, and outputs, each variable is; 0 for others."""
    counts = Counter(outputs)
    for node in toposort(outputs):
        counts.update(node.inputs)
    return counts


class _Table:
    """The nodes and constants met so far, so that equal ones become one."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[Any, ...], Apply] = {}
        self._constants: dict[Any, Variable] = {}

    def leaf(self, var: Variable) -> Variable:
        """The first constant equal to `var`; any other variable is itself."""
        if not isinstance(var, Constant):
            return var
        size = getattr(var.data, "nbytes", LARGE_CONSTANT + 1)
        signature = getattr(var, "signature", None)
        if signature is None or size > LARGE_CONSTANT:
            return self._constants.setdefault((var.type, id(var.data)), var)
        return self._constants.setdefault((var.type, signature()), var)

    def node(self, node: Apply, inputs: Sequence[Variable]) -> Apply:
        """The first node that applies the op of `node` to `inputs`."""
        key = _key(node, inputs)
        known = self._nodes.get(key)
        if known is None:
            same = all(new is old for new, old in zip(inputs, node.inputs, strict=True))
            known = self._nodes[key] = node if same else on_inputs(node, inputs)
        return known


def _key(node: Apply, inputs: Sequence[Variable]) -> tuple[Any, ...]:
    """What makes two nodes one: op and operands, whose order may be nothing to the op."""
    if not getattr(node.op, "pure", True):
        return (node,)
    if getattr(node.op, "commutative", False):
        return (node.op, *sorted(inputs, key=id))
    return (node.op, *inputs)


def on_inputs(node: Apply, inputs: Sequence[Variable]) -> Apply:
    """The op of `node` on other inputs; if their types are the same, its outputs' are too."""
    if any(_tells_more(new, old) for new, old in zip(inputs, node.inputs, strict=True)):
        with made_for(node.made_at):
            fresh = node.clone_with_new_inputs(inputs)
        for old, new in zip(node.outputs, fresh.outputs, strict=True):
            check_kept(old, new, "rewriting its inputs")
        return fresh
    fresh = Apply(node.op, inputs, [v.type.make_variable(v.name) for v in node.outputs])
    for new, old in zip(fresh.outputs, node.outputs, strict=True):
        new.tag, new.made_at = old.tag, old.made_at
    return fresh


def _tells_more(new: Variable, old: Variable) -> bool:
    """Whether an input says something else about the outputs' types: its type, or its value."""
    if new is old or (isinstance(old, Constant) and new.type == old.type):
        return False
    return new.type != old.type or isinstance(new, Constant)


class _Trial:
    """The rules tried on one node after the other, with the clock running."""

    def __init__(
        self,
        table: dict[type[Op], list[Rule]],
        fired: Callable[[Rule, Variable, Variable], None],
        report: RewriteReport,
    ) -> None:
        self.table, self.fired, self.seconds = table, fired, report.seconds
        self._rules: dict[type[Op], list[Rule]] = {}
        self._counts: Counter[Variable] = Counter()
        self._readers: Readers = lambda var: self._counts[var]
        self._declined: set[Apply] = set()

    def ask(self, counts: Counter[Variable]) -> None:
        """From now on variables are read as `counts` says; what was declined may pass."""
        self._counts = counts
        self._declined.clear()

    def stands_for(self, old: Variable, new: Variable) -> None:
        """What read `old` reads `new`: else one rewrite would hide all that is behind it."""
        if old in self._counts:
            self._counts[new] += self._counts[old]

    def __call__(self, node: Apply) -> tuple[Rule, Sequence[Variable]] | None:
        """The first rule that fires, and the new outputs.

        A node that no rule takes is not tried again: it cannot change.
        """
        rules = self._rules_for(type(node.op))
        if not rules or node in self._declined:
            return None
        with made_for(node.made_at):
            for rule in rules:
                result = self._try(rule, node)
                if result is not None:
                    return rule, [result] if isinstance(result, Variable) else result
        self._declined.add(node)
        return None

    def _try(self, rule: Rule, node: Apply) -> Result:
        start = time.perf_counter()
        result = rule.apply(node, self._readers)
        spent = self.seconds.get(rule.name, 0.0) + time.perf_counter() - start
        self.seconds[rule.name] = spent
        return result

    def _rules_for(self, kind: type[Op]) -> list[Rule]:
        rules = self._rules.get(kind)
        if rules is None:
            found = (r for base in kind.__mro__ for r in self.table.get(base, ()))
            rules = self._rules[kind] = list(dict.fromkeys(found))
        return rules


class _Sweep:
    """One walk over a graph in which every variable gets its final form, inputs first."""

    def __init__(
        self,
        shared: _Table,
        trial: _Trial,
        inputs: Sequence[Variable],
        moved: Moved | None = None,
    ) -> None:
        self.shared, self.trial, self.moved = shared, trial, moved
        self.settled = {var: var for var in inputs}
        self._becomes: dict[Variable, Variable] = {}
        self._because: dict[Variable, Rule] = {}
        self._open: set[Variable] = set()  # what waits for others: the path from the root

    def settle(self, root: Variable) -> Variable:
        """The final form of a variable, everything it depends on settled first."""
        stack = [root]
        while stack:
            var = stack[-1]
            if var in self.settled:
                self._open.discard(stack.pop())
                continue
            waits = self._waits_for(var)
            if not waits:
                self._advance(var)
                continue
            self._open.add(var)
            if not self._open.isdisjoint(waits):
                raise self._circle(stack)
            stack += waits[::-1]
        return self.settled[root]

    def _waits_for(self, var: Variable) -> list[Variable]:
        target = self._becomes.get(var)
        if target is not None:
            return [] if target in self.settled else [target]
        if var.owner is None:
            return []
        return [v for v in var.owner.inputs if v not in self.settled]

    def _advance(self, var: Variable) -> None:
        """Settle a variable whose inputs are, merge it with its equal, or rewrite it once."""
        if var in self._becomes:
            self.settled[var] = self.settled[self._becomes[var]]
        elif var.owner is None:
            self.settled[var] = self.shared.leaf(var)
        else:
            self._advance_node(var.owner)

    def _advance_node(self, node: Apply) -> None:
        first = self.shared.node(node, [self.settled[v] for v in node.inputs])
        if first is not node:
            for old, new in zip(node.outputs, first.outputs, strict=True):
                self._becomes[old] = new
                self.trial.stands_for(old, new)
                if self.moved is not None:
                    self.moved(old, new)
            return
        found = self.trial(node)
        if found is None:
            self.settled.update((out, out) for out in node.outputs)
            return
        rule, outputs = found
        for old, new in zip(node.outputs, outputs, strict=True):
            self._replace(rule, old, new)

    def _replace(self, rule: Rule, old: Variable, new: Variable) -> None:
        check_kept(old, new, f"rule {rule.name!r}")
        self.trial.fired(rule, old, new)
        made_by_rule = new.owner is not None and new not in self.settled
        if made_by_rule and new.name is None:
            new.name = old.name
        self._becomes[old] = new
        self.trial.stands_for(old, new)
        self._because[old] = rule

    def _circle(self, stack: Sequence[Variable]) -> RewriteError:
        var = next(v for v in reversed(stack) if v in self._because)
        return RewriteError(
            f"rule {self._because[var].name!r} rewrites {var}, made at {var.made_at}, to something"
            " that leads back to it"
        )


def check_kept(old: Variable, new: Variable, what: str) -> None:
    """Raise `RewriteError` unless `new` can stand wherever `old` stood."""
    if not _fits(old.type, new.type):
        raise RewriteError(
            f"{what} turns {old} of type {old.type}, made at {old.made_at}, into {new} of type"
            f" {new.type}"
        )


def _fits(old: Type, new: Type) -> bool:
    """Whether a type keeps dtype, rank, and the sizes of 1 by which an axis broadcasts."""
    if not isinstance(old, TensorType) or not isinstance(new, TensorType):
        return old.is_super(new)
    if (old.dtype, old.ndim) != (new.dtype, new.ndim):
        return False
    sizes = [(a, b) for a, b in zip(old.shape, new.shape, strict=True) if isinstance(a, int)]
    return all(a == b or (a != 1 and not isinstance(b, int)) for a, b in sizes)
