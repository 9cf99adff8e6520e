"""`theano.scan_module.scan_op`."""

from symgraph.ops.scan import Scan

__all__ = ["Scan"]
