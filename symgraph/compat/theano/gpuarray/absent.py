"""What stands in for a GPU that is not there."""

from __future__ import annotations

from typing import Any

from symgraph.compat.internals import Internal
from symgraph.tensor import empty
from symgraph.types import as_tensor_variable


# A class of Theano's GPU libraries: nothing is an instance of it, and none can be made.
Absent = Internal(
    "Absent",
    (),
    {
        "cure": "Theano's GPU classes are not here; use the plain ops of theano.tensor, which are"
        " compiled for the device in use"
    },
)


def same(x: Any, *context: Any) -> Any:
    """The operand as a tensor: it is where it has to be."""
    return as_tensor_variable(x)


def gpu_alloc_empty(*shape: Any, dtype: str = "floatX") -> Any:
    """A tensor whose elements nobody has set."""
    return empty(shape, dtype)
