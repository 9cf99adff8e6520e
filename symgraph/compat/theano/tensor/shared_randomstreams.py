"""`theano.tensor.shared_randomstreams`."""

from symgraph.random import RandomStreams
from symgraph.shared import TensorSharedVariable as RandomStateSharedVariable

__all__ = ["RandomStateSharedVariable", "RandomStreams"]
