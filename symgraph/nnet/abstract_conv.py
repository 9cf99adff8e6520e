"""`T.nnet.abstract_conv`: the room Theano keeps convolutions and upsampling in."""

from symgraph.ops.conv import *
from symgraph.ops.upsample import *
