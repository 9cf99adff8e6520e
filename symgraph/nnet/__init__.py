"""`T.nnet`: functions of neural networks under Theano's names."""

from symgraph.nnet import abstract_conv as abstract_conv
from symgraph.nnet import blocksparse as blocksparse
from symgraph.nnet import bn as bn
from symgraph.nnet import conv as conv
from symgraph.nnet import conv3d2d as conv3d2d
from symgraph.nnet import neighbours as neighbours
from symgraph.nnet.blocksparse import sparse_block_dot
from symgraph.nnet.dropout import dropout
from symgraph.ops.activations import *
from symgraph.ops.attention import attention
from symgraph.ops.conv import *
from symgraph.ops.ctc import ctc
from symgraph.ops.elementary import sigmoid, softplus
from symgraph.ops.losses import *
from symgraph.ops.neighbours import *
from symgraph.ops.normalise import *
from symgraph.ops.stacking import to_one_hot
from symgraph.ops.upsample import *
