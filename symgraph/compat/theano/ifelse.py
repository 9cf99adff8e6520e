"""`theano.ifelse`."""

from symgraph.ifelse import ifelse
from symgraph.ops.ifelse import IfElse

__all__ = ["IfElse", "ifelse"]
