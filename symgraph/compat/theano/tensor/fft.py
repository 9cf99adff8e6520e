"""`theano.tensor.fft`: real transforms whose last axis holds real and imaginary parts."""

from symgraph.fft import irfft_pairs as irfft
from symgraph.fft import rfft_pairs as rfft

__all__ = ["irfft", "rfft"]
