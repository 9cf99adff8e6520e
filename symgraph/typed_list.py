"""Lists of values of one type as variables: `import symgraph.typed_list as typed_list`.

Their ops are run by Python, between the native parts of a function. A list is never changed:
`append` and its kin make another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError, IndexRangeError, InputTypeError
from symgraph.graph import Apply, Constant, Op, Type, Variable
from symgraph.records import is_sparse_matrix
from symgraph.types import DISCRETE, TensorType, as_tensor_variable

__all__ = [
    "TypedListConstant",
    "TypedListType",
    "TypedListVariable",
    "append",
    "count",
    "extend",
    "getitem",
    "index",
    "insert",
    "length",
    "make_list",
    "remove",
    "reverse",
]
COUNT = TensorType("int64", ())


@dataclass(frozen=True, repr=False)
class TypedListType(Type):
    """Lists whose elements all have the type `ttype`.

    `TypedListType(T.dvector)("xs")` is an input; lists of lists are allowed.
    """

    ttype: Type

    def __post_init__(self) -> None:
        kind = getattr(self.ttype, "type", self.ttype)  # T.dvector makes variables of its type
        if not isinstance(kind, Type):
            raise GraphTypeError(f"the elements of a list have a type; {self.ttype!r} is none")
        object.__setattr__(self, "ttype", kind)

    def get_depth(self) -> int:
        """How many lists are around an element that is no list, less one."""
        return self.ttype.get_depth() + 1 if isinstance(self.ttype, TypedListType) else 0

    def filter(self, value: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """A list of values as the elements' type stores them."""
        if not isinstance(value, list | tuple):
            raise InputTypeError(f"is a {type(value).__name__} where a list is needed ({self})")
        return [self.ttype.filter(item, strict, allow_downcast) for item in value]

    def is_super(self, other: Type) -> bool:
        """Whether the elements of a list of type `other` fit this type."""
        return isinstance(other, TypedListType) and self.ttype.is_super(other.ttype)

    def __str__(self) -> str:
        return f"TypedListType({self.ttype})"

    __repr__ = __str__


class TypedListVariable(Variable):
    """A symbolic list."""

    __slots__ = ()

    @property
    def ttype(self) -> Type:
        """The type of the elements."""
        return list_type(self).ttype

    def __getitem__(self, item: Any) -> Any:
        return getitem(self, item)

    def __len__(self) -> int:
        raise GraphTypeError(f"the length of {self} is known only when it runs; use length(list)")

    def append(self, item: Any) -> Any:
        """The list with an element added at its end."""
        return append(self, item)

    def extend(self, items: Any) -> Any:
        """The list with the elements of another added at its end."""
        return extend(self, items)

    def insert(self, place: Any, item: Any) -> Any:
        """The list with an element put in at a place."""
        return insert(self, place, item)

    def remove(self, item: Any) -> Any:
        """The list without the first element equal to `item`."""
        return remove(self, item)

    def reverse(self) -> Any:
        """The list from its end."""
        return reverse(self)

    def count(self, item: Any) -> Any:
        """How many elements equal `item`."""
        return count(self, item)

    def ind(self, item: Any) -> Any:
        """Where the first element equal to `item` is (`index` is taken by all variables)."""
        return index(self, item)


class TypedListConstant(Constant, TypedListVariable):
    """A list whose value is known."""

    __slots__ = ()


TypedListType.variable_class = TypedListVariable
TypedListType.constant_class = TypedListConstant


def list_type(var: Any) -> TypedListType:
    """The type of a variable that is a list."""
    kind = getattr(var, "type", None)
    if not isinstance(kind, TypedListType):
        raise GraphTypeError(f"{var!r} is not a typed list; make one with make_list([...])")
    return kind


# What is passed besides the list, and what comes out: types made of the list's own.
LIST: Callable[[TypedListType], Type] = lambda kind: kind
ELEMENT: Callable[[TypedListType], Type] = lambda kind: kind.ttype
PLACE: Callable[[TypedListType], Type] = lambda kind: COUNT


@dataclass(frozen=True, repr=False)
class ListOp(Op):
    """A function of a list and of what its methods take, run by Python.

    `takes` holds the type of each operand behind the list, `gives` that of the result, both as
    functions of the list's type.
    """

    name: str
    takes: tuple[Callable[[TypedListType], Type], ...]
    gives: Callable[[TypedListType], Type]
    function: Callable[..., Any]

    def __str__(self) -> str:
        return f"TypedList.{self.name}"

    def make_node(self, *inputs: Any) -> Apply:
        """Of a list and what belongs to it; types are checked."""
        if len(inputs) != len(self.takes) + 1:
            raise GraphTypeError(f"{self} takes a list and {len(self.takes)} more, not {inputs}")
        first, *rest = inputs
        kind = list_type(first)
        others = [_operand(take(kind), item) for take, item in zip(self.takes, rest, strict=True)]
        return Apply(self, [first, *others], [self.gives(kind).make_variable()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Call the function."""
        try:
            result = self.function(*inputs)
        except (IndexError, ValueError) as error:
            raise IndexRangeError(f"{self}: {error}, at {node.made_at}") from None
        output_storage[0][0] = node.outputs[0].type.filter(result)


def _operand(wanted: Type, item: Any) -> Variable:
    if wanted is COUNT:
        var: Any = as_tensor_variable(item)
        if var.type.ndim or var.type.dtype not in DISCRETE:
            raise GraphTypeError(f"a place in a list is an integer, not {var} ({var.type})")
        return var
    return wanted.as_variable(item)


def equal(left: Any, right: Any) -> bool:
    """Whether two elements are the same in every part."""
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if is_sparse_matrix(left):
        return bool(left.shape == right.shape and (left != right).nnz == 0)
    return bool(np.array_equal(left, right))


def _index(items: list[Any], item: Any) -> int:
    for place, other in enumerate(items):
        if equal(other, item):
            return place
    raise ValueError("no element of the list equals the one looked for")


def _inserted(items: list[Any], place: Any, item: Any) -> list[Any]:
    result = list(items)
    result.insert(int(place), item)
    return result


def _removed(items: list[Any], item: Any) -> list[Any]:
    place = _index(items, item)
    return items[:place] + items[place + 1 :]


append = ListOp("append", (ELEMENT,), LIST, lambda items, item: [*items, item])
extend = ListOp("extend", (LIST,), LIST, lambda items, others: [*items, *others])
insert = ListOp("insert", (PLACE, ELEMENT), LIST, _inserted)
remove = ListOp("remove", (ELEMENT,), LIST, _removed)
reverse = ListOp("reverse", (), LIST, lambda items: items[::-1])
index = ListOp("index", (ELEMENT,), PLACE, _index)
count = ListOp("count", (ELEMENT,), PLACE, lambda xs, item: sum(equal(x, item) for x in xs))
length = ListOp("length", (), PLACE, len)
_element = ListOp("getitem", (PLACE,), ELEMENT, lambda items, place: items[int(place)])


@dataclass(frozen=True, repr=False)
class ListSlice(Op):
    """Some elements of a list; `has` says which of start, stop and step are given."""

    has: tuple[bool, bool, bool]

    def make_node(self, *inputs: Any) -> Apply:
        """Of a list and integers."""
        first, *bounds = inputs
        numbers = [_operand(COUNT, bound) for bound in bounds]
        return Apply(self, [first, *numbers], [list_type(first).make_variable()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """Python's slice."""
        items, *bounds = inputs
        values = iter(bounds)
        cut = slice(*(int(next(values)) if given else None for given in self.has))
        output_storage[0][0] = items[cut]


def getitem(items: Any, place: Any) -> Any:
    """The element at a place, or the list of those of a slice.

    >>> import symgraph.tensor as T
    >>> items = make_list([T.constant([1.0]), T.constant([2.0])])
    >>> getitem(items, -1).eval()
    array([2.])
    """
    if not isinstance(place, slice):
        return _element(items, place)
    bounds = (place.start, place.stop, place.step)
    has = (bounds[0] is not None, bounds[1] is not None, bounds[2] is not None)
    return ListSlice(has)(items, *(b for b in bounds if b is not None))


@dataclass(frozen=True, repr=False)
class MakeList(Op):
    """A list of variables of one type."""

    ttype: Type

    def make_node(self, *inputs: Any) -> Apply:
        """Of elements."""
        items = [self.ttype.as_variable(item) for item in inputs]
        return Apply(self, items, [TypedListType(self.ttype).make_variable()])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """The list."""
        output_storage[0][0] = list(inputs)


def make_list(items: Sequence[Any]) -> Any:
    """A typed list of variables or values that have one type; sizes that differ are unknown.

    >>> make_list([[1.0, 2.0], [3.0]]).type
    TypedListType(TensorType(float64, vector))
    """
    variables = [v if isinstance(v, Variable) else as_tensor_variable(v) for v in items]
    if not variables:
        raise GraphTypeError("an empty list has no type; use TypedListType(kind).filter([])")
    return MakeList(_common([v.type for v in variables]))(*variables)


def _common(kinds: Sequence[Type]) -> Type:
    """A type that holds the values of all."""
    first = kinds[0]
    if all(first.is_super(kind) for kind in kinds):
        return first
    tensors = [kind for kind in kinds if isinstance(kind, TensorType)]
    alike = {(kind.dtype, kind.ndim) for kind in tensors}
    if len(tensors) < len(kinds) or len(alike) > 1:
        raise GraphTypeError(f"a list holds values of one type, not of {set(map(str, kinds))}")
    ((dtype, ndim),) = alike
    return TensorType(dtype, [None] * ndim)
