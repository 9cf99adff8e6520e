"""`T.nnet`: functions of neural networks under Theano's names."""

from symgraph.ops.elementary import sigmoid, softplus
from symgraph.ops.nnet import *
