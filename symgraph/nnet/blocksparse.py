"""`T.nnet.blocksparse`: products of some blocks of a matrix."""

from __future__ import annotations

from typing import Any

from symgraph.ops.arith import add, mul
from symgraph.ops.index import subtensor
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.shape import dimshuffle
from symgraph.types import Tensor, as_operands, as_tensor_variable

__all__ = ["sparse_block_dot"]


def sparse_block_dot(
    W: Any,
    h: Any,
    inputIdx: Any,
    b: Any,
    outputIdx: Any,
) -> Tensor:
    """A layer of which each case uses some blocks only.

    Parameters
    ----------
    W
        Weights: (input blocks, output blocks, input size, output size).
    h
        Inputs: (batch, blocks used, input size).
    inputIdx, outputIdx
        Which blocks of inputs and of outputs each case uses: (batch, blocks used), integers.
    b
        Biases: (output blocks, output size).

    Returns
    -------
    tensor
        (batch, output blocks used, output size): for each of them its bias and the sum over the
        input blocks of their products.

    >>> sparse_block_dot([[[[2.0]]], [[[5.0]]]], [[[3.0]]], [[1]], [[1.0]], [[0]]).eval()
    array([[[16.]]])
    """
    w, h, b = as_operands([W, h, b])
    inputs, outputs = as_tensor_variable(inputIdx), as_tensor_variable(outputIdx)
    blocks = subtensor(w, (dimshuffle(inputs, 0, 1, "x"), dimshuffle(outputs, 0, "x", 1)))
    products = mul(dimshuffle(h, 0, 1, "x", 2, "x"), blocks)
    return add(sum_over(products, axis=(1, 3)), subtensor(b, outputs))
