"""`theano.scalar.basic_scipy`: special functions."""

from symgraph.compat.theano.scalar.basic import OPS, standing_for
from symgraph.ops import special
from symgraph.tensor import *

globals().update({name: OPS[name] for name in ("Erf", "Erfc")} | standing_for(special))
