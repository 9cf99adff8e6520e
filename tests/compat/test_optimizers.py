"""Optimizers of a program's own: of a node, of a graph, in databases, in functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgraph.compat.theano as theano
import symgraph.compat.theano.tensor as T
from symgraph.compat.theano import gof
from symgraph.compat.theano.compile.mode import optdb
from symgraph.compat.theano.gof import optdb as registry
from symgraph.compat.theano.gof import toolbox
from symgraph.errors import ConfigError, RewriteError

x, y, z = T.dscalars("x", "y", "z")


@pytest.fixture(autouse=True)
def no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test registers what it needs, and leaves nothing."""
    monkeypatch.setattr(registry, "_registry", registry._Registry())


class Simplify(gof.Optimizer):
    """x * y / y = x, as Theano's tutorial has it."""

    def add_requirements(self, fgraph: Any) -> None:
        fgraph.attach_feature(toolbox.ReplaceValidate())

    def apply(self, fgraph: Any) -> None:
        for node in fgraph.toposort():
            if node.op == T.true_div:
                top, bottom = node.inputs
                if top.owner is not None and top.owner.op == T.mul:
                    a, b = top.owner.inputs
                    if bottom is b:
                        fgraph.replace_validate(node.outputs[0], a, reason="simplify")


@gof.local_optimizer([T.true_div])
def local_simplify(node: Any) -> Any:
    """The same for one node."""
    top, bottom = node.inputs
    if top.owner is not None and top.owner.op == T.mul and top.owner.inputs[1] is bottom:
        return [top.owner.inputs[0]]
    return False


def ops_of(graph: Any) -> list[Any]:
    return [node.op for node in graph.toposort()]


def test_an_optimizer_changes_a_graph() -> None:
    graph = gof.FunctionGraph([x, y, z], [z + (x * y) / y])
    Simplify().optimize(graph)
    assert ops_of(graph) == [T.add]
    assert len(graph.clients(graph.inputs[2])) == 1
    nested = gof.FunctionGraph([x, y], [((x * y) / y * y) / y])
    gof.TopoOptimizer(local_simplify).optimize(nested)
    assert nested.outputs[0] is nested.inputs[0]


def test_patterns_stand_for_others() -> None:
    double = gof.PatternSub((T.add, "a", "a"), (T.mul, 2.0, "a"))
    once = gof.FunctionGraph([x, y], [(x + x) - (x + y)])
    gof.OpKeyOptimizer(double).optimize(once)
    assert ops_of(once).count(T.mul) == ops_of(once).count(T.add) == 1
    gof.EquilibriumOptimizer([gof.OpSub(T.mul, T.sub), gof.OpSub(T.add, T.sub)]).optimize(once)
    assert ops_of(once) == [T.sub] * 3
    gone = gof.FunctionGraph([x], [T.exp(-x)])
    gof.opt.in2out(gof.OpRemove(T.neg)).optimize(gone)
    assert ops_of(gone) == [T.exp]
    positive = {"pattern": "a", "constraint": lambda var: var.name == "y"}
    bound = gof.PatternSub((T.abs_, positive), "a")
    graph = gof.FunctionGraph([x, y], [abs(x), abs(y)], clone=False)
    gof.TopoOptimizer(bound).optimize(graph)
    assert graph.outputs[1] is y
    assert graph.outputs[0].owner.op == T.abs_
    endless = gof.PatternSub((T.add, "a", "b"), (T.add, "b", "a"))
    gof.TopoOptimizer(endless, ignore_newtrees=True).optimize(once)
    with pytest.raises(RewriteError, match="does not settle"):
        gof.OpKeyOptimizer(endless).optimize(gof.FunctionGraph([x, y], [x + y]))
    wrong = gof.local_optimizer([T.exp])(lambda node: [T.dvector()])
    with pytest.raises(RewriteError, match="cannot stand for"):
        gof.TopoOptimizer(wrong).optimize(gof.FunctionGraph([x], [T.exp(x)]))


def test_features_are_told_and_may_refuse() -> None:
    seen: list[Any] = []

    class Watch(toolbox.Feature):
        def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
            seen.append(("new", node.op, reason))

        def on_prune(self, fgraph: Any, node: Any, reason: Any) -> None:
            seen.append(("gone", node.op, reason))

        def validate(self, fgraph: Any) -> None:
            if any(node.op == T.exp for node in fgraph.toposort()):
                raise gof.InconsistencyError("no exp here")

    graph = gof.FunctionGraph([x, y], [x + y], features=[Watch()], clone=False)
    before = graph.outputs[0]
    graph.replace_validate(before, x - y, reason="swap")
    assert seen == [("new", T.add, "attached"), ("new", T.sub, "swap"), ("gone", T.add, "swap")]
    with pytest.raises(gof.InconsistencyError):
        graph.replace_validate(graph.outputs[0], T.exp(x))
    assert graph.outputs[0].owner.op == T.sub
    assert graph.now(before) is graph.outputs[0]


def test_registered_optimizers_take_part_by_their_tags() -> None:
    calls: list[str] = []

    class Tell(gof.Optimizer):
        def __init__(self, word: str) -> None:
            self.word = word

        def apply(self, fgraph: Any) -> None:
            calls.append(self.word)

    optdb.register("second", Tell("second"), 2.5, "fast_run")
    optdb.register("first", Tell("first"), 1, "fast_run")
    optdb.register("asked", Tell("asked"), 3, "special")
    optdb.register("simplify", Simplify(), 10, "fast_run")
    out = (x * y) / y
    f = theano.function([x, y], out, on_unused_input="ignore")
    assert calls == ["first", "second"]
    assert not np.isnan(f(3.0, 0.0))
    asked = theano.compile.get_default_mode().including("special").excluding("simplify", "first")
    calls.clear()
    assert np.isnan(theano.function([x, y], out, mode=asked)(3.0, 0.0))
    assert calls == ["second", "asked"]
    with pytest.raises(ConfigError, match="'first' already"):
        optdb.register("first", Tell("again"), "fast_run")


def test_local_optimizers_take_part_too() -> None:
    out = (x * y) / y
    T.opt.register_canonicalize(local_simplify)
    assert theano.function([x, y], out, on_unused_input="ignore")(3.0, 0.0) == 3.0
    off = theano.compile.get_default_mode().excluding("local_simplify")
    assert np.isnan(theano.function([x, y], out, mode=off)(3.0, 0.0))


def test_a_mode_may_have_an_optimizer_of_its_own() -> None:
    out = (x * y) / y + T.log(1 + T.exp(z))
    for opt in (local_simplify, Simplify(), gof.SeqOptimizer([Simplify()])):
        mode = theano.Mode(linker="py", optimizer=opt)
        f = theano.function([x, y, z], out, mode=mode, on_unused_input="ignore")
        assert T.true_div not in ops_of(f.maker.fgraph)
        assert T.exp in ops_of(f.maker.fgraph)
        assert f(3.0, 0.0, 0.0) == 3.0 + np.log(2)


def test_databases_are_asked_by_tags() -> None:
    local = gof.LocalGroupDB()
    local.register("divided", local_simplify, "common")
    local.register("absolute", gof.OpRemove(T.abs_), "rare")
    whole = gof.EquilibriumDB()
    whole.register("negative", gof.OpSub(T.add, T.sub), "common")
    steps = gof.SequenceDB()
    steps.register("locals", gof.TopoDB(local), 1, "common", "rare")
    steps.register("signs", whole, 2, "common")
    out = abs((x * y) / y + z)
    graphs = {words: gof.FunctionGraph([x, y, z], [out]) for words in ("common", "rare", "-rare")}
    steps.query("+common").optimize(graphs["common"])
    steps.query("rare").optimize(graphs["rare"])
    steps.query(gof.Query(["common"], exclude=["rare"])).optimize(graphs["-rare"])
    assert ops_of(graphs["common"]) == [T.sub, T.abs_]
    assert ops_of(graphs["rare"]) == [T.mul, T.true_div, T.add]
    assert ops_of(graphs["-rare"]) == [T.mul, T.true_div, T.sub, T.abs_]
    assert steps["signs"] is whole
    with pytest.raises(KeyError):
        steps["nothing"]


def test_the_compiler_is_an_optimizer() -> None:
    graph = gof.FunctionGraph([x], [T.log(1 + T.exp(x)) + 0 * 1.0])
    optdb.query(gof.Query(["fast_run"])).optimize(graph)
    assert ops_of(graph) == ops_of(theano.function([x], T.nnet.softplus(x)).maker.fgraph)


def test_types_and_graphs_of_a_programs_own() -> None:
    class Word(gof.Type):
        def filter(self, value: Any, strict: bool = False, allow_downcast: Any = None) -> Any:
            return str(value)

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Word)

        def __hash__(self) -> int:
            return hash(Word)

    class Joined(gof.Op):
        __props__ = ()

        def make_node(self, *words: Any) -> Any:
            return gof.Apply(self, list(words), [Word()()])

        def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
            outputs[0][0] = " ".join(inputs)

    a, b = Word()("a"), Word()("b")
    both = Joined()(a, b)
    graph = gof.FunctionGraph([a, b], [Joined()(both, both)])
    assert str(graph) == "[Joined(*1 -> Joined(a, b), *1)]"
    assert theano.function([a, b], both)("one", "two") == "one two"
    assert gof.Constant(Word(), 3).data == "3"
