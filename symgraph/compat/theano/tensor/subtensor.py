"""`theano.tensor.subtensor`."""

from symgraph.ops.lookup import AdvancedIncSubtensor, AdvancedSubtensor
from symgraph.ops.subtensor import IncSubtensor, Subtensor
from symgraph.tensor import inc_subtensor, set_subtensor, take

AdvancedSubtensor1, AdvancedIncSubtensor1 = AdvancedSubtensor, AdvancedIncSubtensor

__all__ = [
    "AdvancedIncSubtensor",
    "AdvancedIncSubtensor1",
    "AdvancedSubtensor",
    "AdvancedSubtensor1",
    "IncSubtensor",
    "Subtensor",
    "inc_subtensor",
    "set_subtensor",
    "take",
]
