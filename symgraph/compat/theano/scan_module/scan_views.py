"""`theano.scan_module.scan_views`."""

from symgraph.loops import foldl, foldr, map, reduce

__all__ = ["foldl", "foldr", "map", "reduce"]
