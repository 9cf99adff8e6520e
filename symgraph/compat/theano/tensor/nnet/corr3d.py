"""`theano.tensor.nnet.corr3d`: correlations of volumes."""

from symgraph.compat.theano.tensor.nnet.abstract_conv import (
    AbstractConv3d,
    AbstractConv3d_gradInputs,
    AbstractConv3d_gradWeights,
)
from symgraph.compat.theano.tensor.nnet.corr import BaseCorrMM

__all__ = ["Corr3dMM", "Corr3dMM_gradInputs", "Corr3dMM_gradWeights"]


class Corr3dMM(BaseCorrMM, AbstractConv3d):
    """`Corr3dMM(...)(img, kern)`."""


class Corr3dMM_gradWeights(BaseCorrMM, AbstractConv3d_gradWeights):  # noqa: N801 - Theano's name
    """`Corr3dMM_gradWeights(...)(img, topgrad, shape)`."""


class Corr3dMM_gradInputs(BaseCorrMM, AbstractConv3d_gradInputs):  # noqa: N801 - Theano's name
    """`Corr3dMM_gradInputs(...)(kern, topgrad, shape)`."""
