"""Loops in the graph: `scan`, what is made of it, and its gradient."""

from symgraph.loops import batched as batched
from symgraph.loops import branches as branches
from symgraph.loops import gradient as gradient
from symgraph.loops.checkpoints import scan_checkpoints
from symgraph.loops.maps import foldl, foldr, map, reduce
from symgraph.loops.results import until
from symgraph.loops.scan import scan
from symgraph.loops.updates import OrderedUpdates

__all__ = ["OrderedUpdates", "foldl", "foldr", "map", "reduce", "scan", "scan_checkpoints", "until"]
