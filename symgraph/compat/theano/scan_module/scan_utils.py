"""`theano.scan_module.scan_utils`."""

from symgraph.loops import until
from symgraph.graph import clone, equal_computations

__all__ = ["clone", "equal_computations", "until"]
