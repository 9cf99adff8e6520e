"""`theano.ifelse`."""

from symgraph.ifelse import ifelse

__all__ = ["ifelse"]
