"""The graph users build: variables, the nodes that compute them, and walks over both.

Nothing here knows tensors. Variables are compared by identity; once made, only their
`name` and `tag` are ever assigned. No walk recurses, so graphs may be as deep as memory allows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from types import SimpleNamespace
from typing import Any, ClassVar

from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError, MissingInputError, NullTypeGradError, Place
from symgraph.later import LaterMethod
from symgraph.places import user_place

SLOTTED = 2  # the first protocol of pickles that keeps slots; older ones hold its form too


class Type:
    """What a variable may hold."""

    variable_class: type[Variable]
    constant_class: type[Constant]

    def make_variable(self, name: str | None = None) -> Variable:
        """A new variable of this type."""
        return self.variable_class(self, name=name)

    def __call__(self, name: str | None = None) -> Variable:
        """A new variable of this type."""
        return self.make_variable(name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return super().__reduce_ex__(max(protocol, SLOTTED))

    def filter(self, value: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """`value` as this type stores it; a TypeError when it cannot be."""
        raise NotImplementedError

    def is_super(self, other: Type) -> bool:
        """Whether every value of `other` is a value of this type."""
        return self == other

    def as_variable(self, value: Any) -> Variable:
        """`value` itself if it is a variable of this type, else a constant made of it."""
        if isinstance(value, Variable):
            return self.filter_variable(value)
        return self.constant_class(self, value)

    def filter_variable(self, other: Any) -> Variable:
        """`other` itself, if its values are values of this type."""
        if isinstance(other, Variable) and self.is_super(other.type):
            return other
        what = f"{other!r}"
        if isinstance(other, Variable):
            what = f"{other}, a {other.type} made at {other.made_at},"
        raise GraphTypeError(
            f"{what} cannot stand for a variable of type {self}; cast or reshape it"
        )


class Pictured:
    """What a notebook shows as a picture of its graph."""

    __slots__ = ()

    pictures = LaterMethod("symgraph.show.notebook", "pictures")  # by MIME type

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the graph behind it."""
        return self.pictures()

    def _repr_svg_(self) -> str | None:
        return self.pictures().get("image/svg+xml")

    def _repr_html_(self) -> str | None:
        return self.pictures().get("text/html")


class Variable(Pictured):
    """A value in the graph: an input, or an output of the node `owner`.

    Programs may hang attributes of their own on it.
    """

    __slots__ = ("__dict__", "__weakref__", "index", "made_at", "name", "owner", "tag", "type")

    flat_form: ClassVar[Callable[[Variable], Any]]  # how it is pickled; set by flat.py
    evaluator: ClassVar[Callable[..., Any]]  # compiles and calls; set by function.py

    def __init__(
        self,
        type: Type,
        owner: Apply | None = None,
        index: int | None = None,
        name: str | None = None,
    ) -> None:
        self.type = type
        self.owner = owner
        self.index = index
        self.name = name
        self.tag = SimpleNamespace()
        self.made_at = user_place()

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        if self.owner is None:
            return f"<{self.type}>"
        return f"{self.owner.op}.{self.index}"

    def clone(self) -> Variable:
        """A new variable of the same type, name and tag, computed by nothing."""
        twin = self.type.make_variable(self.name)
        twin.tag = SimpleNamespace(**vars(self.tag))
        return twin

    def eval(self, inputs_to_values: Any = None, **options: Any) -> Any:
        """The value, given values for the inputs it depends on: `{variable or name: value}`.

        The compiled function is kept for the next call.
        """
        return type(self).evaluator(self, inputs_to_values, **options)

    def get_parents(self) -> list[Apply]:
        """The node that computes this variable, in a list, empty for an input."""
        return [] if self.owner is None else [self.owner]

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.owner is None:
            return super().__reduce_ex__(max(protocol, SLOTTED))
        return type(self).flat_form(self)

    def __getstate__(self) -> dict[str, Any]:
        slots = (name for kind in type(self).__mro__ for name in getattr(kind, "__slots__", ()))
        state = {s: getattr(self, s) for s in slots if s[:2] != "__" and hasattr(self, s)}
        return vars(self) | state | {"tag": SimpleNamespace(**lasting(vars(self.tag)))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        if "made_at" not in state:  # Theano's own pickles do not tell
            self.made_at = user_place()


def lasting(tag: dict[str, Any]) -> dict[str, Any]:
    """What of a tag is pickled: names that begin with an underscore are caches."""
    return {key: value for key, value in tag.items() if not key.startswith("_")}


class Constant(Variable):
    """A variable whose value is known while the graph is built."""

    __slots__ = ("data",)

    def __init__(self, type: Type, data: Any, name: str | None = None) -> None:
        super().__init__(type, name=name)
        self.data = type.filter(data)
        if config.flags.compute_test_value != "off":  # of what was folded it is asked for too
            self.tag.test_value = self.data

    @property
    def value(self) -> Any:
        """The constant's value."""
        return self.data

    def clone(self) -> Variable:
        """The constant itself: nothing could tell a copy from it."""
        return self

    def __str__(self) -> str:
        return self.name or str(self.data)


Type.variable_class, Type.constant_class = Variable, Constant  # of types that say nothing else


class Apply:
    """One application of an op: inputs in, outputs out; immutable."""

    __slots__ = ("inputs", "op", "outputs", "tag")

    def __init__(self, op: Op, inputs: Sequence[Variable], outputs: Sequence[Variable]) -> None:
        self.op = op
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.tag = SimpleNamespace()
        for index, out in enumerate(self.outputs):
            if out.owner is not None:
                raise GraphTypeError(f"{op} returned an output that another node computes already")
            out.owner, out.index = self, index

    @property
    def nin(self) -> int:
        """The number of inputs."""
        return len(self.inputs)

    @property
    def nout(self) -> int:
        """The number of outputs."""
        return len(self.outputs)

    @property
    def out(self) -> Variable:
        """The one output of a node that has just one."""
        (out,) = self.outputs
        return out

    def get_parents(self) -> list[Variable]:
        """The variables it reads."""
        return list(self.inputs)

    @property
    def made_at(self) -> Place:
        """Where the user wrote this node."""
        return self.outputs[0].made_at

    def clone_with_new_inputs(self, inputs: Sequence[Variable]) -> Apply:
        """The same op on other inputs; names, tags and lines of the outputs carry over."""
        node = self.op.make_node(*inputs)
        for new, old in zip(node.outputs, self.outputs, strict=True):
            new.name, new.tag, new.made_at = old.name, old.tag, old.made_at
        return node

    def __str__(self) -> str:
        return f"{self.op}({', '.join(map(str, self.inputs))})"

    __repr__ = __str__


class Op:
    """What a node does.

    An op of your own defines `make_node(*inputs) -> Apply`, or `itypes` and `otypes`, and
    `perform(node, inputs, output_storage)`; `grad(inputs, output_grads)` if it has a gradient,
    and `R_op(inputs, eval_points)` if `Rop` is not to be made of that. `infer_shape(node, shapes)`
    gives the sizes of the outputs without running it, `connection_pattern(node)` says which inputs
    (rows) the outputs (columns) depend on. `__props__` names the attributes that make two
    instances the same op.

    `destroy_map` maps outputs to the inputs `perform` overwrites for them: these are copied first.
    `view_map` is taken for Theano's sake; results are copied wherever that matters.
    """

    __props__: tuple[str, ...] = ()
    default_output: int | None = None
    itypes: Sequence[Type] | None = None
    otypes: Sequence[Type] | None = None
    destroy_map: Mapping[int, Sequence[int]] = {}
    view_map: Mapping[int, Sequence[int]] = {}

    def make_node(self, *inputs: Any) -> Apply:
        """A node that applies this op to `inputs`; by default of `itypes` and `otypes`."""
        if self.itypes is None or self.otypes is None:
            raise NotImplementedError(f"{type(self).__name__} does not define make_node")
        if len(inputs) != len(self.itypes):
            raise GraphTypeError(f"{self} takes {len(self.itypes)} inputs, not {len(inputs)}")
        variables = [k.as_variable(item) for k, item in zip(self.itypes, inputs, strict=True)]
        return Apply(self, variables, [kind.make_variable() for kind in self.otypes])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Compute the outputs from the values `inputs` into `output_storage[i][0]`."""
        raise NotImplementedError(f"{type(self).__name__} does not define perform")

    def awaits(self, node: Apply, known: Mapping[Variable, Any]) -> Sequence[Variable]:
        """The inputs to be computed before the node is, given the values known so far."""
        return node.inputs

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The values of the node's outputs, by the op's reference meaning."""
        storage: list[list[Any]] = [[None] for _ in node.outputs]
        overwritten = {k for places in self.destroy_map.values() for k in places}
        values = [copy(x) if k in overwritten else x for k, x in enumerate(inputs)]
        self.perform(node, values, storage)
        return [cell[0] for cell in storage]

    def grad(
        self, inputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> Sequence[Variable | None]:
        """The gradient with respect to each input, None where nothing flows."""
        raise NullTypeGradError(
            f"{self} has no gradient; wrap it in disconnected_grad or zero_grad to go round it"
        )

    def L_op(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        output_grads: Sequence[Variable],
    ) -> Sequence[Variable | None]:
        """As `grad`, given the outputs too."""
        return self.grad(inputs, output_grads)

    def R_op(
        self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]
    ) -> Sequence[Variable | None]:
        """The derivative of each output along `eval_points`; `Rop` uses it where a class has it."""
        raise NotImplementedError(f"{type(self).__name__} does not define R_op")

    def __call__(
        self, *inputs: Any, name: str | None = None, return_list: bool = False, **options: Any
    ) -> Any:
        """The output of a new node that applies this op, or the list of its outputs.

        `return_list` asks for the list in any case; other keywords are passed to `make_node`.
        """
        node = self.make_node(*inputs, **options)
        if name is not None:
            node.outputs[0].name = name
        policy = config.flags.compute_test_value  # read at every op, so past `__getattr__`
        if policy != "off":
            compute_test_values(node, policy)
        if return_list:
            return list(node.outputs)
        if self.default_output is not None:
            return node.outputs[self.default_output]
        return node.outputs[0] if len(node.outputs) == 1 else list(node.outputs)

    def _key(self) -> tuple[Any, ...]:
        return (type(self), *(getattr(self, name) for name in self.__props__))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or not self.__props__:
            return False
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key()) if self.__props__ else object.__hash__(self)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        props = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__props__)
        return f"{type(self).__name__}{{{props}}}" if props else type(self).__name__


@dataclass(frozen=True, eq=False)
class Graph:
    """A closed piece of graph: `outputs` as a function of `inputs`."""

    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]

    def toposort(self) -> list[Apply]:
        """Its nodes, each after those that compute its inputs."""
        return toposort(self.outputs, stop=self.inputs)

    @property
    def apply_nodes(self) -> set[Apply]:
        """Its nodes, in no order."""
        return set(self.toposort())

    @property
    def variables(self) -> set[Variable]:
        """Its variables, inputs and constants included."""
        return {*self.inputs, *ancestors(self.outputs, stop=self.inputs)}


def compute_test_values(node: Apply, policy: str) -> None:
    """Give the outputs of a node `tag.test_value`, computed from those of its inputs.

    Where an input has none, `policy` says what follows: "ignore", "warn" or "raise".
    """
    values = [known_test_value(var) for var in node.inputs]
    for var, value in zip(node.inputs, values, strict=True):
        if value is None:
            message = f"{var}, made at {var.made_at}, has no tag.test_value"
            if policy == "raise":
                raise MissingInputError(message)
            if policy == "warn":
                warnings.warn(message, stacklevel=4)
            return
    for out, value in zip(node.outputs, node.op.evaluate(node, values), strict=True):
        out.tag.test_value = value


def fill_test_values(outputs: Iterable[Variable]) -> None:
    """Give test values, by the policy in force, to all behind `outputs` that has none."""
    policy = config.flags.compute_test_value
    for node in toposort(outputs) if policy != "off" else ():
        if not all(hasattr(out.tag, "test_value") for out in node.outputs):
            compute_test_values(node, policy)


def known_test_value(var: Variable) -> Any:
    """The test value of a variable: its tag's, a constant's data, a shared variable's value."""
    if hasattr(var.tag, "test_value"):
        return var.type.filter(var.tag.test_value, allow_downcast=True)
    if isinstance(var, Constant):
        return var.data
    container = getattr(var, "container", None)
    return None if container is None else container.value


def toposort(outputs: Iterable[Variable], stop: Iterable[Variable] = ()) -> list[Apply]:
    """The nodes that `outputs` depend on, inputs first, not looking behind `stop`."""
    fence, done, order = set(stop), set(), []
    for root in outputs:
        if root.owner is None or root in fence:
            continue
        stack = [(root.owner, iter(root.owner.inputs))]
        seen_here = {root.owner}
        if root.owner in done:
            continue
        while stack:
            node, pending = stack[-1]
            for var in pending:
                owner = var.owner
                if owner is None or var in fence or owner in done or owner in seen_here:
                    continue
                seen_here.add(owner)
                stack.append((owner, iter(owner.inputs)))
                break
            else:
                stack.pop()
                done.add(node)
                order.append(node)
    return order


def ancestors(outputs: Iterable[Variable], stop: Iterable[Variable] = ()) -> Iterator[Variable]:
    """Every variable that `outputs` depend on, themselves included, in depth-first order."""
    fence, seen, stack = set(stop), set(), list(outputs)[::-1]
    while stack:
        var = stack.pop()
        if var in seen:
            continue
        seen.add(var)
        yield var
        if var.owner is not None and var not in fence:
            stack.extend(reversed(var.owner.inputs))


def inputs(outputs: Iterable[Variable]) -> list[Variable]:
    """The variables without owner that `outputs` depend on, constants included."""
    return [var for var in ancestors(outputs) if var.owner is None]


def clone_graph(
    outputs: Sequence[Variable],
    replace: Mapping[Variable, Variable],
    rebuild: Callable[[Apply, Sequence[Variable]], Sequence[Variable]] | None = None,
    copy_all: bool = False,
) -> list[Variable]:
    """`outputs` recomputed with the keys of `replace` replaced by its values.

    Parts that depend on no replaced variable are shared, unless `copy_all`.
    `rebuild(node, new_inputs)` gives the new outputs of a node whose inputs changed.
    """
    memo: dict[Variable, Variable] = dict(replace)
    for node in toposort(outputs, stop=replace):
        new_inputs = [memo.get(var, var) for var in node.inputs]
        same = all(new is old for new, old in zip(new_inputs, node.inputs, strict=True))
        if same and not copy_all:
            continue
        if rebuild is not None:
            new_outputs = rebuild(node, new_inputs)
        else:
            new_outputs = node.clone_with_new_inputs(new_inputs).outputs
        for old, new in zip(node.outputs, new_outputs, strict=True):
            memo.setdefault(old, new)
    return [memo.get(var, var) for var in outputs]


def clone(
    output: Any, replace: Mapping[Variable, Variable] | None = None, share_inputs: bool = True
) -> Any:
    """A copy of a graph, given by a variable or a list of them, with some variables replaced.

    `replace` maps variables to what stands in their place, of the same type. Without
    `share_inputs` the inputs become new variables too.
    """
    outputs = list(output) if isinstance(output, list | tuple) else [output]
    given = {old: old.type.filter_variable(new) for old, new in dict(replace or {}).items()}
    if not share_inputs:
        given = {v: v.clone() for v in inputs(outputs)} | given
    fresh = clone_graph(outputs, given or {v: v for v in inputs(outputs)}, copy_all=True)
    return type(output)(fresh) if isinstance(output, list | tuple) else fresh[0]


def clients(outputs: Sequence[Variable]) -> dict[Variable, list[tuple[Apply, int]]]:
    """For each variable behind `outputs`, the nodes that read it and at which input."""
    readers: dict[Variable, list[tuple[Apply, int]]] = {}
    for node in toposort(outputs):
        for position, var in enumerate(node.inputs):
            readers.setdefault(var, []).append((node, position))
    return readers


def equal_computations(left: Sequence[Variable], right: Sequence[Variable]) -> bool:
    """Whether both lists compute the same thing by the same ops from the same inputs."""
    if len(left) != len(right):
        return False
    twins: dict[Variable, Variable] = {}
    order = toposort(right)
    numbers: dict[tuple[Any, ...], Apply] = {}
    for node in [*toposort(left), *order]:
        key = (node.op, tuple(leaf_key(twins.get(var, var)) for var in node.inputs))
        first = numbers.setdefault(key, node)
        twins.update(zip(node.outputs, first.outputs, strict=True))
    return all(
        leaf_key(twins.get(a, a)) == leaf_key(twins.get(b, b))
        for a, b in zip(left, right, strict=True)
    )


def leaf_key(var: Variable) -> Any:
    """What makes two variables without owner the same: a constant's value, else identity."""
    if isinstance(var, Constant):
        return (var.type, getattr(var, "signature", lambda: id(var))())
    return var
