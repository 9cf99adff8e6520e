"""`theano.scalar.basic`: types of scalars by dtype."""

from symgraph.types import DTYPES, TensorType

globals().update({dtype: TensorType(dtype, ()) for dtype in DTYPES})

__all__ = list(DTYPES)
