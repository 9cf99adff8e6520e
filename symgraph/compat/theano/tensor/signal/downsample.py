"""`theano.tensor.signal.downsample`, the older home of pooling."""

from symgraph.compat.standins.pooling import Pool as DownsampleFactorMax
from symgraph.signal.downsample import max_pool_2d, max_pool_2d_same_size

__all__ = ["DownsampleFactorMax", "max_pool_2d", "max_pool_2d_same_size"]
