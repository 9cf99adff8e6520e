"""Shared variables: values that live between calls, read and updated by compiled functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgraph.device_array import DeviceArray, fitting, moved, on_device
from symgraph.devices import CPU, canonical
from symgraph.errors import GraphTypeError, InputError
from symgraph.graph import Type, Variable
from symgraph.records import FORMATS, SparseTensorType, is_sparse_matrix
from symgraph.types import DTYPES, TensorType
from symgraph.variable import TensorOperators


class Container:
    """Where a shared variable and its clones keep their value: a row-major, writable array.

    Attributes
    ----------
    value
        NumPy's array, or one on a device.
    target
        The device it was made for; "" if it lives where the functions that use it compute.
    """

    __slots__ = ("target", "value")

    def __init__(self, value: Any, target: str = "") -> None:
        self.value, self.target = value, target

    @property
    def data(self) -> Any:
        """The value itself, under the name Theano's programs know."""
        return self.value

    @data.setter
    def data(self, value: Any) -> None:
        self.value = value

    @property
    def storage(self) -> list[Any]:
        """The value in a list, as Theano keeps it; to write there changes nothing."""
        return [self.value]

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.value, self.target)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """What Theano's own pickles hold: the value in a list."""
        self.value, self.target = state["storage"][0], ""


def _unpickled(value: Any, target: str) -> Container:
    """The container; where this machine has not got its device, it is bound to none."""
    there = isinstance(value, DeviceArray) or target == CPU
    return Container(value, target if there else "")


class SharedVariable(Variable):
    """A variable with a value of its own."""

    __slots__ = ("_default_update", "allow_downcast", "container", "strict")

    container: Container
    strict: bool
    allow_downcast: bool | None

    @property
    def default_update(self) -> Any:
        """Its next value in every function that uses it, unless the function says otherwise.

        None if there is none; to delete it makes it None.
        """
        return self._default_update

    @default_update.setter
    def default_update(self, value: Any) -> None:
        self._default_update = value

    @default_update.deleter
    def default_update(self) -> None:
        self._default_update = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        absent = {"default_update": None, "strict": False, "allow_downcast": None}
        super().__setstate__(absent | state)

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """The value: a copy, or with `borrow` the array itself, which functions may overwrite.

        A value on a device comes as a copy in NumPy's memory, whatever `borrow` says, unless
        `return_internal_type` asks for the `DeviceArray`.
        """
        value = self.container.value
        if isinstance(value, DeviceArray):
            if not return_internal_type:
                return value.numpy()
            return value if borrow else value.copy()
        return value if borrow else np.array(value, copy=True)

    def set_value(self, value: Any, borrow: bool = False) -> None:
        """Give it a value of its type; a value that does not fit leaves it as it was.

        With `borrow` an array that is as the type stores it is taken without a copy. It may lie on
        a device, in the hands of any library; it is brought to where this variable lives.
        """
        try:
            array = on_device(value)
            if array is None:
                kept = self.type.filter(value, self.strict, self.allow_downcast)
                array = owned(kept, value, borrow)
            else:
                array = fitting(self.type, array)
                array = array if borrow else array.copy()
        except InputError as error:
            raise type(error)(f"the value for {self}, made at {self.made_at}, {error}") from None
        self.container.value = moved(array, self._home(array), (str(self), self.made_at))

    def _home(self, array: Any) -> str:
        """Where a new value is to lie: on the device asked for, or else where the old one was."""
        if self.container.target:
            return self.container.target
        places = (v.device for v in (self.container.value, array) if isinstance(v, DeviceArray))
        return next(places, CPU)

    def zero(self, borrow: bool = False) -> None:
        """Set every element to 0."""
        old = self.container.value
        self.set_value(np.zeros(old.shape, old.dtype), borrow=True)

    def clone(self) -> Variable:
        """A variable that shares the value."""
        twin = type(self)(self.type, name=self.name)
        twin.container, twin.default_update = self.container, self.default_update
        return twin


def owned(array: Any, value: Any, borrow: bool) -> Any:
    """`array` in memory of its own, unless it may be borrowed and is fit for it."""
    fit = array.flags.c_contiguous and array.flags.aligned and array.flags.writeable
    if (borrow or array is not value) and fit and (borrow or array.base is None):
        return array
    return np.array(array, copy=True, order="C")


class TensorSharedVariable(TensorOperators, SharedVariable):
    """A shared tensor: has all a tensor variable has, and a value."""

    __slots__ = ()

    def __init__(
        self,
        type: Type,
        value: Any = None,
        name: str | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        container: Container | None = None,
    ) -> None:
        super().__init__(type, name=name)
        self.container = container or Container(value)
        self.default_update = None
        self.strict, self.allow_downcast = strict, allow_downcast


def _shared_sparse(
    value: Any, name: str | None, strict: bool, allow_downcast: bool | None, borrow: bool
) -> Any:
    found = value.format if value.format in FORMATS else FORMATS[0]
    kind = SparseTensorType(found, str(value.dtype))
    kept = kind.filter(value if borrow else value.copy())
    return kind.shared_class(kind, kept, name=name, strict=strict, allow_downcast=allow_downcast)  # type: ignore[call-arg]


def shared(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    borrow: bool = False,
    shape: Sequence[int | str | None] | None = None,
    broadcastable: Sequence[bool] | None = None,
    target: str | None = None,
) -> TensorSharedVariable:
    """A shared variable that holds `value`.

    Parameters
    ----------
    value
        An array, or what NumPy makes one of; its dtype and rank are the variable's. A sparse
        matrix of SciPy's gives a sparse variable.
    strict, allow_downcast
        How later values are converted, as in `TensorType.filter`.
    borrow
        Whether to keep the array passed instead of a copy.
    shape
        Sizes that every value has to have: ints, names, None (any). All None by default.
    target
        The device it lives on, "cpu" or "cuda:1"; what reads it is computed on that GPU. By default
        that of an open `device` block, or else none: it lives where functions use it.

    >>> state = shared(0.0, name="state")
    >>> state.get_value()
    array(0.)
    """
    if isinstance(value, Variable):
        raise GraphTypeError(f"a shared variable holds a value, but {value} is symbolic")
    if is_sparse_matrix(value):
        return _shared_sparse(value, name, strict, allow_downcast, borrow)
    held = on_device(value)
    try:
        array: Any = np.asarray(value) if held is None else held
    except ValueError as error:
        raise GraphTypeError(
            f"a {type(value).__name__} cannot be the value of a shared variable: {error}; make its"
            " rows equally long"
        ) from error
    if str(array.dtype) not in DTYPES:
        raise GraphTypeError(
            f"a {type(value).__name__} cannot be the value of a shared variable: its dtype is"
            f" {array.dtype}; convert it to an array of numbers"
        )
    pattern = shape if shape is not None else broadcastable
    kind = TensorType(str(array.dtype), pattern if pattern is not None else [None] * array.ndim)
    made = TensorSharedVariable(kind, name=name, strict=strict, allow_downcast=allow_downcast)
    made.container.target = _target(target, made, held)
    made.set_value(value if held is None else held, borrow)
    return made


def _target(asked: str | None, var: Variable, held: DeviceArray | None) -> str:
    """The device a new variable is bound to: as asked, or the block's, or its value's; or none."""
    if asked is not None:
        return canonical(asked)
    return var.made_at.device or ("" if held is None else held.device)
