"""`theano.sandbox.gpuarray`, the older home of `theano.gpuarray`."""

from symgraph.compat.theano.gpuarray import *
