"""`theano.tensor.xlogx`."""

from symgraph.tensor import xlogx, xlogy

xlogy0 = xlogy

__all__ = ["xlogx", "xlogy0"]
