"""`theano.scan_module.scan_utils`."""

from symgraph.loops import until
from symgraph.compat.theano.compile.cloning import clone
from symgraph.graph import equal_computations

__all__ = ["clone", "equal_computations", "until"]
