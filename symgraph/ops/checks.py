"""Conditions that a graph asserts: a tensor passes unchanged, or the run ends in an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.errors import CheckError, GraphTypeError
from symgraph.families import Checked, Example, Sample
from symgraph.graph import Apply
from symgraph.ops.cast import cast
from symgraph.ops.reduce import all as all_of
from symgraph.types import COMPLEX, Arg, Dims, Tensor, Tensors, as_tensor_variable

__all__ = ["Assert", "CheckAndRaise", "Raise", "assert_op"]


@dataclass(frozen=True, repr=False)
class CheckAndRaise(Checked):
    """The first input; an exception of `exc_type` with `message` unless all others hold.

    `CheckAndRaise(ValueError, "too small")(x, x > 0)`: a condition that is a tensor has to hold in
    every element. A check costs a comparison in the driver, and its result a loop: the tensor is
    not copied. `Mode().including("remove_checks")` compiles without any.

    Raises
    ------
    GraphTypeError
        When the graph is built, if `exc_type` is no exception or a condition is complex.
    """

    def __post_init__(self) -> None:
        kind: Any = self.exc_type
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise GraphTypeError(f"a check raises a class of exceptions, not {self.exc_type!r}")

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.exc_type.__name__}: {self.message}}}"

    def prepare(self, *inputs: Any) -> Tensors:
        """A tensor, and bool scalars."""
        if not inputs:
            raise GraphTypeError(f"{self} takes a tensor and the conditions it has to fulfil")
        x, *conditions = map(as_tensor_variable, inputs)
        return [x, *map(self._condition, conditions)]

    def _condition(self, condition: Tensor) -> Tensor:
        if condition.type.dtype in COMPLEX:
            raise GraphTypeError(f"the condition {condition} is complex, neither true nor false")
        return cast(all_of(condition) if condition.type.ndim else condition, "bool")

    def out_shape(self, *args: Arg) -> Dims:
        """The tensor's."""
        return args[0].shape

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The tensor, or the exception."""
        if not all(inputs[1:]):
            raise self.exc_type(f"{self.message}\n  at {node.made_at}")
        return [inputs[0]]

    def reference(self, x: Any, *conditions: Any) -> Any:
        """The tensor."""
        return x

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent."""
        return [output_grads[0], *[None] * (len(inputs) - 1)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Conditions that hold: none, one, two; a scalar."""
        yes = Sample((), "value:1", "bool", False)
        for shape, conditions in (((3, 4), 0), ((3, 4), 1), ((2, 0), 1), ((), 2)):
            check = CheckAndRaise(CheckError, "never")
            yield Example(check, (Sample(shape), *[yes] * conditions))


def Assert(msg: str = "Assert failed!") -> CheckAndRaise:
    """An op that passes a tensor on if conditions hold: `Assert("x < 0")(x, T.all(x >= 0))`.

    Otherwise the run ends in a `CheckError`, which is an `AssertionError`. Nothing is stored then.

    >>> import symgraph.tensor as T
    >>> x = T.constant([1.0, 2.0])
    >>> Assert("negative")(x, x >= 0).eval()
    array([1., 2.])
    """
    return CheckAndRaise(CheckError, msg)


assert_op: Callable[..., Tensor] = Assert()


def Raise(msg: str = "", exc: type[Exception] = NotImplementedError) -> Callable[[Any], Tensor]:
    """A function of a tensor whose result cannot be computed: to run it is an error.

    >>> import symgraph.tensor as T
    >>> missing = Raise("no such branch", ValueError)
    >>> missing(T.constant(1.0)).eval()
    Traceback (most recent call last):
        ...
    ValueError: no such branch...
    """
    return lambda x: CheckAndRaise(exc, msg)(x, False)
