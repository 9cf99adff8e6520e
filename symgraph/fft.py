"""`T.fft`: discrete Fourier transforms under the names of numpy.fft.

Theano's own `rfft` and `irfft`, with real and imaginary parts along a last axis of two elements,
are `rfft_pairs` and `irfft_pairs`.
"""

from symgraph.ops.fourier import *
