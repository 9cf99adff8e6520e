"""`theano.sandbox.linalg`, the older home of `theano.tensor.nlinalg`."""

from symgraph.compat.theano.sandbox.linalg import ops
from symgraph.compat.theano.tensor.nlinalg import *
