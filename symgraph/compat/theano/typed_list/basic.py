"""`theano.typed_list.basic`."""

from symgraph.typed_list import *
