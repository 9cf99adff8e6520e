"""`theano.sandbox.linalg.ops`."""

from symgraph.compat.theano.tensor.nlinalg import *
