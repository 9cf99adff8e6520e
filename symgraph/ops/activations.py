"""What neurons do with their inputs. Compositions: fusion makes each of them one kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.ops.arith import abs_, add, clip, int_div, mul, neg, sub, true_div
from symgraph.ops.barrier import disconnected_grad
from symgraph.ops.cast import cast
from symgraph.ops.compare import gt
from symgraph.ops.elementary import erfc, exp, expm1, log, sigmoid, softplus, tanh
from symgraph.ops.extrema import max as max_over
from symgraph.ops.index import subtensor
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.select import switch
from symgraph.ops.shape import dimshuffle, shape_i
from symgraph.types import Tensor, as_tensor_variable, axis_of, upgrade_to_float

__all__ = [
    "elu",
    "gelu",
    "glu",
    "hard_sigmoid",
    "hard_swish",
    "leaky_relu",
    "log_sigmoid",
    "logsoftmax",
    "mish",
    "prelu",
    "relu",
    "selu",
    "silu",
    "softmax",
    "softmin",
    "softsign",
    "swish",
    "ultra_fast_sigmoid",
]

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def floating(x: Any) -> Tensor:
    """A tensor of floats: integers are converted."""
    x = as_tensor_variable(x)
    return cast(x, upgrade_to_float(x.type.dtype))


def softmax(x: Any, axis: Any = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis or several, the largest taken out first.

    >>> softmax([[0.0, 0.0]]).eval()
    array([[0.5, 0.5]])
    """
    e = exp(_centred(x, axis))
    return true_div(e, sum_over(e, axis, keepdims=True))


def _centred(x: Any, axis: Any) -> Tensor:
    """x less its largest element, which cancels in what follows: no gradient flows through it."""
    x = floating(x)
    return sub(x, disconnected_grad(max_over(x, axis, keepdims=True)))


def logsoftmax(x: Any, axis: Any = -1) -> Tensor:
    """log(softmax(x)), exact where softmax underflows."""
    centred = _centred(x, axis)
    return sub(centred, log(sum_over(exp(centred), axis, keepdims=True)))


def relu(x: Any, alpha: Any = 0) -> Tensor:
    """x where it is positive, `alpha` times x elsewhere. The gradient at 0 is `alpha`'s side.

    >>> relu([-1.0, 2.0]).eval()
    array([0., 2.])
    """
    x = as_tensor_variable(x)
    if isinstance(alpha, int | float) and alpha == 0:
        return switch(gt(x, 0), x, 0)
    return switch(gt(x, 0), x, mul(alpha, x))


def elu(x: Any, alpha: Any = 1) -> Tensor:
    """x where it is positive, alpha (exp(x) - 1) elsewhere (Clevert et al., 2015)."""
    x = floating(x)
    return switch(gt(x, 0), x, mul(alpha, expm1(x)))


def selu(x: Any) -> Tensor:
    """The self-normalising ELU (Klambauer et al., 2017)."""
    return mul(SELU_SCALE, elu(x, SELU_ALPHA))


def softsign(x: Any) -> Tensor:
    """x / (1 + |x|)."""
    x = floating(x)
    return true_div(x, add(1, abs_(x)))


def hard_sigmoid(x: Any) -> Tensor:
    """Sigmoid in three straight pieces: clip(0.2 x + 0.5, 0, 1)."""
    return clip(add(mul(floating(x), 0.2), 0.5), 0, 1)


def ultra_fast_sigmoid(x: Any) -> Tensor:
    """The sigmoid itself: here the exact function costs no more than Theano's approximation."""
    result: Tensor = sigmoid(x)
    return result


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x times the normal distribution function (Hendrycks and Gimpel, 2016).

    By the error function, or `approximate` by their formula with tanh, which is off by up to 5e-4.

    >>> gelu([0.0, 1.0]).eval()
    array([0.        , 0.84134475])
    """
    x = floating(x)
    if approximate:
        inner = mul(float(np.sqrt(2 / np.pi)), add(x, mul(0.044715, mul(x, mul(x, x)))))
        return mul(mul(0.5, x), add(1, tanh(inner)))
    return mul(mul(0.5, x), erfc(mul(x, -float(np.sqrt(0.5)))))


def silu(x: Any) -> Tensor:
    """x sigmoid(x) (Elfwing et al., 2017).

    >>> silu([0.0, 1.0]).eval()
    array([0.        , 0.73105858])
    """
    x = floating(x)
    return mul(x, sigmoid(x))


def swish(x: Any, beta: Any = 1) -> Tensor:
    """x sigmoid(beta x) (Ramachandran et al., 2017); `silu` for beta 1.

    >>> swish([1.0], 2).eval()
    array([0.88079708])
    """
    x = floating(x)
    return mul(x, sigmoid(mul(beta, x)))


def mish(x: Any) -> Tensor:
    """x tanh(log(1 + exp(x))) (Misra, 2019).

    >>> mish([0.0, 1.0]).eval()
    array([0.        , 0.86509839])
    """
    x = floating(x)
    return mul(x, tanh(softplus(x)))


def hard_swish(x: Any) -> Tensor:
    """x clip(x / 6 + 1/2, 0, 1) (Howard et al., 2019).

    >>> hard_swish([-3.0, 0.0, 3.0]).eval()
    array([-0.,  0.,  3.])
    """
    x = floating(x)
    return mul(x, clip(add(true_div(x, 6), 0.5), 0, 1))


def leaky_relu(x: Any, alpha: Any = 0.01) -> Tensor:
    """x where it is positive, `alpha` times x elsewhere (Maas et al., 2013).

    >>> leaky_relu([-1.0, 2.0]).eval()
    array([-0.01,  2.  ])
    """
    return relu(floating(x), alpha)


def prelu(x: Any, alpha: Any) -> Tensor:
    """As `leaky_relu`, `alpha` a slope to be learned for each channel (He et al., 2015).

    Parameters
    ----------
    x
        A tensor whose axis 1 is that of the channels, the last if it has no other.
    alpha
        A scalar, or a vector with an element for each channel.

    >>> prelu([[-1.0, -1.0, 3.0]], [0.0, 0.5, 0.5]).eval()
    array([[-0. , -0.5,  3. ]])
    """
    x, alpha = floating(x), as_tensor_variable(alpha)
    if alpha.type.ndim == 1 and x.type.ndim > 2:
        alpha = dimshuffle(alpha, 0, *["x"] * (x.type.ndim - 2))
    return relu(x, alpha)


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half along an axis times the sigmoid of the second (Dauphin et al., 2016).

    >>> glu([1.0, 2.0, 0.0, 0.0]).eval()
    array([0.5, 1. ])
    """
    x = floating(x)
    axis = axis_of(axis, x.type.ndim)
    half = int_div(shape_i(x, axis), 2)
    before = (slice(None),) * axis
    first, second = slice(None, half), slice(half, None)
    return mul(subtensor(x, (*before, first)), sigmoid(subtensor(x, (*before, second))))


def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x)), exact where the sigmoid underflows.

    >>> log_sigmoid([-1000.0, 0.0]).eval()
    array([-1.00000000e+03, -6.93147181e-01])
    """
    return neg(softplus(neg(floating(x))))


def softmin(x: Any, axis: Any = -1) -> Tensor:
    """softmax(-x).

    >>> softmin([0.0, 1000.0]).eval()
    array([1., 0.])
    """
    return softmax(neg(floating(x)), axis)
