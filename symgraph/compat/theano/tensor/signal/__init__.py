"""`theano.tensor.signal`."""

from symgraph.compat.theano.tensor.signal import conv, downsample, pool
