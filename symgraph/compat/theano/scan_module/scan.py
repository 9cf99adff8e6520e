"""`theano.scan_module.scan`."""

from symgraph.loops import scan

__all__ = ["scan"]
