"""`theano.gof.opt`: optimizers of a program's own.

A local optimizer looks at one node: a function under `@local_optimizer([op, ...])`, a subclass of
`LocalOptimizer` with `tracks` and `transform`, or one of `PatternSub`, `OpSub` and `OpRemove`. It
becomes one of the compiler's rewrite rules. A global one is a subclass of `Optimizer` whose `apply`
changes a `FunctionGraph`; it runs before the compiler. `theano.gof.optdb` says which take part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from symgraph.compat.theano.configdefaults import config
from symgraph.compat.theano.gof.fg import FunctionGraph
from symgraph.compat.theano.gof.patterns import Pattern, build, match
from symgraph.config import config as limits
from symgraph.errors import GraphTypeError, RewriteError
from symgraph.graph import Apply, Graph, Op, Variable
from symgraph.rewrite import RuleSet, on_inputs, rewrite

__all__ = [
    "EquilibriumOptimizer",
    "FromFunctionLocalOptimizer",
    "FromFunctionOptimizer",
    "LocalOptGroup",
    "LocalOptimizer",
    "MergeOptimizer",
    "NavigatorOptimizer",
    "OpKeyOptimizer",
    "OpRemove",
    "OpSub",
    "Optimizer",
    "PatternSub",
    "SeqOptimizer",
    "TopoOptimizer",
    "config",
    "in2out",
    "local_optimizer",
    "optimizer",
    "out2in",
]


# --- of one node -------------------------------------------------------------------------------


class LocalOptimizer:
    """Puts something in the place of a node."""

    name: str | None = None

    def tracks(self) -> Sequence[Any] | None:
        """The ops, or classes of ops, whose nodes it is tried on; None for all."""
        return None

    def transform(self, node: Apply) -> Any:
        """False, or what stands for the outputs of a node: a list, or a dict from old to new."""
        raise NotImplementedError(f"{type(self).__name__} does not define transform")

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Called before it is used on a graph."""

    def __call__(self, node: Apply) -> Any:
        """What `transform` gives."""
        return self.transform(node)

    def __str__(self) -> str:
        return self.name or type(self).__name__


class FromFunctionLocalOptimizer(LocalOptimizer):
    """A local optimizer made of a function of a node."""

    def __init__(self, fn: Callable[[Apply], Any], tracks: Iterable[Any] | None = None) -> None:
        self.fn, self.name = fn, fn.__name__
        self._tracks = None if tracks is None else list(tracks)
        self.__doc__ = fn.__doc__

    def tracks(self) -> Sequence[Any] | None:
        """As it was told."""
        return self._tracks

    def transform(self, node: Apply) -> Any:
        """What the function gives."""
        return self.fn(node)


def local_optimizer(
    tracks: Iterable[Any] | None, inplace: bool = False, requirements: Any = ()
) -> Callable[[Callable[[Apply], Any]], FromFunctionLocalOptimizer]:
    """A decorator that makes a local optimizer of a function of a node.

    Parameters
    ----------
    tracks
        The ops, or classes of ops, whose nodes it is tried on; None for all.
    inplace, requirements
        Taken for Theano's sake.
    """
    kept = None if tracks is None else list(tracks)
    return lambda fn: FromFunctionLocalOptimizer(fn, kept)


class LocalOptGroup(LocalOptimizer):
    """The first of several local optimizers that has something to say."""

    def __init__(self, *optimizers: LocalOptimizer, **options: Any) -> None:
        self.opts = list(optimizers)
        self.name = "_".join(map(str, self.opts))

    def tracks(self) -> Sequence[Any] | None:
        """All that they track."""
        found = [opt.tracks() for opt in self.opts]
        return None if None in found else [item for part in found for item in part or ()]

    def transform(self, node: Apply) -> Any:
        """What the first gives that gives something."""
        results = (opt.transform(node) for opt in self.opts if tracked(opt, node))
        return next((result for result in results if is_change(result)), False)


class OpSub(LocalOptimizer):
    """Puts one op in the place of another, on the same inputs."""

    def __init__(self, op1: Op, op2: Op, transfer_tags: bool = True) -> None:
        self.op1, self.op2 = op1, op2
        self.name = f"{op1} -> {op2}"

    def tracks(self) -> Sequence[Any]:
        """The op that goes."""
        return [self.op1]

    def transform(self, node: Apply) -> Any:
        """The outputs of the other op."""
        return node.op == self.op1 and list(self.op2.make_node(*node.inputs).outputs)


class OpRemove(LocalOptimizer):
    """Removes an op: its inputs take the place of its outputs."""

    def __init__(self, op: Op) -> None:
        self.op, self.name = op, f"{op}(x) -> x"

    def tracks(self) -> Sequence[Any]:
        """The op that goes."""
        return [self.op]

    def transform(self, node: Apply) -> Any:
        """The inputs."""
        return node.op == self.op and list(node.inputs)


class PatternSub(LocalOptimizer):
    """Puts one pattern in the place of another.

    A pattern is a string, which stands for any variable, the same in all its places; a tuple
    `(op, pattern, ...)`; a number, for a constant; a dict of a `pattern` and a `constraint`, a
    function that is asked about the variable.

    Parameters
    ----------
    allow_multiple_clients
        Whether inner parts of what is replaced may be read by others.
    skip_identities_fn
        Taken for Theano's sake, as the options behind it.

    >>> import symgraph.compat.theano.tensor as T
    >>> x, y = T.dscalars("x", "y")
    >>> pattern = PatternSub((T.add, "a", (T.mul, "a", "b")), (T.mul, "a", (T.add, 1.0, "b")))
    >>> (found,) = pattern.transform((x + x * y).owner)
    >>> found.eval({x: 2.0, y: 3.0})
    array(8.)
    """

    def __init__(
        self,
        in_pattern: Pattern,
        out_pattern: Pattern,
        allow_multiple_clients: bool = True,
        skip_identities_fn: Any = None,
        name: str | None = None,
        pdb: bool = False,
        tracks: Sequence[Any] = (),
        get_nodes: Any = None,
        values_eq_approx: Any = None,
    ) -> None:
        self.in_pattern, self.out_pattern = in_pattern, out_pattern
        self.name = name or f"{in_pattern} -> {out_pattern}"
        self.op = in_pattern["pattern"][0] if isinstance(in_pattern, dict) else in_pattern[0]

    def tracks(self) -> Sequence[Any] | None:
        """The op that the pattern begins with, if it is an op."""
        return [self.op] if isinstance(self.op, Op | type) else None

    def transform(self, node: Apply) -> Any:
        """The other pattern, if the node's output fits the first."""
        if len(node.outputs) != 1:
            return False
        found = match(self.in_pattern, node.outputs[0], {})
        return False if found is None else [build(self.out_pattern, found)]


def tracked(opt: LocalOptimizer, node: Apply) -> bool:
    """Whether a node is one of those that an optimizer looks at."""
    items = opt.tracks()
    return items is None or any(
        isinstance(node.op, item) if isinstance(item, type) else node.op == item for item in items
    )


def is_change(result: Any) -> bool:
    """Whether a local optimizer had something to say."""
    return result is not None and result is not False


# --- of a graph --------------------------------------------------------------------------------


class Optimizer:
    """Changes a graph: a subclass defines `apply(fgraph)`."""

    name: str | None = None

    def apply(self, fgraph: FunctionGraph) -> Any:
        """Change the graph by its methods `replace` and `replace_validate`."""
        raise NotImplementedError(f"{type(self).__name__} does not define apply")

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Called before `apply`, to attach features."""

    def optimize(self, fgraph: FunctionGraph) -> Any:
        """Change the graph, its requirements met."""
        self.add_requirements(fgraph)
        return self.apply(fgraph)

    __call__ = optimize


class FromFunctionOptimizer(Optimizer):
    """An optimizer made of a function of a graph."""

    def __init__(self, fn: Callable[[FunctionGraph], Any], requirements: Any = ()) -> None:
        self.fn, self.requirements, self.name = fn, requirements, fn.__name__

    def apply(self, fgraph: FunctionGraph) -> Any:
        """Call the function."""
        return self.fn(fgraph)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Call what it was given for the purpose."""
        for requirement in self.requirements:
            requirement(fgraph)


def optimizer(f: Callable[[FunctionGraph], Any]) -> FromFunctionOptimizer:
    """A decorator that makes an optimizer of a function of a graph."""
    return FromFunctionOptimizer(f)


class SeqOptimizer(Optimizer, list[Optimizer]):
    """Optimizers one after the other."""

    def __init__(self, *opts: Any, **options: Any) -> None:
        several = len(opts) == 1 and isinstance(opts[0], list | tuple)
        list.__init__(self, opts[0] if several else opts)

    def apply(self, fgraph: FunctionGraph) -> None:
        """All of them in turn."""
        for opt in self:
            opt.optimize(fgraph)

    __call__ = Optimizer.optimize


class MergeOptimizer(Optimizer):
    """Makes nodes that compute the same one."""

    def apply(self, fgraph: FunctionGraph) -> None:
        """The compiler's rewriting, without rules."""
        fgraph.become(rewrite(Graph(fgraph.inputs, fgraph.outputs), RuleSet()).outputs)


class NavigatorOptimizer(Optimizer):
    """A local optimizer on all nodes, until it rests if `ignore_newtrees` is False."""

    def __init__(
        self,
        local_opt: LocalOptimizer,
        ignore_newtrees: Any = "auto",
        failure_callback: Any = None,
        **options: Any,
    ) -> None:
        self.local_opt = local_opt
        self.again = ignore_newtrees is False
        self.name = str(local_opt)

    def apply(self, fgraph: FunctionGraph) -> None:
        """Try it on each node."""
        settle(fgraph, [self.local_opt], once=not self.again)


class TopoOptimizer(NavigatorOptimizer):
    """As its base; `order` is taken for Theano's sake."""

    def __init__(
        self,
        local_opt: LocalOptimizer,
        order: str = "in_to_out",
        ignore_newtrees: Any = False,
        failure_callback: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(local_opt, ignore_newtrees, failure_callback)
        self.name = name or self.name


class OpKeyOptimizer(NavigatorOptimizer):
    """As its base, for a local optimizer that tracks ops."""

    def __init__(
        self, local_opt: LocalOptimizer, ignore_newtrees: Any = False, failure_callback: Any = None
    ) -> None:
        if local_opt.tracks() is None:
            raise TypeError(f"{local_opt} tracks no ops")
        super().__init__(local_opt, ignore_newtrees, failure_callback)


class EquilibriumOptimizer(Optimizer):
    """Optimizers, local and global, until none has anything to say.

    More than `max_use_ratio` passes over the graph are an error that names one of them.
    """

    def __init__(
        self,
        optimizers: Iterable[Any],
        failure_callback: Any = None,
        ignore_newtrees: bool = True,
        tracks_on_change_inputs: bool = False,
        max_use_ratio: float | None = None,
        **options: Any,
    ) -> None:
        opts = list(optimizers)
        self.local_optimizers = [opt for opt in opts if isinstance(opt, LocalOptimizer)]
        self.global_optimizers = [opt for opt in opts if not isinstance(opt, LocalOptimizer)]
        self.limit = max_use_ratio

    def apply(self, fgraph: FunctionGraph) -> None:
        """Round after round."""
        while True:
            before = fgraph.outputs
            for opt in self.global_optimizers:
                opt.optimize(fgraph)
            settle(fgraph, self.local_optimizers, limit=self.limit)
            if not self.global_optimizers or fgraph.outputs == before:
                return


def in2out(*local_opts: LocalOptimizer, **options: Any) -> TopoOptimizer:
    """Local optimizers on all nodes, inputs first."""
    (opt,) = local_opts if len(local_opts) == 1 else (LocalOptGroup(*local_opts),)
    return TopoOptimizer(opt, "in_to_out", name=options.get("name"))


out2in = in2out


def settle(
    fgraph: FunctionGraph,
    local_opts: Sequence[LocalOptimizer],
    once: bool = False,
    limit: float | None = None,
) -> None:
    """Passes over a graph, each node shown to local optimizers; one, or until nothing changes."""
    last: LocalOptimizer | None = None
    for opt in local_opts:
        opt.add_requirements(fgraph)
    for _ in range(1 if once else int(limit or limits.rewrite_budget)):
        memo: dict[Variable, Variable] = {}
        last = None
        for node in fgraph.toposort():
            fresh = _renewed(node, memo)
            for opt, new in _changes(fresh, local_opts):
                last = opt
                memo.update(_checked(opt, dict(zip(node.outputs, fresh.outputs, strict=True)), new))
                break
        if memo:
            fgraph.put(memo, str(last) if last else None)
        if last is None:
            return
    if not once:
        raise RewriteError(f"the optimizer {last} does not settle; it changes the graph for ever")


def _renewed(node: Apply, memo: dict[Variable, Variable]) -> Apply:
    """A node on what its inputs have become."""
    inputs = [memo.get(v, v) for v in node.inputs]
    if all(new is v for new, v in zip(inputs, node.inputs, strict=True)):
        return node
    fresh = on_inputs(node, inputs)
    memo.update(zip(node.outputs, fresh.outputs, strict=True))
    return fresh


def _changes(
    node: Apply, local_opts: Sequence[LocalOptimizer]
) -> Iterator[tuple[LocalOptimizer, Mapping[Variable, Variable]]]:
    for opt in local_opts:
        new = changed(opt, node)
        if new and any(a is not b for a, b in new.items()):
            yield opt, new


def changed(opt: LocalOptimizer, node: Apply) -> dict[Variable, Variable]:
    """What a local optimizer puts for the outputs of a node, by output; empty if nothing."""
    result = opt.transform(node) if tracked(opt, node) else None
    if not is_change(result):
        return {}
    if isinstance(result, Mapping):
        return dict(result)
    new: list[Any] = list(result) if isinstance(result, list | tuple) else [result]
    if len(new) != len(node.outputs):
        raise RewriteError(f"{opt} gave {len(new)} variables for {len(node.outputs)}, of {node}")
    return dict(zip(node.outputs, new, strict=True))


def _checked(
    opt: LocalOptimizer, outputs: Mapping[Variable, Variable], new: Mapping[Variable, Variable]
) -> dict[Variable, Variable]:
    """Replacements of a node's outputs, which have their types."""
    found = {}
    for old, current in outputs.items():
        if current in new:
            try:
                found[old] = old.type.filter_variable(new[current])
            except GraphTypeError as error:
                raise RewriteError(f"{opt}: {error}") from error
    return found
