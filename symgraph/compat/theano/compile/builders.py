"""`theano.compile.builders`."""

from symgraph.from_graph import OpFromGraph

__all__ = ["OpFromGraph"]
