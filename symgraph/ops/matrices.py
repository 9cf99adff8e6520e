"""What the ops of linear algebra have in common: floating matrices over the last two axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.families import Library
from symgraph.ops.cast import cast, conjugate
from symgraph.ops.linalg import products_of_pairs
from symgraph.ops.shape import expand_dims, squeeze, swapaxes
from symgraph.types import (
    DISCRETE,
    Arg,
    Dim,
    Tensor,
    Tensors,
    as_operands,
    promote,
    unify,
)


class MatrixOp(Library):
    """A routine on matrices over the last two axes, for every index of the leading ones.

    All operands have one floating dtype: integers become float64, as in NumPy.
    """

    def prepare(self, *inputs: Any) -> Tensors:
        """Floating operands of one dtype and of two axes or more."""
        return floating_matrices(str(self), inputs)


def floating_matrices(where: str, inputs: Sequence[Any]) -> list[Tensor]:
    """Operands of two axes or more, converted to one floating dtype that LAPACK knows."""
    variables = as_operands(inputs)
    for var in variables:
        if var.type.ndim < 2:
            raise GraphTypeError(f"{where} takes matrices, not {var.type} ({var})")
    common = floating_dtype(where, variables)
    return [cast(var, common) for var in variables]


def floating_dtype(where: str, variables: Tensors) -> str:
    """The dtype that linear algebra on `variables` is done in."""
    common = promote(*(var.type.dtype for var in variables))
    if common == "float16":
        raise GraphTypeError(f"{where}: LAPACK knows no float16; cast to float32")
    return "float64" if common in DISCRETE else common


def square(x: Arg, where: str) -> Dim:
    """The size of square matrices."""
    return unify(x.shape[-2:], f"{where} takes square matrices")


def adjoint(x: Tensor) -> Tensor:
    """Matrices transposed and conjugated."""
    return conjugate(swapaxes(x, -1, -2))


def times(*factors: Tensor) -> Tensor:
    """The product of matrices, from left to right."""
    total, *others = factors
    for factor in others:
        total = products_of_pairs(total, factor)
    return total


def column(x: Tensor) -> Tensor:
    """Vectors over the last axis as matrices of one column."""
    return expand_dims(x, -1)


def row(x: Tensor) -> Tensor:
    """Vectors over the last axis as matrices of one row."""
    return expand_dims(x, -2)


def vector_of(x: Tensor) -> Tensor:
    """Matrices of one column as vectors."""
    return squeeze(x, -1)


def for_each_case(function: Callable[..., Any], *arrays: Any) -> tuple[Any, ...]:
    """The arrays that `function` makes of each matrix of a batch, stacked: for references."""
    leading = arrays[0].shape[:-2]
    cases = [function(*(a[index] for a in arrays)) for index in np.ndindex(leading)]
    like = cases or [function(*(np.zeros(a.shape[len(leading) :], a.dtype) for a in arrays))]
    columns = zip(*cases, strict=True) if cases else [()] * len(like[0])
    return tuple(
        np.reshape(column, (*leading, *sample.shape)).astype(sample.dtype)
        for column, sample in zip(columns, like[0], strict=True)
    )
