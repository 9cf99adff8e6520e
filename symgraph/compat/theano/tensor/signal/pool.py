"""`theano.tensor.signal.pool`."""

from symgraph.signal.pool import max_pool_2d_same_size, pool_2d, pool_3d

__all__ = ["max_pool_2d_same_size", "pool_2d", "pool_3d"]
