"""`theano.scalar.basic`: scalars are tensors of no axes here, and their functions the tensors' own.

A `ScalarOp` of a program's own, with `impl` in Python and `grad`, becomes an elementwise op by
`theano.tensor.Elemwise(op)`; it is run by Python, between the native parts of a function. Theano's
own classes (`Exp`, `Add`, ...) stand for symgraph's ops, which are compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from symgraph.compat.theano.configdefaults import config
from symgraph.families import Elemwise
from symgraph.graph import Apply, Op, Variable
from symgraph.ops import arith, cast, compare, elementary, logic, rounding, select
from symgraph.tensor import Constructor, Constructors
from symgraph.types import (
    COMPLEX,
    CONTINUOUS,
    DISCRETE,
    DTYPES,
    FLOATS,
    TensorType,
    as_operands,
    as_tensor_variable,
    promote,
)
from symgraph.types import upgrade_to_float as float_dtype


class Scalar(TensorType):
    """The type of scalars of a dtype, by whose name it is shown; its variables are tensors'."""

    __slots__ = ()

    def __init__(self, dtype: str) -> None:
        super().__init__(dtype, ())

    def make_variable(self, name: str | None = None) -> Variable:
        """A new tensor variable of no axes."""
        return TensorType(self.dtype, ()).make_variable(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorType) and (self.dtype, ()) == (other.dtype, other.shape)

    def __hash__(self) -> int:
        return super().__hash__()

    def __str__(self) -> str:
        return self.dtype

    __repr__ = __str__


get_scalar_type = Scalar
as_scalar = convert = as_tensor_variable
int_types = tuple(Scalar(d) for d in DISCRETE if d.startswith("int"))
uint_types = tuple(Scalar(d) for d in DISCRETE if d.startswith("uint"))
integer_types = int_types + uint_types
discrete_types = tuple(map(Scalar, DISCRETE))
float_types, complex_types = tuple(map(Scalar, FLOATS)), tuple(map(Scalar, COMPLEX))
continuous_types = tuple(map(Scalar, CONTINUOUS))
all_types = discrete_types + continuous_types
globals().update({dtype: Scalar(dtype) for dtype in DTYPES})


def autocast_float_as(*dtypes: str) -> Any:
    """A block in which Python floats become constants of a dtype, the first of those given."""
    return config.change_flags(floatX=dtypes[0])


ints, floats, complexs = (
    Constructors(Constructor(f"{dtype}s", dtype, ())) for dtype in ("int64", "floatX", "complex128")
)
complexs64, complexs128 = complexs, complexs


def upcast(dtype: str, *dtypes: str) -> str:
    """The dtype that holds the values of all."""
    return promote(dtype, *dtypes)


# --- the types of outputs, from those of inputs ------------------------------------------------

Types = tuple[TensorType, ...]


def upcast_out(*types: TensorType) -> Types:
    """The type that holds the values of all operands."""
    return (Scalar(promote(*(t.dtype for t in types))),)


def same_out(type: TensorType, *types: TensorType) -> Types:
    """The type of the first operand."""
    return (type,)


def upgrade_to_float(*types: TensorType) -> Types:
    """Floats: those of the operands, or what holds their integers."""
    return (Scalar(promote(*(float_dtype(t.dtype) for t in types))),)


def int_out(*types: TensorType) -> Types:
    """int64."""
    return (Scalar("int64"),)


def float_out(*types: TensorType) -> Types:
    """float64."""
    return (Scalar("float64"),)


class specific_out:  # noqa: N801 - Theano's name
    """Types that are always the same."""

    def __init__(self, *spec: TensorType) -> None:
        self.spec = spec

    def __call__(self, *types: TensorType) -> Types:
        """The types."""
        return self.spec

    def __eq__(self, other: object) -> bool:
        return isinstance(other, specific_out) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash(self.spec)


class transfer_type:  # noqa: N801 - Theano's name
    """For each output the type of the operand of that number, or that of all for "upcast"."""

    def __init__(self, *transfer: Any) -> None:
        self.transfer = transfer

    def __call__(self, *types: TensorType) -> Types:
        """The types."""
        return tuple(
            upcast_out(*types)[0] if n == "upcast" else types[n] if isinstance(n, int) else n
            for n in self.transfer
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, transfer_type) and self.transfer == other.transfer

    def __hash__(self) -> int:
        return hash(self.transfer)


upcast_out_nobool = upcast_out_min8 = upcast_out_no_complex = upcast_out
same_out_nobool = same_out_min8 = same_out_float_only = same_out_nocomplex = same_out
upgrade_to_float_no_complex = upgrade_to_float64 = upgrade_to_float
int_out_nocomplex, float_out_nocomplex = int_out, float_out


# --- ops -----------------------------------------------------------------------------------------


class ScalarOp(Op):
    """A function of scalars: `impl(*numbers)` computes it, `grad` differentiates it.

    Its type is what `output_types_preference` gives for the types of the operands.
    """

    nin, nout = -1, 1
    name: str | None = None  # of classes whose `__init__` does not call this one
    own: ClassVar[type[Elemwise] | None] = None  # what of symgraph's it stands for

    def __init__(self, output_types_preference: Any = None, name: str | None = None) -> None:
        self.name = name
        if output_types_preference is not None:
            self.output_types_preference = output_types_preference

    def output_types(self, types: Sequence[TensorType]) -> Sequence[TensorType]:
        """The types of the outputs."""
        preference: Callable[..., Types] = getattr(self, "output_types_preference", upcast_out)
        return preference(*types)

    def impl(self, *inputs: Any) -> Any:
        """The value, or a tuple of them, for numbers."""
        raise NotImplementedError(f"{type(self).__name__} does not define impl")

    def make_node(self, *inputs: Any) -> Apply:
        """Of scalars; of symgraph's op, where there is one."""
        if self.own is not None:
            return self.own().make_node(*inputs)
        variables = as_operands(inputs)
        kinds = self.output_types([Scalar(v.type.dtype) for v in variables])
        return Apply(self, variables, [kind() for kind in kinds])

    def perform(self, node: Apply, inputs: list[Any], output_storage: list[list[Any]]) -> None:
        """By `impl`, in the dtypes of the outputs."""
        found = self.impl(*(x[()] for x in inputs))
        values = found if isinstance(found, list | tuple) else (found,)
        for cell, var, value in zip(output_storage, node.outputs, values, strict=True):
            cell[0] = var.type.filter(value, allow_downcast=True)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        return getattr(self, "output_types_preference", None) == getattr(
            other, "output_types_preference", None
        )

    def __hash__(self) -> int:
        return hash(type(self))

    def __str__(self) -> str:
        return self.name or type(self).__name__


class UnaryScalarOp(ScalarOp):
    """A function of one scalar."""

    nin = 1


class BinaryScalarOp(ScalarOp):
    """A function of two scalars."""

    nin = 2


class LogicalComparison(BinaryScalarOp):
    """A function of two scalars that is true or false."""

    def output_types(self, types: Sequence[TensorType]) -> Sequence[TensorType]:
        """bool."""
        return (Scalar("bool"),)


FixedLogicalComparison = LogicalComparison


def standing_for(*modules: Any) -> dict[str, Any]:
    """Theano's classes of scalar ops for the elementwise ops of modules."""
    found = [
        item
        for module in modules
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, Elemwise)
        and item.__module__ == module.__name__
    ]
    return {
        kind.__name__: type(
            kind.__name__,
            (ScalarOp,),
            {
                "own": kind,
                "nin": kind.nin,
                "__module__": __name__,
                "__doc__": (kind.__doc__ or "").partition("\n\n")[0],
                "st_impl": staticmethod(kind.reference),
                "impl": lambda self, *inputs: type(self).own.reference(*inputs),
            },
        )
        for kind in found
        if not kind.__name__.startswith("_")
    }


OPS = standing_for(arith, cast, compare, elementary, logic, rounding, select)
globals().update({name: kind for name, kind in OPS.items() if name not in ("Cast",)})
OR, XOR, AND, Inv = OPS["Or"], OPS["Xor"], OPS["And"], OPS["Reciprocal"]
