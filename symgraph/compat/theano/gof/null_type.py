"""`theano.gof.null_type`: the type of a gradient that does not exist."""

from symgraph.absent import NullType

__all__ = ["NullType", "null_type"]

null_type = NullType()
