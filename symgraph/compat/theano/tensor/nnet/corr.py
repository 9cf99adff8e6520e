"""`theano.tensor.nnet.corr`: correlations of images, whose filters are not turned round."""

from __future__ import annotations

from typing import Any

from symgraph.compat.theano.tensor.nnet.abstract_conv import (
    AbstractConv2d,
    AbstractConv2d_gradInputs,
    AbstractConv2d_gradWeights,
    BaseAbstractConv,
)

__all__ = ["BaseCorrMM", "CorrMM", "CorrMM_gradInputs", "CorrMM_gradWeights"]


class BaseCorrMM(BaseAbstractConv):
    """A correlation's settings."""

    def __init__(
        self,
        border_mode: Any = "valid",
        subsample: Any = None,
        filter_dilation: Any = None,
        num_groups: int = 1,
        unshared: bool = False,
    ) -> None:
        super().__init__(
            None, None, border_mode, subsample, False, filter_dilation, num_groups, unshared
        )


class CorrMM(BaseCorrMM, AbstractConv2d):
    """`CorrMM(...)(img, kern)`."""


class CorrMM_gradWeights(BaseCorrMM, AbstractConv2d_gradWeights):  # noqa: N801 - Theano's name
    """`CorrMM_gradWeights(...)(img, topgrad, shape)`."""


class CorrMM_gradInputs(BaseCorrMM, AbstractConv2d_gradInputs):  # noqa: N801 - Theano's name
    """`CorrMM_gradInputs(...)(kern, topgrad, shape)`."""
