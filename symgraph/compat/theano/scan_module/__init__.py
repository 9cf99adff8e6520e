"""`theano.scan_module`."""

from symgraph.loops import foldl, foldr, map, reduce, scan, scan_checkpoints, until
from symgraph.compat.theano.scan_module import scan_op, scan_utils
from symgraph.compat.theano.updates import OrderedUpdates
from symgraph.compat.theano.compile.cloning import clone

__all__ = [
    "OrderedUpdates",
    "clone",
    "foldl",
    "foldr",
    "map",
    "reduce",
    "scan",
    "scan_checkpoints",
    "scan_op",
    "scan_utils",
    "until",
]
