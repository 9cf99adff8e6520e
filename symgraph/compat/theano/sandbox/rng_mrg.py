"""`theano.sandbox.rng_mrg`."""

from symgraph.random import MRG_RandomStreams

__all__ = ["MRG_RandomStreams"]
