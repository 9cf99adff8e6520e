"""`theano.compile.io`."""

from symgraph.request import In, Out

__all__ = ["In", "Out", "SymbolicInput", "SymbolicOutput"]

SymbolicInput, SymbolicOutput = In, Out
