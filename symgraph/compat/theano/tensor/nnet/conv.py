"""`theano.tensor.nnet.conv`: the convolution of Theano's first years."""

from symgraph.nnet.conv import conv2d

__all__ = ["conv2d", "imported_scipy_signal"]

imported_scipy_signal = True  # SciPy always stands beside NumPy here
