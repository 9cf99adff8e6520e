"""`theano.tensor.slinalg`."""

from symgraph.linalg import *
