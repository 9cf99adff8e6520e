"""`T.nnet`: functions of neural networks under Theano's names."""

from symgraph.nnet import bn as bn
from symgraph.nnet import conv as conv
from symgraph.nnet.dropout import dropout
from symgraph.ops.activations import *
from symgraph.ops.attention import attention
from symgraph.ops.conv import *
from symgraph.ops.elementary import sigmoid, softplus
from symgraph.ops.losses import *
from symgraph.ops.normalise import *
from symgraph.ops.stacking import to_one_hot
