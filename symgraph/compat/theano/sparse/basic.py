"""`theano.sparse.basic`."""

from symgraph.sparse import *
