"""`theano.gof.optdb`: which optimizers take part, by name and by tag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from symgraph.compat.theano.gof.fg import FunctionGraph
from symgraph.compat.theano.gof.opt import (
    EquilibriumOptimizer,
    LocalOptGroup,
    LocalOptimizer,
    Optimizer,
    SeqOptimizer,
    TopoOptimizer,
    changed,
)
from symgraph.errors import ConfigError
from symgraph.graph import Apply, Graph, Op, Variable
from symgraph.loops.improve import canonical
from symgraph.rewrite import ROUNDING, Readers, Result, Rule, RuleSet
from symgraph.rules import DEFAULT

__all__ = [
    "DB",
    "EquilibriumDB",
    "LocalGroupDB",
    "ProxyDB",
    "Query",
    "SequenceDB",
    "TopoDB",
    "opt_rules",
    "optdb",
    "register",
    "registered",
    "rule_of",
    "run_globals",
]
ALWAYS = ("fast_run", "fast_compile")  # tags of what takes part without being asked for


# --- in every function -------------------------------------------------------------------------


class OptRule(Rule):
    """A program's optimizer among the compiler's rules; a global one is never tried on a node."""

    opt: Any
    position: float
    of_process: ClassVar[bool] = True

    def __init__(self, name: str, opt: Any, position: float = 0.0) -> None:
        tracks = opt.tracks() if isinstance(opt, LocalOptimizer) else ()
        kinds = [t if isinstance(t, type) else type(t) for t in tracks or ()]
        ops = tuple(dict.fromkeys(kinds)) if tracks is not None else (Op,)
        super().__init__(name, ops, ROUNDING, "user")
        object.__setattr__(self, "opt", opt)
        object.__setattr__(self, "position", position)

    def apply(self, node: Apply, readers: Readers) -> Result:
        """What a local optimizer gives for all outputs; None for its False."""
        new = changed(self.opt, node)
        if not new or not all(out in new for out in node.outputs):
            return None
        found = [new[out] for out in node.outputs]
        return None if all(a is b for a, b in zip(found, node.outputs, strict=True)) else found

    def examples(self) -> Sequence[Variable]:
        """None: the program that wrote it tests it."""
        return []


class _Registry:
    """The rules of the running program, by name, with their tags."""

    def __init__(self) -> None:
        self.rules: dict[str, OptRule] = {}
        self.tags: dict[str, set[str]] = {}

    def add(self, name: str, opt: Any, tags: Iterable[str], position: float) -> None:
        """Take one more; a name may be used once."""
        if name in self.rules and self.rules[name].opt is not opt:
            raise ConfigError(f"there is an optimizer {name!r} already")
        self.rules[name] = OptRule(name, opt, position)
        self.tags[name] = set(tags)


_registry = _Registry()


def rule_of(opt: Any) -> Rule:
    """An optimizer as a rule."""
    return OptRule(str(getattr(opt, "name", None) or type(opt).__name__), opt)


def opt_rules(words: Iterable[str]) -> list[str]:
    """The names of registered optimizers that words name, themselves or by a tag."""
    wanted = set(words)
    return [name for name, tags in _registry.tags.items() if name in wanted or tags & wanted]


def registered() -> RuleSet:
    """The rules of the running program; those without a tag of `ALWAYS` are off until included."""
    rules = _registry.rules
    off = [rule for name, rule in rules.items() if not _registry.tags[name].intersection(ALWAYS)]
    return RuleSet(tuple(rules.values()), frozenset(off))


def register(opt: Any, *tags: Any, **options: Any) -> Any:
    """Use an optimizer in every function compiled from now on; also a decorator, with a name."""
    if isinstance(opt, str):
        return lambda item: register(item, opt, *tags, **options)
    name = str(options.get("name") or getattr(opt, "name", None) or opt)
    _registry.add(name, opt, {*map(str, tags), "fast_run"}, 0.0)
    return opt


def run_globals(
    inputs: Sequence[Variable], roots: list[Variable], rules: RuleSet
) -> list[Variable]:
    """The roots of a graph changed by the global optimizers among rules, in their order."""
    opts = [r for r in rules if isinstance(r, OptRule) and not isinstance(r.opt, LocalOptimizer)]
    if not opts:
        return roots
    fgraph = FunctionGraph(inputs, roots, clone=False)
    for rule in sorted(opts, key=lambda rule: rule.position):
        rule.opt.optimize(fgraph)
    return [old.type.filter_variable(new) for old, new in zip(roots, fgraph.outputs, strict=True)]


# --- databases ---------------------------------------------------------------------------------


class Query:
    """Which optimizers are asked for: by tags or names, of which one, or all, or none must fit."""

    def __init__(
        self,
        include: Iterable[str],
        require: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        subquery: Any = None,
        position_cutoff: float | None = None,
        **options: Any,
    ) -> None:
        self.include, self.require = set(include), set(require or ())
        self.exclude, self.subquery = set(exclude or ()), dict(subquery or {})

    def including(self, *tags: str) -> Query:
        """With more tags."""
        return Query(self.include | set(tags), self.require, self.exclude, self.subquery)

    def excluding(self, *tags: str) -> Query:
        """Without what has one of the tags."""
        return Query(self.include, self.require, self.exclude | set(tags), self.subquery)

    def requiring(self, *tags: str) -> Query:
        """Of what has all of the tags."""
        return Query(self.include, self.require | set(tags), self.exclude, self.subquery)

    def fits(self, labels: set[str]) -> bool:
        """Whether something of these names and tags is asked for."""
        return bool(labels & self.include) and self.require <= labels and not labels & self.exclude


def as_query(words: Sequence[Any]) -> Query:
    """A query, or one of words that begin with +, & or -."""
    if words and isinstance(words[0], Query):
        return words[0]
    kinds: dict[str, list[str]] = {"+": [], "&": [], "-": []}
    for word in words:
        sign = word[0] if word[0] in kinds else "+"
        kinds[sign].append(word.removeprefix(sign))
    return Query(kinds["+"], kinds["&"], kinds["-"])


class DB:
    """Optimizers, and other databases, under names and tags."""

    name: str | None = None

    def __init__(self) -> None:
        self.items: dict[str, tuple[Any, set[str], float]] = {}

    def register(self, name: str, obj: Any, *tags: Any, **options: Any) -> None:
        """Take one more; a number among the tags is its position."""
        if name in self.items:
            raise ConfigError(f"there is an optimizer {name!r} already")
        place = next((float(t) for t in tags if isinstance(t, int | float)), 0.0)
        words = {tag for tag in tags if isinstance(tag, str)}
        if getattr(obj, "name", None) is None:
            obj.name = name
        self.items[name] = obj, {name, *words}, place

    def add_tags(self, name: str, *tags: str) -> None:
        """More tags for one."""
        self.items[name][1].update(tags)

    def remove_tags(self, name: str, *tags: str) -> None:
        """Fewer tags for one."""
        self.items[name][1].difference_update(tags)

    def __getitem__(self, name: str) -> Any:
        found = [obj for obj, labels, _ in self.items.values() if name in labels]
        if len(found) != 1:
            raise KeyError(f"{len(found)} optimizers are called {name!r}")
        return found[0]

    def found(self, words: Sequence[Any]) -> list[Any]:
        """What a query asks for, in order of position; databases are asked in their turn."""
        query = as_query(words)
        chosen = [item for item in self.items.values() if query.fits(item[1])]
        objects = [obj for obj, _, _ in sorted(chosen, key=lambda item: item[2])]
        return [obj.query(query) if isinstance(obj, DB) else obj for obj in objects]

    def query(self, *words: Any) -> Any:
        """What is asked for, as one optimizer."""
        return SeqOptimizer(self.found(words))


class SequenceDB(DB):
    """Its optimizers run one after the other, by position."""


class EquilibriumDB(DB):
    """Its optimizers run until none has anything to say."""

    def query(self, *words: Any) -> EquilibriumOptimizer:
        """What is asked for, as one optimizer."""
        return EquilibriumOptimizer(self.found(words))


class LocalGroupDB(DB):
    """Its local optimizers are tried in turn on each node."""

    def query(self, *words: Any) -> Any:
        """What is asked for, as one local optimizer."""
        return LocalOptGroup(*self.found(words))


class ProxyDB(DB):
    """Another database under another name."""

    def __init__(self, db: DB) -> None:
        super().__init__()
        self.db = db

    def query(self, *words: Any) -> Any:
        """What the other gives."""
        return self.db.query(*words)


class TopoDB(ProxyDB):
    """A database of local optimizers, tried on each node in order."""

    def __init__(self, db: DB, order: str = "in_to_out", *options: Any, **more: Any) -> None:
        super().__init__(db)

    def query(self, *words: Any) -> TopoOptimizer:
        """What is asked for, as an optimizer of graphs."""
        return TopoOptimizer(self.db.query(*words))


class Whole(Optimizer):
    """The compiler's own rules, with a program's."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules

    def apply(self, fgraph: FunctionGraph) -> None:
        """Rewrite the graph as a function of its would be."""
        roots = run_globals(fgraph.inputs, list(fgraph.outputs), self.rules)
        fgraph.become(canonical(Graph(fgraph.inputs, tuple(roots)), self.rules).outputs)


class _Compiler(SequenceDB):
    """`theano.compile.optdb`: what takes part in every function that is compiled."""

    def register(self, name: str, obj: Any, *tags: Any, **options: Any) -> None:
        """Use an optimizer in functions whose mode has one of its tags: fast_run is in all."""
        place = next((float(t) for t in tags if isinstance(t, int | float)), 0.0)
        words = [tag for tag in tags if isinstance(tag, str)]
        _registry.add(name, obj, words, place)

    def query(self, *words: Any) -> Whole:
        """The compiler, with what a query asks for."""
        query = as_query(words)
        names = opt_rules(query.include)
        chosen = RuleSet(tuple(_registry.rules[name] for name in names))
        rules = DEFAULT | chosen if query.include.intersection(ALWAYS) else chosen
        labels = {label for r in rules.known for label in (r.name, r.theme, r.safety)}
        return Whole(rules.excluding(*labels.intersection(query.exclude)))

    def __getitem__(self, name: str) -> Any:
        rule = _registry.rules.get(name)
        return self if rule is None else rule.opt


optdb = _Compiler()
