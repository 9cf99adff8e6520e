"""Operators of tensor variables, and what to say when one is taken for an array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from symgraph.errors import NotNumPyError
from symgraph.graph import Variable
from symgraph.ops import arith, compare, index, linalg, logic
from symgraph.types import DISCRETE, TensorType


class Operators(Variable):
    """What Python's operators do with a symbolic tensor."""

    __slots__ = ()

    # --- what is known of it ---------------------------------------------------------------

    @property
    def dtype(self) -> str:
        """The elements' dtype."""
        return self._tensor_type.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._tensor_type.ndim

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """For each axis, whether its size is known to be 1."""
        return self._tensor_type.broadcastable

    @property
    def _tensor_type(self) -> TensorType:
        kind = self.type
        assert isinstance(kind, TensorType)
        return kind

    # --- operators -------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        return arith.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return arith.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return arith.sub(self, other)

    def __rsub__(self, other: Any) -> Any:
        return arith.sub(other, self)

    def __mul__(self, other: Any) -> Any:
        return arith.mul(self, other)

    def __rmul__(self, other: Any) -> Any:
        return arith.mul(other, self)

    def __truediv__(self, other: Any) -> Any:
        return arith.true_div(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return arith.true_div(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return arith.int_div(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return arith.int_div(other, self)

    def __mod__(self, other: Any) -> Any:
        return arith.mod(self, other)

    def __rmod__(self, other: Any) -> Any:
        return arith.mod(other, self)

    def __divmod__(self, other: Any) -> Any:
        return arith.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return arith.divmod(other, self)

    def __pow__(self, other: Any) -> Any:
        return arith.pow(self, other)

    def __rpow__(self, other: Any) -> Any:
        return arith.pow(other, self)

    def __matmul__(self, other: Any) -> Any:
        return linalg.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return linalg.matmul(other, self)

    def __neg__(self) -> Any:
        return arith.neg(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return arith.abs_(self)

    def __invert__(self) -> Any:
        return logic.invert(self)

    def __and__(self, other: Any) -> Any:
        return logic.and_(self, other)

    def __rand__(self, other: Any) -> Any:
        return logic.and_(other, self)

    def __or__(self, other: Any) -> Any:
        return logic.or_(self, other)

    def __ror__(self, other: Any) -> Any:
        return logic.or_(other, self)

    def __xor__(self, other: Any) -> Any:
        return logic.xor(self, other)

    def __rxor__(self, other: Any) -> Any:
        return logic.xor(other, self)

    def __lshift__(self, other: Any) -> Any:
        return logic.left_shift(self, other)

    def __rlshift__(self, other: Any) -> Any:
        return logic.left_shift(other, self)

    def __rshift__(self, other: Any) -> Any:
        return logic.right_shift(self, other)

    def __rrshift__(self, other: Any) -> Any:
        return logic.right_shift(other, self)

    def __lt__(self, other: Any) -> Any:
        return compare.lt(self, other)

    def __le__(self, other: Any) -> Any:
        return compare.le(self, other)

    def __gt__(self, other: Any) -> Any:
        return compare.gt(self, other)

    def __ge__(self, other: Any) -> Any:
        return compare.ge(self, other)

    def __getitem__(self, item: Any) -> Any:
        return index.subtensor(self, item)

    # --- what only looks like NumPy ----------------------------------------------------------

    def _not_an_array(self, what: str, cure: str) -> NoReturn:
        raise NotNumPyError(
            f"{self} ({self.type}, made at {self.made_at}) is symbolic: {what}; {cure}"
        )

    def __bool__(self) -> bool:
        return type(self).truth(self)

    def truth(self) -> bool:
        """An error; programs in another library's words may have another rule put here."""
        self._not_an_array(
            "it has no truth value while the graph is built",
            "choose with T.switch(condition, a, b) or ifelse, or compare the values of a compiled"
            " function; chain comparisons as (a < x) & (x < b)",
        )

    def __len__(self) -> int:
        size = self._tensor_type.shape[0] if self.ndim else None
        if not isinstance(size, int):
            self._not_an_array("its length is not known while the graph is built", "use x.shape[0]")
        return size

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0 or not isinstance(self._tensor_type.shape[0], int):
            self._not_an_array(
                "it cannot be iterated, its length is not known while the graph is built",
                "use scan, or declare the size: T.matrix(shape=(10, None))",
            )
        return (self[k] for k in range(self._tensor_type.shape[0]))

    def __setitem__(self, item: Any, value: Any) -> NoReturn:
        self._not_an_array(
            "elements cannot be assigned",
            "use x = T.set_subtensor(x[i], value), or x[i].set(value)",
        )

    def __contains__(self, item: Any) -> bool:
        self._not_an_array("`in` cannot look into it", "use T.any(T.eq(x, item))")

    def __float__(self) -> float:
        self._not_an_array("it has no value yet", "use x.eval({...}), or T.cast(x, 'float64')")

    def __int__(self) -> int:
        self._not_an_array("it has no value yet", "use x.eval({...}), or T.cast(x, 'int64')")

    def __index__(self) -> int:  # noqa: PLE0305
        self._not_an_array(
            "it is no number Python could count with", "use T.arange for range, x[i] for list[i]"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Operators with an array on the left are ours; other functions of NumPy's are refused."""
        own = OPERATORS.get(ufunc)
        if method != "__call__" or options:
            self._refuse(ufunc)
        return self.by_numpy(ufunc) if own is None else own(*inputs)

    def by_numpy(self, ufunc: Any) -> Any:
        """An error; programs in another library's words may have another rule put here."""
        self._refuse(ufunc)

    def _refuse(self, ufunc: Any) -> NoReturn:
        self._not_an_array(
            f"numpy.{ufunc.__name__} cannot compute with it",
            "use the function of symgraph.tensor: T.exp(x), not np.exp(x)",
        )

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return self.boxed()

    def boxed(self) -> Any:
        """Sizes may stand in lists with numbers, as in `np.prod(shape)`; else an error.

        Programs in another library's words may have another rule put here.
        """
        if self.ndim or self.dtype not in DISCRETE:
            self._not_an_array(
                "NumPy cannot compute with it",
                "use the function of symgraph.tensor: T.exp, not np.exp",
            )
        alone = np.empty((), object)
        alone[()] = self
        return alone


OPERATORS: dict[Any, Callable[..., Any]] = {
    np.add: arith.add,
    np.subtract: arith.sub,
    np.multiply: arith.mul,
    np.true_divide: arith.true_div,
    np.floor_divide: arith.int_div,
    np.remainder: arith.mod,
    np.divmod: arith.divmod,
    np.power: arith.pow,
    np.matmul: linalg.matmul,
    np.less: compare.lt,
    np.less_equal: compare.le,
    np.greater: compare.gt,
    np.greater_equal: compare.ge,
    np.bitwise_and: logic.and_,
    np.bitwise_or: logic.or_,
    np.bitwise_xor: logic.xor,
    np.left_shift: logic.left_shift,
    np.right_shift: logic.right_shift,
}  # what an array on the left of an operator calls
