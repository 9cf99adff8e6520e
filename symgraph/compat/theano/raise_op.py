"""`theano.raise_op`."""

from symgraph.ops.checks import Raise

__all__ = ["Raise"]
