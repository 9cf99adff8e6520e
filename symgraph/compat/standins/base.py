"""What all of them share: an object with settings, made as Theano makes it, that is called."""

from __future__ import annotations

from typing import Any, ClassVar

from symgraph.graph import Apply, Op, Variable


class StandIn(type):
    """The class of these classes: the ops that do the work here count as their instances."""

    own: tuple[type[Op], ...] = ()

    def __instancecheck__(cls, item: object) -> bool:
        return isinstance(item, cls.own) or super().__instancecheck__(item)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cls.own) or super().__subclasscheck__(kind)


class OpClass(metaclass=StandIn):
    """A class of Theano's; `apply` is the function of its settings, `own` the ops behind it.

    Subclasses are frozen dataclasses, so two of equal settings are equal, as ops are.
    """

    own: ClassVar[tuple[type[Op], ...]] = ()

    def apply(self, *inputs: Any) -> Any:
        """The variables it computes."""
        raise NotImplementedError

    def __call__(self, *inputs: Any, name: str | None = None, return_list: bool = False) -> Any:
        """What `apply` gives, under a name, or if asked for in a list in any case."""
        found = self.apply(*inputs)
        several = list(found) if isinstance(found, list | tuple) else [found]
        if name is not None:
            several[0].name = name
        return several if return_list else found

    def make_node(self, *inputs: Any) -> Apply:
        """The node behind the first output."""
        found = self.apply(*inputs)
        first: Variable = found[0] if isinstance(found, list | tuple) else found
        node = first.owner
        assert node is not None
        return node
