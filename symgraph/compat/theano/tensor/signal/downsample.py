"""`theano.tensor.signal.downsample`, the older home of pooling."""

from symgraph.signal.downsample import max_pool_2d, max_pool_2d_same_size

__all__ = ["max_pool_2d", "max_pool_2d_same_size"]
