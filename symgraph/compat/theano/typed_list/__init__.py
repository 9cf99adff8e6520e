"""`theano.typed_list`."""

from symgraph.compat.theano.typed_list.basic import *
