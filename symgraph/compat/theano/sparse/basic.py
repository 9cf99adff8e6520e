"""`theano.sparse.basic`."""

from __future__ import annotations

from symgraph.compat.standins import sparse as standins
from symgraph.compat.standins.sparse import (
    Cast,
    HStack,
    SparseFromDense,
    SpSum,
    VStack,
    as_sparse_or_tensor_variable,
)
from symgraph.compat.standins.sparse import is_dense as _is_dense
from symgraph.compat.standins.sparse import is_dense_variable as _is_dense_variable
from symgraph.compat.standins.sparse import is_sparse as _is_sparse
from symgraph.compat.standins.sparse import is_sparse_variable as _is_sparse_variable
from symgraph.compat.theano.tensor.basic import (
    all_dtypes,
    complex_dtypes,
    continuous_dtypes,
    discrete_dtypes,
    float_dtypes,
    int_dtypes,
    integer_dtypes,
    uint_dtypes,
)
from symgraph.sparse import *
from symgraph.sparse import as_sparse_variable

sparse_formats = ["csc", "csr"]
as_sparse = constant = as_sparse_variable
# In Theano these are ops that are made, and here functions of those names.
globals().update(CSM=standins.CSM, CSC=standins.CSM("csc"), CSR=standins.CSM("csr"))
globals().update(standins.CLASSES)
globals().update(standins.INSTANCES)
globals().update(standins.matrices((("f", "float32"), ("d", "float64"))))
bcast, wcast, icast, lcast = (Cast(f"int{bits}") for bits in (8, 16, 32, 64))
fcast, dcast, ccast, zcast = map(Cast, ("float32", "float64", "complex64", "complex128"))
