"""`transfer`: a value as it is, on a device that the user names; and where values were put."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.devices import CPU, canonical
from symgraph.families import Example, Index, Moved, Read, Sample
from symgraph.graph import Apply, Variable, clone_graph, toposort
from symgraph.types import Arg, Dims, Tensor, Tensors, TensorType, as_tensor_variable

__all__ = ["transfer"]


@dataclass(frozen=True, repr=False)
class Transfer(Moved):
    """The operand itself, in the memory of a device; "" is the one the function computes on.

    Placement decides which copies are made: a transfer to where a value is makes none.
    """

    target: str = ""

    def __str__(self) -> str:
        return f"Transfer{{{self.target or 'back'}}}"

    def out_shape(self, *args: Arg) -> Dims:
        """The operand's."""
        return args[0].shape

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """The same place."""
        return index

    def axis_map(self, node: Apply) -> tuple[int | None, ...]:
        """Every axis is itself."""
        kind = node.inputs[0].type
        assert isinstance(kind, TensorType)
        return tuple(range(kind.ndim))

    def reference(self, x: Any) -> Any:
        """The operand."""
        return x

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent, where the operand is."""
        (x,) = inputs
        return [Transfer(wishes([x]).get(x, ""))(output_grads[0])]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Whatever is there."""
        yield Example(cls("cpu"), (Sample((3, 4)),))
        yield Example(cls("cpu"), (Sample((), dtype="float32"),))


def transfer(x: Any, target: str | None = None) -> Tensor:
    """`x` on another device: "cpu", "cuda:1"; None is the device the function computes on.

    What reads the result is computed there, unless `device` says otherwise; gradients are
    transferred back. An output that was transferred to a GPU is returned as a device array.

    Raises
    ------
    UnknownDeviceError
        No device could be called that.

    >>> transfer([1.0, 2.0], "cpu").eval()
    array([1., 2.])
    """
    result: Tensor = Transfer("" if target is None else canonical(target))(as_tensor_variable(x))
    return result


def wishes(roots: Sequence[Variable], stop: Sequence[Variable] = ()) -> dict[Variable, str]:
    """For variables behind `roots` the device that the user put them on; only those that have one.

    A transfer says where; else the block of `device` in which the variable was made; else the
    first operand that was put somewhere takes along what is computed from it.
    """
    found: dict[Variable, str] = {}
    for node in toposort(roots, stop):
        place = wish(node, found)
        if place:
            found.update(dict.fromkeys(node.outputs, place))
    leaves = (v for v in roots if v.owner is None)
    return found | {v: target for v in leaves if (target := target_of(v))}


def wish(node: Apply, known: Mapping[Variable, str]) -> str:
    """Where a node was put, given where its operands were; "" where nothing is said."""
    if isinstance(node.op, Transfer):
        return node.op.target
    if node.made_at.device:
        return node.made_at.device
    places = (known.get(v, "") if v.owner is not None else target_of(v) for v in node.inputs)
    return next(filter(None, places), "")


def put_nowhere(roots: Sequence[Variable]) -> list[Variable]:
    """A graph that nothing else reads, without what says where it is computed.

    Places of variables are changed as they stand; only transfers make new nodes.
    """
    for node in toposort(roots):
        for out in node.outputs:
            out.made_at = out.made_at._replace(device="")
    return clone_graph(roots, {}, rebuild=_without_transfer, copy_all=True)


def _without_transfer(node: Apply, given: Sequence[Variable]) -> Sequence[Variable]:
    transfers = isinstance(node.op, Transfer)
    return given if transfers else node.clone_with_new_inputs(given).outputs


def target_of(var: Variable) -> str:
    """The GPU that a shared variable was made for, if it was made for one.

    One that is kept on the CPU is copied to where it is needed: it draws nothing there.
    """
    target: str = getattr(getattr(var, "container", None), "target", "")
    return "" if target == CPU else target
