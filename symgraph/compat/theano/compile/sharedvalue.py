"""`theano.compile.sharedvalue`."""

from symgraph.shared import SharedVariable, shared

__all__ = ["SharedVariable", "shared"]
