"""Normalisation: batch, layer, group, instance, and across channels.

Compositions whose reductions and elementwise parts fuse into kernels over rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.activations import floating
from symgraph.ops.arith import add, mul, power, sqr, sub, true_div
from symgraph.ops.averages import mean
from symgraph.ops.borders import pad
from symgraph.ops.cast import cast
from symgraph.ops.elementary import sqrt
from symgraph.ops.index import subtensor
from symgraph.ops.reduce import count_over, normalized_axes
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import dimshuffle, shape, shape_i
from symgraph.ops.specify import addbroadcast
from symgraph.types import Tensor, as_tensor_variable

__all__ = [
    "batch_normalization",
    "batch_normalization_test",
    "batch_normalization_train",
    "cross_channel_normalization",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_normalization",
]


def _reduced_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """The axes that means are taken over: by name, one, or several."""
    if axes == "per-activation":
        return (0,)
    if axes == "spatial":
        return (0, *range(2, ndim))
    if isinstance(axes, str):
        raise GraphTypeError(f"axes are 'per-activation', 'spatial' or ints, not {axes!r}")
    return normalized_axes(axes, ndim)


class _Parameters:
    """Parameters with an axis of size 1 for each one reduced, or without it."""

    def __init__(self, x: Tensor, axes: tuple[int, ...], first: Any) -> None:
        self.ndim, self.axes = x.type.ndim, axes
        self.kept = tuple(axis for axis in range(self.ndim) if axis not in axes)
        self.compact = as_tensor_variable(first).type.ndim != self.ndim

    def wide(self, value: Any) -> Tensor:
        """A parameter that broadcasts along the axes reduced."""
        value = as_tensor_variable(value)
        if value.type.ndim == 0:
            return value
        if not self.compact and value.type.ndim == self.ndim:
            return addbroadcast(value, *self.axes)
        if value.type.ndim != len(self.kept):
            raise GraphTypeError(
                f"a parameter has {self.ndim} axes, or one for each of {self.kept}, not"
                f" {value.type.ndim}"
            )
        order = (self.kept.index(axis) if axis in self.kept else "x" for axis in range(self.ndim))
        return dimshuffle(value, *order)

    def narrow(self, value: Tensor) -> Tensor:
        """A statistic in the form the parameters have."""
        return dimshuffle(value, *self.kept) if self.compact else value


def batch_normalization_train(
    inputs: Any,
    gamma: Any,
    beta: Any,
    axes: Any = "per-activation",
    epsilon: float = 1e-4,
    running_average_factor: Any = 0.1,
    running_mean: Any = None,
    running_var: Any = None,
) -> tuple[Tensor, ...]:
    """Inputs made to have mean 0 and variance 1 over a batch (Ioffe and Szegedy, 2015).

    Parameters
    ----------
    inputs
        A tensor whose first axis is the batch.
    gamma, beta
        Scale and shift; they have the axes of the inputs, of size 1 where means are taken, or only
        the other axes.
    axes
        What means are taken over: "per-activation" (the batch), "spatial" (all but axis 1), or a
        tuple of axes.
    epsilon
        Added to the variance.
    running_average_factor
        How far running averages go towards those of the batch.
    running_mean, running_var
        Running averages, both or none.

    Returns
    -------
    tuple
        (x - mean) * invstd * gamma + beta, mean, invstd = 1 / sqrt(variance + epsilon), and, with
        running averages, their next values, the variance by count - 1.

    >>> out, m, s = batch_normalization_train([[0.0], [2.0]], [1.0], [0.0], epsilon=0.0)
    >>> out.eval()
    array([[-1.],
           [ 1.]])
    """
    x = floating(inputs)
    over = _reduced_axes(axes, x.type.ndim)
    parameters = _Parameters(x, over, gamma)
    centre = mean(x, over, keepdims=True)
    centred = sub(x, centre)
    variance = mean(sqr(centred), over, keepdims=True)
    invstd = true_div(1.0, sqrt(add(variance, epsilon)))
    out = add(mul(centred, mul(invstd, parameters.wide(gamma))), parameters.wide(beta))
    results = [out, parameters.narrow(centre), parameters.narrow(invstd)]
    if (running_mean is None) != (running_var is None):
        raise GraphTypeError("running_mean and running_var are given together")
    if running_mean is not None:
        count = cast(count_over(x, over), x.type.dtype)
        unbiased = mul(true_div(count, sub(count, 1)), variance)
        for old, new in ((running_mean, centre), (running_var, unbiased)):
            kept = mul(as_tensor_variable(old), sub(1.0, running_average_factor))
            fresh = mul(parameters.narrow(new), running_average_factor)
            results.append(add(kept, fresh))
    return tuple(results)


def batch_normalization_test(
    inputs: Any,
    gamma: Any,
    beta: Any,
    mean: Any,
    var: Any,
    axes: Any = "per-activation",
    epsilon: float = 1e-4,
) -> Tensor:
    """(x - mean) * gamma / sqrt(var + epsilon) + beta, with averages known from training.

    Parameters as of `batch_normalization_train`; `mean` and `var` have the form of `gamma`.

    >>> batch_normalization_test([[3.0]], [2.0], [1.0], [1.0], [4.0], epsilon=0.0).eval()
    array([[3.]])
    """
    x = floating(inputs)
    parameters = _Parameters(x, _reduced_axes(axes, x.type.ndim), gamma)
    wide = map(parameters.wide, (gamma, beta, mean, var))
    gamma, beta, centre, variance = wide
    scale = true_div(gamma, sqrt(add(variance, epsilon)))
    return add(mul(sub(x, centre), scale), beta)


def batch_normalization(
    inputs: Any, gamma: Any, beta: Any, mean: Any, std: Any, mode: str = "low_mem"
) -> Tensor:
    """(x - mean) * gamma / std + beta, the parameters broadcasting as they are.

    Theano's old form; `mode` chose its implementation and means nothing here.
    """
    x = floating(inputs)
    return add(mul(sub(x, mean), true_div(as_tensor_variable(gamma), std)), beta)


def layer_norm(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float = 1e-5
) -> Tensor:
    """Each case made to have mean 0 and variance 1 over its features (Ba et al., 2016).

    `axis` is that of the features, or several; `gamma` and `beta` scale and shift the result and
    have these axes, or any form that broadcasts.

    >>> layer_norm([[0.0, 2.0]], epsilon=0.0).eval()
    array([[-1.,  1.]])
    """
    x = floating(x)
    return _affine(_standard(x, normalized_axes(axis, x.type.ndim), epsilon), gamma, beta)


def _standard(x: Tensor, axes: Sequence[int], epsilon: float) -> Tensor:
    """x less its mean, divided by its standard deviation."""
    centred = sub(x, mean(x, axes, keepdims=True))
    return true_div(centred, sqrt(add(mean(sqr(centred), axes, keepdims=True), epsilon)))


def _affine(x: Tensor, gamma: Any, beta: Any) -> Tensor:
    x = x if gamma is None else mul(x, gamma)
    return x if beta is None else add(x, beta)


def group_norm(
    x: Any, groups: int, gamma: Any = None, beta: Any = None, epsilon: float = 1e-5
) -> Tensor:
    """Images normalised over groups of their channels (Wu and He, 2018).

    `x` is (batch, channels, axes...), `gamma` and `beta` vectors over channels.

    >>> group_norm([[[0.0], [2.0], [5.0], [5.0]]], 2, epsilon=0.0001).eval().round(2)[0, :, 0]
    array([-1.,  1.,  0.,  0.])
    """
    x = floating(x)
    if x.type.ndim < 2:
        raise GraphTypeError(f"group_norm takes (batch, channels, axes...), not {x.type}")
    cut = reshape(x, [shape_i(x, 0), groups, -1])
    whole = reshape(_standard(cut, (2,), epsilon), shape(x))
    order = ["x", 0, *["x"] * (x.type.ndim - 2)]
    by_channel = (p if p is None else dimshuffle(p, *order) for p in (gamma, beta))
    return _affine(whole, *by_channel)


def instance_norm(x: Any, gamma: Any = None, beta: Any = None, epsilon: float = 1e-5) -> Tensor:
    """Each channel of each image normalised by itself (Ulyanov et al., 2016).

    `x` is (batch, channels, axes...), `gamma` and `beta` vectors over channels.

    >>> instance_norm([[[0.0, 2.0]]], epsilon=0.0).eval()
    array([[[-1.,  1.]]])
    """
    x = floating(x)
    whole = _standard(x, tuple(range(2, x.type.ndim)), epsilon)
    order = ["x", 0, *["x"] * (x.type.ndim - 2)]
    by_channel = (p if p is None else dimshuffle(p, *order) for p in (gamma, beta))
    return _affine(whole, *by_channel)


def local_response_normalization(
    x: Any, alpha: float = 1e-4, k: float = 2, beta: float = 0.75, n: int = 5
) -> Tensor:
    """x / (k + alpha * sum of squares over n neighbouring channels) ** beta.

    The normalisation of Krizhevsky et al. (2012). `x` is (batch, channels, axes...), `n` odd.

    >>> local_response_normalization([[[1.0], [2.0], [3.0]]], 1.0, 0.0, 1.0, 3).eval()[0, :, 0]
    array([0.2       , 0.14285714, 0.23076923])
    """
    if n % 2 == 0:
        raise GraphTypeError(f"n, the channels around one, is odd, not {n}")
    x = floating(x)
    rest = [(0, 0)] * (x.type.ndim - 2)
    squares = pad(sqr(x), [(0, 0), (n // 2, n // 2), *rest])
    total: Any = 0
    for start in range(n):
        total = add(
            total, subtensor(squares, (slice(None), slice(start, add(start, shape_i(x, 1)))))
        )
    return true_div(x, power(add(k, mul(alpha, total)), beta))


cross_channel_normalization = local_response_normalization
