"""Draws from what is there: choices with and without replacement, orders, shuffles."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from symgraph.errors import GraphTypeError
from symgraph.graph import Constant
from symgraph.ops.arith import add, mul
from symgraph.ops.cast import cast
from symgraph.ops.counts import random_permutation
from symgraph.ops.elementary import log
from symgraph.ops.index import take
from symgraph.ops.picking import take_along_axis
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import shape_i
from symgraph.ops.sort import argsort
from symgraph.random.arguments import (
    check_positive,
    drawn_as,
    float_dtype,
    integer_dtype,
    require,
    sizes_of,
)
from symgraph.random.continuous import standard_gumbel
from symgraph.random.discrete import Discrete
from symgraph.types import Tensor, Tensors, as_tensor_variable, constant


class Orders(Discrete):
    """Choices and orders; `size`, `ndim` and `dtype` are those of the discrete distributions."""

    def permutation(
        self, size: Any = None, n: Any = 1, ndim: int | None = None, dtype: str = "int64"
    ) -> Tensor:
        """The whole numbers from 0 on below `n`, in random order, along a last axis behind `size`.

        If `n` is a tensor of one axis or more, its parts along the first axis in random order.

        >>> from symgraph import RandomStream
        >>> sorted(RandomStream(1).permutation(n=4).eval().tolist())
        [0, 1, 2, 3]
        """
        items = as_tensor_variable(n)
        if not items.type.ndim:
            check_positive("n", n, zero=True, late=False)
            sizes = [] if size is None else sizes_of(size, ndim)
            return cast(self._order([*sizes, items]), integer_dtype(dtype))
        if size is not None:
            raise GraphTypeError("permutation of a tensor takes no size; n is what is permuted")
        return take(items, self._order([shape_i(items, 0)]), axis=0)

    def shuffle_row_elements(self, input: Any) -> Tensor:
        """The elements of each row, that is along the last axis, in a random order of its own."""
        x = as_tensor_variable(input)
        if not x.type.ndim:
            raise GraphTypeError("shuffle_row_elements takes a tensor of one axis or more")
        return take_along_axis(x, self._order([shape_i(x, a) for a in range(x.type.ndim)]), axis=-1)

    def choice(
        self,
        size: Any = None,
        a: Any = 2,
        replace: bool = True,
        p: Any = None,
        ndim: int | None = None,
        dtype: str = "int64",
        nstreams: Any = None,
    ) -> Tensor:
        """Elements of `a` along its first axis, or whole numbers below `a`; one if `size` is None.

        Parameters
        ----------
        replace
            Whether an element may be chosen more than once.
        p
            The probability of each, a vector; all alike if None. If `a` is None, the rows of a
            matrix `p` are probabilities, and `size` numbers of columns are chosen from each.

        >>> from symgraph import RandomStream
        >>> sorted(RandomStream(1).choice((3,), a=3, replace=False).eval().tolist())
        [0, 1, 2]
        """
        if a is None:
            return self._rows_of_choices(size, replace, p, dtype)
        items = as_tensor_variable(a)
        count = shape_i(items, 0) if items.type.ndim else items
        sizes = [] if size is None else sizes_of(size, ndim)
        if replace and p is None:
            places = self.integers(0, count, sizes)
        elif replace:
            places = self.categorical(p, sizes)
        else:
            places = self._distinct(count, p, sizes)
        if items.type.ndim:
            return take(items, places, axis=0)
        return cast(places, integer_dtype(dtype))

    def multinomial_wo_replacement(
        self,
        size: Any = None,
        n: Any = 1,
        pvals: Any = None,
        ndim: int | None = None,
        dtype: str = "int64",
        nstreams: Any = None,
    ) -> Tensor:
        """For each row of probabilities `pvals` the numbers of `n` different columns.

        They come in the order in which they were drawn.

        >>> from symgraph import RandomStream
        >>> RandomStream(1).multinomial_wo_replacement(n=1, pvals=[[0.0, 1.0], [1.0, 0.0]]).eval()
        array([[1],
               [0]])
        """
        if size is not None or pvals is None:
            raise GraphTypeError("multinomial_wo_replacement takes n and a matrix pvals, no size")
        pvals = check_positive("pvals", pvals, zero=True)
        order = self._weighted_order(pvals)
        _check_count(n, order)
        return cast(order[..., :n], integer_dtype(dtype))

    def _rows_of_choices(self, size: Any, replace: bool, p: Any, dtype: str) -> Tensor:
        if replace or p is None or as_tensor_variable(p).type.ndim != 2:
            raise GraphTypeError("choice without `a` takes a matrix p, and replace=False")
        return self.multinomial_wo_replacement(n=1 if size is None else size, pvals=p, dtype=dtype)

    def _order(self, sizes: Tensors) -> Tensor:
        return random_permutation(*self.next_state(), sizes)

    def _distinct(self, count: Tensor, p: Any, sizes: Tensors) -> Tensor:
        """Different whole numbers below a count, in a shape."""
        total = _product(sizes)
        order = self._order([count]) if p is None else self._weighted_order(p)
        _check_count(total, order)
        return reshape(order[:total], sizes) if sizes else order[0]

    def _weighted_order(self, p: Any) -> Tensor:
        """The order in which elements are drawn without replacement, by weights on the last axis.

        Those of the largest log(p) + g come first, g of Gumbel's distribution (J. Yellott, 1977).
        """
        p = as_tensor_variable(p)
        dtype = drawn_as(float_dtype(None, p))
        sizes = [shape_i(p, axis) for axis in range(p.type.ndim)]
        keys = add(log(cast(p, dtype)), standard_gumbel(self.next_state(), sizes, dtype))
        return argsort(-keys, axis=-1)


def _product(sizes: Tensors) -> Tensor:
    """The product of sizes, known if they are."""
    if all(isinstance(n, Constant) for n in sizes):
        return constant(np.prod([n.data for n in sizes], dtype=np.int64))
    return reduce(mul, sizes)


def _check_count(count: Any, order: Tensor) -> None:
    """A known count has to be no more than there are elements."""
    var, available = as_tensor_variable(count), order.type.shape[-1]
    if isinstance(var, Constant) and isinstance(available, int):
        require(
            int(var.data) <= available, f"{var} different elements cannot be drawn of {available}"
        )
