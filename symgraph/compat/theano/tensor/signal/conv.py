"""`theano.tensor.signal.conv`."""

from symgraph.signal.conv import conv2d

__all__ = ["conv2d"]
