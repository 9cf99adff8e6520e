"""`theano.typed_list`."""

from symgraph.typed_list import *
