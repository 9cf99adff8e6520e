"""`theano.updates`: an ordered dict that holds only updates of shared variables."""

from symgraph.loops import OrderedUpdates

__all__ = ["OrderedUpdates"]
