"""What draws by rejection have in common: every element tries until it accepts.

Candidate `trial` of an element is a function of Philox's 128 bits for the counter (position +
2**48 trial, number of the draw), so it depends on no other element. One native routine makes each
kind; the NumPy meaning tries all elements that are still without a number at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from symgraph.dataclass import dataclass
from symgraph.errors import NullTypeGradError, ParameterError, SymgraphError
from symgraph.families import Library, Sample
from symgraph.ops.cast import cast
from symgraph.ops.create import Alloc, alloc
from symgraph.ops.random import HALF, LOW, WORD, philox
from symgraph.ops.shape import scalars_of
from symgraph.types import Arg, Dims, Tensor, Tensors, as_tensor_variable

Array = npt.NDArray[Any]
TRIALS, ONE = np.uint64(48), np.uint64(1)
TAU = 2 * np.pi


def outside(what: str, domain: str) -> tuple[type[SymgraphError], str]:
    """The error for parameters outside their domain."""
    return (
        ParameterError,
        f"a parameter of {what} %0, counted from 1, is outside its domain: {domain}",
    )


class Words:
    """The random words of the elements at some places of a draw."""

    def __init__(self, key: Any, draw: Any, places: Array) -> None:
        self.key, self.draw, self.places = np.uint64(key), np.uint64(draw), places

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the numbers to be drawn."""
        return self.places.shape

    def at(self, places: Array) -> Words:
        """The words of other places of the same draw."""
        return Words(self.key, self.draw, places)

    def of(self, trial: int) -> tuple[Array, Array]:
        """Two words for a candidate of each element."""
        return philox(self.places | np.uint64(trial) << TRIALS, self.draw, self.key)

    def accepted(self, attempt: Callable[..., tuple[Array, Array]], *parameters: Any) -> Array:
        """The first candidate of each element that is accepted.

        `attempt(first word, second word, parameters...)` gives candidates, and whether they are.
        """
        spread = [np.broadcast_to(p, self.shape).ravel() for p in parameters]
        places, out = self.places.ravel(), np.zeros(self.places.size)
        left, trial = np.arange(out.size), 0
        while left.size:
            words = self.at(places[left]).of(trial)
            found, fine = attempt(*words, *(p[left] for p in spread))
            out[left[fine]] = found[fine]
            left, trial = left[~fine], trial + 1
        return out.reshape(self.shape)


def fraction(word: Array) -> Array:
    """Uniform numbers in (0, 1], of 63 bits."""
    return np.asarray(((word >> ONE).astype("f8") + 0.5) * 2.0**-63)


def normal_of(word: Array) -> Array:
    """Standard normal numbers, one of each word (G. Box, M. Muller, 1958)."""
    u, v = (((w & LOW).astype("f8") + 0.5) * 2.0**-32 for w in (word, word >> HALF))
    return np.sqrt(-2 * np.log(u)) * np.cos(TAU * v)


@dataclass(frozen=True, repr=False)
class _Sampled(Library):
    """Inputs: key and number of the draw, parameters, each one number or one an element, sizes."""

    parameters: ClassVar[tuple[str, ...]] = ()  # their dtypes
    result: ClassVar[str] = "int64"
    sized = True

    def prepare(self, *inputs: Any) -> Tensors:
        """Scalars of the state, parameters in their dtypes, repeated to the sizes; sizes."""
        count = len(self.parameters)
        key, draw, *rest = inputs
        sizes = scalars_of(rest[count:])
        operands = [
            self._spread(cast(as_tensor_variable(p), dtype), sizes)
            for p, dtype in zip(rest[:count], self.parameters, strict=True)
        ]
        return [cast(key, WORD), cast(draw, WORD), *operands, *sizes]

    def _spread(self, parameter: Tensor, sizes: Tensors) -> Tensor:
        """A parameter at every element of the draw: a scalar as it is, others repeated, once."""
        node = parameter.owner
        spread = node is not None and isinstance(node.op, Alloc) and node.inputs[1:] == (*sizes,)
        return parameter if spread or not parameter.type.ndim else alloc(parameter, *sizes)

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The declared one."""
        return (self.result,)

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes given."""
        return tuple(size.value for size in args[2 + len(self.parameters) :])

    def reference(self, key: Any, draw: Any, *rest: Any) -> Any:
        """What `sample` gives."""
        count = len(self.parameters)
        shape = [int(n) for n in rest[count:]]
        if any(n < 0 for n in shape):
            raise ValueError("negative dimensions are not allowed")
        places = np.arange(int(np.prod(shape)), dtype=WORD).reshape(shape)
        return self.sample(Words(key, draw, places), *rest[:count])

    def sample(self, words: Words, *parameters: Any) -> Array:
        """The numbers, by NumPy."""
        raise NotImplementedError

    def check(self, fine: Any) -> None:
        """An error that names the last element whose parameters are not fine."""
        if self.failure is not None and not np.all(fine):
            kind, text = self.failure
            raise kind(text.replace("%0", str(int(np.flatnonzero(~fine)[-1]) + 1)))

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """Nothing flows to keys and sizes, nor through whole numbers."""
        return [None] * len(inputs)


class _Real(_Sampled):
    """Draws of float64 that have no gradient by their parameters."""

    result = "float64"

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """An error: the numbers do depend on the parameters, but not by a formula."""
        raise NullTypeGradError(
            f"{self} has no gradient by its parameters, only by location and scale; wrap them in"
            " disconnected_grad to take them for constants"
        )


def fixed(shape: tuple[int, ...], domain: str, dtype: str = "float64") -> Sample:
    """A parameter that is not differentiated."""
    return Sample(shape, domain, dtype, differentiable=False)
