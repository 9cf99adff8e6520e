"""`theano.sandbox`."""

from symgraph.compat.theano.sandbox import cuda, gpuarray, linalg, rng_mrg
