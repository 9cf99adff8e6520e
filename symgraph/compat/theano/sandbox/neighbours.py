"""`theano.sandbox.neighbours`."""

from symgraph.nnet import images2neibs, neibs2images

__all__ = ["images2neibs", "neibs2images"]
