"""`T.nnet`: functions of neural networks under Theano's names."""

from symgraph.nnet import conv as conv
from symgraph.ops.conv import *
from symgraph.ops.elementary import sigmoid, softplus
from symgraph.ops.nnet import *
