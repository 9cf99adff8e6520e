"""`theano.sparse`."""

from symgraph.compat.theano.sparse import basic
from symgraph.compat.theano.sparse.basic import *

enable_sparse = True
