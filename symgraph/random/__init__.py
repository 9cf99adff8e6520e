"""Streams of random draws, under the names of Theano's two kinds of streams and of NumPy's."""

from symgraph.random.stream import MRG_RandomStreams, RandomStream, RandomStreams

__all__ = ["MRG_RandomStreams", "RandomStream", "RandomStreams"]
