"""Placement: which device computes what, and which copies that needs.

A node goes where the user put it (`ops/transfer.py` says how), else to the function's own device;
what a device cannot compute goes to the CPU. The graph that comes out has a `Transfer` wherever a
value crosses from one device to another, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from symgraph.dataclass import dataclass
from symgraph.devices import CPU
from symgraph.families import SizeOf
from symgraph.graph import Apply, Constant, Variable, clients, toposort
from symgraph.ops.transfer import Transfer, target_of, wish
from symgraph.places import made_for
from symgraph.runners import Task
from symgraph.shared import SharedVariable
from symgraph.types import TensorType

Capable = Callable[[Apply], bool]  # whether GPUs can compute a node
COPIES = "copies"  # what runs a `Transfer`, beside the devices


@dataclass(frozen=True)
class Placed:
    """A task whose copies are nodes.

    Attributes
    ----------
    task
        The task; its inputs are those that it had.
    places
        The device of each node; of a `Transfer` the one that it copies to.
    homes
        Where the value of each input lies: user's on the CPU, shared ones where they are used.
    """

    task: Task
    places: Mapping[Apply, str]
    homes: Mapping[Variable, str]

    @property
    def devices(self) -> tuple[str, ...]:
        """The GPUs that take part, in the order of their first use."""
        used = [*self.places.values(), *self.homes.values()]
        return tuple(dict.fromkeys(place for place in used if place != CPU))


def needs_placement(task: Task, default: str) -> bool:
    """Whether anything of a task is to be on a GPU, or says where it is."""
    if default != CPU or any(map(target_of, task.inputs)):
        return True
    nodes = toposort(task.roots, stop=task.inputs)
    return any(isinstance(n.op, Transfer) or n.made_at.device not in ("", CPU) for n in nodes)


def placed(task: Task, default: str, capable: Capable) -> Placed:
    """The task on the devices where the user wants it, copies put in."""
    nodes = toposort(task.roots, stop=task.inputs)
    places = _places(nodes, task, default, capable)
    homes = _homes(task, nodes, places, default)
    copier = _Copier(places, dict(homes))
    for node in nodes:
        copier.add(node)
    outputs = [copier.result(var) for var in task.outputs]
    updates = [(s, copier.at(value, homes.get(s, CPU))) for s, value in task.updates]
    return Placed(Task(task.inputs, tuple(outputs), tuple(updates)), copier.new_places, homes)


def _places(nodes: Sequence[Apply], task: Task, default: str, capable: Capable) -> dict[Apply, str]:
    """Where each node runs.

    What only numbers and constants go into runs where it is read; a size is read where its array
    is needed anyway.
    """
    wishes: dict[Variable, str] = {}
    places: dict[Apply, str] = {}
    for node in nodes:
        wanted = wish(node, wishes)
        if isinstance(node.op, Transfer):
            wanted = wanted or default
        wishes.update(dict.fromkeys(node.outputs, wanted))
        fit = isinstance(node.op, Transfer) or capable(node)
        places[node] = (wanted or default) if fit else CPU
    readers = clients(task.roots)
    for node in nodes:
        if isinstance(node.op, SizeOf):
            source = node.inputs[0]
            others = [n for n, _ in readers[source] if n in places and not isinstance(n.op, SizeOf)]
            near = others or ([source.owner] if source.owner else [])
            places[node] = places.get(near[0], CPU) if near else CPU
    for node in reversed(nodes):
        free = not wishes[node.outputs[0]] and all(map(_weightless, node.inputs)) and capable(node)
        reading = [n for out in node.outputs for n, _ in readers.get(out, ()) if n in places]
        free = free and not isinstance(node.op, SizeOf)
        if free and reading:
            places[node] = places[reading[0]]
    return places


def _weightless(var: Variable) -> bool:
    """Whether a value is on every device as it is: a constant, or a number."""
    return isinstance(var, Constant) or (isinstance(var.type, TensorType) and var.type.ndim == 0)


def _homes(
    task: Task, nodes: Sequence[Apply], places: Mapping[Apply, str], default: str
) -> dict[Variable, str]:
    """Where the values of inputs lie.

    A shared variable that was not made for a device lives on the first GPU that uses it, and is
    brought there by the first call.
    """
    homes = dict.fromkeys(task.inputs, CPU)
    free = {v for v in task.inputs if isinstance(v, SharedVariable) and not v.container.target}
    homes |= {
        v: v.container.target
        for v in task.inputs
        if isinstance(v, SharedVariable) and v.container.target
    }
    uses = [(v, places[n]) for n in nodes for v in n.inputs]
    uses += [(s, places[v.owner]) for s, v in task.updates if v.owner and v.owner in places]
    for var, place in uses:
        if var in free and place != CPU and homes[var] == CPU:
            homes[var] = place
    return homes


@dataclass
class _Copier:
    """Builds the graph anew, with a copy wherever a node reads what lies elsewhere."""

    places: Mapping[Apply, str]
    where: dict[Variable, str]  # of the new graph's variables
    new: dict[Variable, Variable] = field(default_factory=dict)
    new_places: dict[Apply, str] = field(default_factory=dict)
    copies: dict[tuple[Variable, str], Variable] = field(default_factory=dict)

    def add(self, node: Apply) -> None:
        """A node with its operands brought to it."""
        place = self.places[node]
        if isinstance(node.op, Transfer):
            self.new[node.outputs[0]] = self.at(node.inputs[0], place)
            return
        inputs = [self.at(var, place) for var in node.inputs]
        same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        made = node if same else node.clone_with_new_inputs(inputs)
        self.new.update(zip(node.outputs, made.outputs, strict=True))
        self._put(made, place)

    def at(self, var: Variable, place: str) -> Variable:
        """A variable of the old graph, on a device."""
        now = self.new.get(var, var)
        if isinstance(now, Constant) or self.where.get(now, CPU) == place or self._number(now):
            return now
        while now.owner is not None and isinstance(now.owner.op, Transfer):
            now = now.owner.inputs[0]
            if self.where.get(now, CPU) == place:
                return now
        key = (now, place)
        if key not in self.copies:
            with made_for(var.made_at):
                self.copies[key] = Transfer(place)(now)
            self.copies[key].name = now.name
            owner = self.copies[key].owner
            assert owner is not None
            self._put(owner, place)
        return self.copies[key]

    def result(self, var: Variable) -> Variable:
        """An output: on the CPU, unless the user transferred it."""
        asked = var.owner is not None and isinstance(var.owner.op, Transfer)
        return self.new.get(var, var) if asked else self.at(var, CPU)

    def _put(self, node: Apply, place: str) -> None:
        self.new_places[node] = place
        self.where.update(dict.fromkeys(node.outputs, place))

    def _number(self, var: Variable) -> bool:
        """Whether a value is a number on the CPU, which goes along with any call."""
        return self.where.get(var, CPU) == CPU and _weightless(var)


def kind_of(node: Apply, places: Mapping[Apply, str]) -> str:
    """What runs a node: a device, or what makes copies."""
    return COPIES if isinstance(node.op, Transfer) else places[node]


def with_updates(part: Task, later: Sequence[Task], found: Placed, place: str) -> Task:
    """The last part that computes, with the updates that it can write over their shared variables.

    These live on its GPU, and nothing reads them afterwards. On the CPU new values are handed back.
    """
    if place == CPU:
        return part
    whole = found.task
    updates = tuple(
        (s, value)
        for s, value in whole.updates
        if found.homes[s] == place and value in part.outputs and s not in whole.outputs
    )
    read = {v for task in later for v in task.inputs} | set(whole.outputs)
    kept = {value for s, value in whole.updates if (s, value) not in updates} | read
    stored = {value for _, value in updates}
    outputs = tuple(v for v in part.outputs if v not in stored or v in kept)
    inputs = dict.fromkeys((*part.inputs, *(s for s, _ in updates)))
    return Task(tuple(inputs), outputs, updates)
