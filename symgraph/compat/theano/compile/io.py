"""`theano.compile.io`."""

from symgraph.function import In, Out

__all__ = ["In", "Out", "SymbolicInput", "SymbolicOutput"]

SymbolicInput, SymbolicOutput = In, Out
