"""Every rewrite of a graph, recorded: its rule, what went and came, the user's line, the graph.

The graph is rewritten once more to record it. Between two rewrites nodes are only moved onto new
inputs or merged with their equals, which is not counted as a rewrite.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import NamedTuple

from symgraph.dataclass import dataclass
from symgraph.graph import Apply, Graph, Variable
from symgraph.loops.improve import canonical
from symgraph.rewrite import EXACT, Rule, RuleSet, Step
from symgraph.show.view import Node, folded, kind_of, number_text, scope_of
from symgraph.show.words import leaf_text, type_text, visible

MOST = 3_000_000  # nodes of all recorded graphs together; beyond it rewrites are shown in batches
LOOPS = Rule("better_loops", (), EXACT, "loops")  # what is done to scans between rewrites
Event = tuple[Rule | None, Variable, Variable]  # None where a node was moved or merged


class Rewrite(NamedTuple):
    """One rewrite that took place."""

    rule: str
    safety: str
    removed: str
    added: str
    line: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.safety}): {self.removed} -> {self.added}\n  at {self.line}"


@dataclass
class Frame:
    """What one rewrite, or a batch of them, changed in the graph that is shown.

    `set` gives ids of boxes with the boxes they read, `drop` what is gone; `added` and `removed`
    are the boxes the rule made and those it made useless.
    """

    rule: str = ""
    safety: str = ""
    line: str = ""
    set: list[tuple[str, list[str]]] = field(default_factory=list)
    drop: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class History:
    """All boxes there ever were, by id, and how the graph changed; frame 0 is the user's graph."""

    nodes: dict[str, Node]
    frames: tuple[Frame, ...]


def rewrites_of(graph: Graph, rules: RuleSet) -> list[Rewrite]:
    """Every rewrite that `rules` do on a graph, in order.

    >>> import symgraph.tensor as T
    >>> from symgraph.rules import DEFAULT
    >>> x = T.dvector("x")
    >>> [step.rule for step in rewrites_of(Graph((x,), (T.log(T.exp(x) + 1.0),)), DEFAULT)]
    ['softplus_forms_1']
    """
    found = (event for event in recorded(graph, rules) if event[0] is not None)
    return [_described(rule, old, new) for rule, old, new in found if rule is not None]


def recorded(graph: Graph, rules: RuleSet) -> list[Event]:
    """What happened to variables while a graph was rewritten, in order."""
    events: list[Event] = []

    def watch(step: Step) -> None:
        events.append((step.rule, step.old, step.new))

    def moved(old: Variable, new: Variable) -> None:
        events.append((None, old, new))

    def improved(before: Graph, after: Graph) -> None:
        pairs = [
            (old, new)
            for old, new in zip(before.outputs, after.outputs, strict=True)
            if old is not new
        ]
        rules = (LOOPS, *[None] * len(pairs))
        events.extend((rule, *pair) for rule, pair in zip(rules, pairs, strict=False))

    canonical(graph, rules, watch=watch, moved=moved, improved=improved)
    return events


def _described(rule: Rule, old: Variable, new: Variable) -> Rewrite:
    removed, added = (
        visible(str(var.owner.op)) if var.owner else leaf_text(var) for var in (old, new)
    )
    return Rewrite(rule.name, rule.safety, removed, added, visible(str(old.made_at)))


def history_of(graph: Graph, rules: RuleSet, names: Sequence[str]) -> History:
    """The graphs between the user's and the rewritten one; `names` are those of the outputs."""
    events = recorded(graph, rules)
    count = sum(rule is not None for rule, _, _ in events)
    batch = 1 + count * len(graph.toposort()) // MOST
    film = _Film(graph, names)
    fired: list[Event] = []
    for event in events:
        if len(fired) == batch and event[0] is not None:
            film.shoot(fired)
            fired = []
        film.becomes[event[1]] = event[2]
        if event[0] is not None:
            fired.append(event)
        else:
            film.carried.add(event[2])
    film.shoot(fired)
    return History(film.boxes.nodes, tuple(film.frames))


class _Film:
    """Takes a picture of the graph after each rewrite, and keeps what changed."""

    def __init__(self, graph: Graph, names: Sequence[str]) -> None:
        self.graph, self.names = graph, names
        self.becomes: dict[Variable, Variable] = {}
        self.carried: set[Variable] = set()  # what nodes moved to: no rule made these
        self.boxes = _Boxes(set(graph.inputs))
        self.frames: list[Frame] = []
        self.now: dict[str, list[str]] = {}
        self.shoot([])

    def shoot(self, fired: Sequence[Event]) -> None:
        """Add a frame for the rewrites in `fired`; a picture that did not change is left out."""
        before, self.now = self.now, dict(self._boxes())
        if self.frames and not fired:
            return
        frame = Frame(
            set=[(box, reads) for box, reads in self.now.items() if before.get(box) != reads],
            drop=[box for box in before if box not in self.now],
        )
        carried = {self.boxes.id(var) for var in self.carried}
        moved = {self.boxes.id(old) for old, new in self.becomes.items() if new in self.carried}
        if fired:
            frame.added = [box for box, _ in frame.set if box not in before and box not in carried]
            frame.removed = [box for box in frame.drop if box not in moved]
        for rule, old, _ in fired[:1]:
            assert rule is not None
            frame.safety, frame.line = rule.safety, visible(str(old.made_at))
        frame.rule = ", ".join(dict.fromkeys(rule.name for rule, _, _ in fired if rule))
        self.frames.append(frame)

    def _boxes(self) -> Iterator[tuple[str, list[str]]]:
        """The boxes of the present graph and what each reads."""
        seen: set[Variable | Apply] = set()
        stack = []
        for n, var in enumerate(self.graph.outputs):
            final = self._final(var)
            yield self.boxes.root(n, self.names[n], var), [self.boxes.id(final)]
            stack.append(final)
        while stack:
            var = stack.pop()
            node = None if var in self.boxes.fence else var.owner
            if (node or var) in seen:
                continue
            seen.add(node or var)
            reads = [] if node is None else [self._final(v) for v in node.inputs]
            shown = [v for v in reads if number_text(v) is None]
            yield self.boxes.id(var), [self.boxes.id(v) for v in shown]
            stack.extend(shown)

    def _final(self, var: Variable) -> Variable:
        passed = {var}
        while var in self.becomes and self.becomes[var] not in passed:
            var = self.becomes[var]
            passed.add(var)
        return var


class _Boxes:
    """The boxes of all graphs of a history, each with one id for good."""

    def __init__(self, fence: set[Variable]) -> None:
        self.fence = fence
        self.nodes: dict[str, Node] = {}
        self._ids: dict[Variable | Apply, str] = {}

    def id(self, var: Variable) -> str:
        """The id of the box a variable comes from."""
        node = None if var in self.fence else var.owner
        key = node or var
        if key not in self._ids:
            box = self._ids[key] = f"h{len(self._ids)}"
            self.nodes[box] = self._leaf(box, var) if node is None else self._op(box, node)
        return self._ids[key]

    def root(self, number: int, name: str, var: Variable) -> str:
        """The id of an output's box."""
        kind = "update" if name.endswith("←") else "output"
        box = f"r{number}"
        self.nodes[box] = Node(box, kind, name, type_text(var.type), visible(str(var.made_at)))
        return box

    def _leaf(self, box: str, var: Variable) -> Node:
        place, name = visible(str(var.made_at)), visible(var.name or "")
        return Node(
            box, kind_of(var), leaf_text(var), type_text(var.type), place, name, scope_of(var)
        )

    def _op(self, box: str, node: Apply) -> Node:
        out = node.outputs[0]
        types = ", ".join(type_text(var.type) for var in node.outputs)
        label = folded(visible(str(node.op)), [number_text(var) for var in node.inputs])
        place = visible(str(out.made_at))
        return Node(box, "op", label, types, place, visible(out.name or ""), scope_of(out))
