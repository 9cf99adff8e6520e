"""`theano.tensor.raw_random`."""

from symgraph.random import RandomStreams as RandomStreamsBase

__all__ = ["RandomStreamsBase"]
