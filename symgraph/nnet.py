"""`T.nnet`: functions of neural networks under Theano's names."""

from symgraph.ops.elementary import sigmoid, softplus
from symgraph.ops.nnet import *
from symgraph.ops.nnet import __all__ as _composed

__all__ = [*_composed, "sigmoid", "softplus"]
