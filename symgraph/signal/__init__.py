"""`T.signal`: pooling and plain convolutions, in Theano's rooms."""

from symgraph.signal import conv as conv
from symgraph.signal import downsample as downsample
from symgraph.signal import pool as pool
