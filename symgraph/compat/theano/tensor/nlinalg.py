"""`theano.tensor.nlinalg`."""

from symgraph.linalg import *
