"""`theano.sandbox.cuda.rng_curand`."""

from symgraph.random import MRG_RandomStreams as CURAND_RandomStreams

__all__ = ["CURAND_RandomStreams"]
