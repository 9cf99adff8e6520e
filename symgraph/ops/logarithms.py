"""Functions made of logarithms and exponentials in the order that keeps their digits."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from symgraph.ops.arith import add, mul, neg, sub, true_div
from symgraph.ops.compare import eq, gt, isinf, isnan
from symgraph.ops.elementary import exp, expm1, log, log1p, sigmoid, sin, softplus
from symgraph.ops.logic import and_, invert
from symgraph.ops.select import switch
from symgraph.types import DISCRETE, Tensor, as_operands, as_tensor_variable, check_dtype

__all__ = [
    "entr",
    "expit",
    "log1mexp",
    "log_sigmoid",
    "logaddexp",
    "logit",
    "sinc",
    "xlog1py",
    "xlogx",
    "xlogy",
]

expit = sigmoid


def _floating(x: Any) -> Tensor:
    x = as_tensor_variable(x)
    return x.astype(check_dtype("floatX")) if x.type.dtype in DISCRETE else x


def xlogy(x: Any, y: Any) -> Tensor:
    """x log(y), elementwise; 0 where x is 0 and y is not NaN.

    >>> xlogy([0.0, 1.0], [0.0, 1.0]).eval()
    array([0., 0.])
    """
    x, y = as_operands([x, y])
    nothing = and_(eq(x, 0), invert(isnan(y)))
    return switch(nothing, 0, mul(x, log(switch(nothing, 1, y))))


def xlog1py(x: Any, y: Any) -> Tensor:
    """x log(1 + y), elementwise; 0 where x is 0 and y is not NaN."""
    x, y = as_operands([x, y])
    nothing = and_(eq(x, 0), invert(isnan(y)))
    return switch(nothing, 0, mul(x, log1p(switch(nothing, 0, y))))


def xlogx(x: Any) -> Tensor:
    """x log(x), elementwise; 0 at 0.

    >>> xlogx([0.0, 1.0]).eval()
    array([0., 0.])
    """
    return xlogy(x, x)


def entr(x: Any) -> Tensor:
    """-x log(x), elementwise: a share's part of the entropy; -inf below 0."""
    x = _floating(x)
    return switch(x < 0, -np.inf, neg(xlogx(switch(x < 0, 0, x))))


def log1mexp(x: Any) -> Tensor:
    """log(1 - exp(x)) for x < 0, elementwise, without cancellation.

    log(-expm1(x)) near 0, log1p(-exp(x)) far below (M. Maechler, Accurately computing
    log(1 - exp(-|a|)), 2012).

    >>> log1mexp(-1.0).eval()
    array(-0.45867515)
    """
    x = _floating(x)
    near = gt(x, -math.log(2))
    return switch(
        near, log(neg(expm1(switch(near, x, -1.0)))), log1p(neg(exp(switch(near, -1.0, x))))
    )


def logaddexp(*xs: Any) -> Tensor:
    """log(exp(x) + exp(y) + ...), elementwise, without overflow.

    >>> logaddexp(0.0, 0.0).eval()
    array(0.69314718)
    """
    return reduce(_logaddexp, as_operands([_floating(x) for x in xs]))


def _logaddexp(x: Tensor, y: Tensor) -> Tensor:
    """The greater plus log1p of exp of minus the distance; equal infinities have none."""
    same = and_(eq(x, y), isinf(x))
    distance = switch(same, 0, sub(x, y))
    more = switch(same, x, add(y, softplus(distance)))
    return switch(gt(distance, 0), add(x, softplus(neg(distance))), more)


def logit(p: Any) -> Tensor:
    """log(p / (1 - p)), elementwise: the inverse of the logistic function.

    >>> logit(0.5).eval()
    array(0.)
    """
    p = _floating(p)
    return sub(log(p), log1p(neg(p)))


def log_sigmoid(x: Any) -> Tensor:
    """log(1 / (1 + exp(-x))), elementwise, without overflow."""
    return neg(softplus(neg(x)))


def sinc(x: Any) -> Tensor:
    """sin(pi x) / (pi x), elementwise; 1 at 0.

    >>> sinc(0.5).eval()
    array(0.63661977)
    """
    angle = mul(math.pi, _floating(x))
    zero = eq(angle, 0)
    safe = switch(zero, 1, angle)
    return switch(zero, 1, true_div(sin(safe), safe))
