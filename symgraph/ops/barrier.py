"""Identities whose gradient is not: they stop, clip or scale what flows back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.errors import NullTypeGradError
from symgraph.families import Elemwise, Example, Index, Moved, Read, Sample
from symgraph.graph import Apply
from symgraph.kernel import Expr
from symgraph.ops.arith import clip, mul
from symgraph.types import Arg, Dims, Tensor, Tensors, TensorType, as_tensor_variable

__all__ = [
    "consider_constant",
    "disconnected_grad",
    "grad_clip",
    "grad_scale",
    "undefined_grad",
    "zero_grad",
]


@dataclass(frozen=True, repr=False)
class Barrier(Elemwise):
    """The operand itself."""

    def scalar(self, x: Expr) -> Expr:
        """x."""
        return x

    def reference(self, x: Any) -> Any:
        """x."""
        return x

    def L_op(
        self,
        inputs: Tensors,
        outputs: Tensors,
        output_grads: Tensors,
    ) -> Tensors:
        """The cotangent as the barrier lets it through."""
        return [self.back(inputs[0], output_grads[0])]

    def back(self, x: Tensor, g: Tensor) -> Tensor | None:
        """What flows to `x`."""
        return g

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A matrix; the gradient is tested by hand, it is no derivative."""
        yield Example(cls(), (Sample((3, 4), differentiable=False),))


class DisconnectedGrad(Barrier):
    """Nothing flows back: the operand counts as disconnected."""

    def back(self, x: Tensor, g: Tensor) -> Tensor | None:
        """Nothing."""
        return None


class ZeroGrad(Barrier):
    """Zeros flow back."""

    def back(self, x: Tensor, g: Tensor) -> Tensor | None:
        """Zeros."""
        return g.zeros_like()


class UndefinedGrad(Barrier):
    """A gradient through here is an error."""

    def back(self, x: Tensor, g: Tensor) -> Tensor | None:
        """An error."""
        raise NullTypeGradError(f"the gradient of {x}, made at {x.made_at}, was declared undefined")


@dataclass(frozen=True, repr=False)
class GradClip(Barrier):
    """What flows back is clipped to [low, high], elementwise."""

    low: float = -1.0
    high: float = 1.0

    def back(self, x: Tensor, g: Tensor) -> Tensor | None:
        """The clipped cotangent."""
        return clip(g, self.low, self.high)


@dataclass(frozen=True, repr=False)
class GradScale(Barrier):
    """What flows back is multiplied by a number."""

    factor: float = 1.0

    def back(self, x: Tensor, g: Tensor) -> Tensor | None:
        """The scaled cotangent."""
        return mul(g, self.factor)


@dataclass(frozen=True, repr=False)
class Beside(Moved):
    """The first operand. It counts as depending on the others too: their gradients are zeros."""

    def prepare(self, *inputs: Any) -> Tensors:
        """Tensors of any types."""
        return list(map(as_tensor_variable, inputs))

    def reference(self, x: Any, *others: Any) -> Any:
        """x."""
        return x

    def out_shape(self, *args: Arg) -> Dims:
        """That of x."""
        return args[0].shape

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """Where it is."""
        return index

    def axis_map(self, node: Apply) -> tuple[int | None, ...] | None:
        """Every axis as it is."""
        kind = node.inputs[0].type
        assert isinstance(kind, TensorType)
        return tuple(range(kind.ndim))

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent, and zeros."""
        return [output_grads[0], *(v.zeros_like() for v in inputs[1:])]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """A matrix beside a vector of floats and one of integers."""
        yield Example(cls(), (Sample((3, 4)), Sample((2,)), Sample((5,), "int", "int64", False)))


disconnected_grad, zero_grad, undefined_grad = DisconnectedGrad(), ZeroGrad(), UndefinedGrad()
consider_constant = zero_grad


def grad_clip(x: Any, lower_bound: float, upper_bound: float) -> Tensor:
    """`x`, whose gradient is clipped to the bounds, elementwise."""
    result: Tensor = GradClip(float(lower_bound), float(upper_bound))(x)
    return result


def grad_scale(x: Any, multiplier: float) -> Tensor:
    """`x`, whose gradient is multiplied by a number."""
    result: Tensor = GradScale(float(multiplier))(x)
    return result
