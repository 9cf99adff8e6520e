"""`theano.gof.fg`: a graph in which optimizers of a program's own put variables for others.

Nodes are not changed. A replacement builds what reads the variable anew, and the graph keeps what
stands for each variable that it had before, so an optimizer may go on with the nodes it was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from symgraph import graph as own
from symgraph.compat.theano.gof.graph import as_string
from symgraph.compat.theano.gof.graph import clone as clone_io
from symgraph.errors import GraphTypeError, MissingInputError, RewriteError, SymgraphError
from symgraph.graph import Apply, Graph, Variable, ancestors, clone_graph
from symgraph.rewrite import on_inputs

__all__ = ["CachedConstantError", "FunctionGraph", "InconsistencyError", "MissingInputError"]


class InconsistencyError(RewriteError):
    """What a feature's `validate` raises: the replacement is undone."""


class CachedConstantError(SymgraphError):
    """Kept for programs that catch it; nothing here raises it."""


class FunctionGraph(Graph):
    """The outputs of a graph as a function of its inputs.

    Parameters
    ----------
    features
        Objects told of changes, by those of the methods `on_attach(fgraph)`,
        `on_import(fgraph, node, reason)`, `on_prune(fgraph, node, reason)`,
        `on_change_input(fgraph, node, i, r, new_r, reason)` and `validate(fgraph)` that they have.
    clone
        Whether it has copies of the variables, or the variables themselves.
    """

    __setattr__ = object.__setattr__

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        features: Iterable[Any] | None = None,
        clone: bool = True,
        update_mapping: Any = None,
    ) -> None:
        if clone:
            inputs, outputs = clone_io(inputs, outputs)
        object.__setattr__(self, "inputs", tuple(inputs))
        self.become(outputs)
        self.update_mapping, self._features = update_mapping, list[Any]()
        self._now: dict[Variable, Variable] = {}
        for feature in features or ():
            self.attach_feature(feature)

    def __str__(self) -> str:
        return f"[{', '.join(as_string(self.inputs, self.outputs))}]"

    def become(self, outputs: Iterable[Variable]) -> None:
        """Have other outputs."""
        object.__setattr__(self, "outputs", tuple(outputs))

    def now(self, var: Variable) -> Variable:
        """What stands for a variable that the graph had before."""
        while var in self._now:
            var = self._now[var]
        return var

    def clients(self, var: Variable) -> list[tuple[Any, int]]:
        """The nodes that read a variable, with the place they read it at; "output" for outputs."""
        ends: list[tuple[Any, int]] = [
            ("output", k) for k, v in enumerate(self.outputs) if v is var
        ]
        return [*own.clients(self.outputs).get(var, []), *ends]

    def clone(self) -> FunctionGraph:
        """A copy, without features."""
        return FunctionGraph(self.inputs, self.outputs)

    # --- features ------------------------------------------------------------------------------

    def attach_feature(self, feature: Any) -> None:
        """Tell an object of changes from now on."""
        if feature in self._features:
            return
        self._features.append(feature)
        self.execute_callbacks("on_attach", only=feature)
        for node in self.toposort():
            self.execute_callbacks("on_import", node, "attached", only=feature)

    def remove_feature(self, feature: Any) -> None:
        """Tell it no more."""
        self._features.remove(feature)

    def execute_callbacks(self, name: str, *arguments: Any, only: Any = None) -> None:
        """Call a method of all features that have it."""
        for feature in list(self._features) if only is None else [only]:
            method = getattr(feature, name, None)
            if method is not None:
                method(self, *arguments)

    # --- replacements --------------------------------------------------------------------------

    def replace(
        self, r: Variable, new_r: Variable, reason: Any = None, verbose: Any = None
    ) -> None:
        """Put `new_r`, which is of the same type, wherever `r` is read."""
        self.replace_all([(r, new_r)], reason)

    def replace_all(self, pairs: Iterable[tuple[Variable, Variable]], reason: Any = None) -> None:
        """Replacements one after the other."""
        for r, new_r in pairs:
            old = self.now(r)
            if old not in self.variables:
                continue
            try:
                new = old.type.filter_variable(new_r)
            except GraphTypeError as error:
                raise RewriteError(f"{reason or 'a replacement'}: {error}") from error
            renewed = {v: self.now(v) for v in ancestors([new]) if v in self._now}
            (new,) = clone_graph([new], renewed)
            if new is not old:
                self._put({old: new}, reason)

    def replace_validate(
        self, r: Variable, new_r: Variable, reason: Any = None, **options: Any
    ) -> None:
        """As `replace`; undone if a feature's `validate` raises."""
        self.replace_all_validate([(r, new_r)], reason)

    def replace_all_validate(
        self, replacements: Iterable[tuple[Variable, Variable]], reason: Any = None, **options: Any
    ) -> None:
        """As `replace_all`; undone if a feature's `validate` raises."""
        before = self.outputs, dict(self._now)
        try:
            self.replace_all(replacements, reason)
            self.execute_callbacks("validate")
        except Exception:
            self.become(before[0])
            self._now = before[1]
            raise

    def put(self, memo: Mapping[Variable, Variable], reason: Any = None) -> None:
        """Put the values of a mapping for its keys, what reads them having been made anew."""
        before = set(self.toposort())
        for old, new in memo.items():
            if old is not new:
                self._now.pop(new, None)
                self._now[old] = new
        self.become(memo.get(v, v) for v in self.outputs)
        after = set(self.toposort())
        for node in after - before:
            self.execute_callbacks("on_import", node, reason)
        for node in before - after:
            self.execute_callbacks("on_prune", node, reason)

    def _put(self, pair: Mapping[Variable, Variable], reason: Any) -> None:
        (old,) = pair
        memo, changed = dict(pair), list[tuple[Apply, int]]()
        for node in own.toposort(self.outputs, stop=(*self.inputs, old)):
            inputs = [memo.get(v, v) for v in node.inputs]
            if any(new is not v for new, v in zip(inputs, node.inputs, strict=True)):
                fresh = on_inputs(node, inputs)
                memo.update(zip(node.outputs, fresh.outputs, strict=True))
                changed += [(fresh, k) for k, v in enumerate(node.inputs) if v is old]
        self.put(memo, reason)
        for node, k in changed:
            self.execute_callbacks("on_change_input", node, k, old, pair[old], reason)
