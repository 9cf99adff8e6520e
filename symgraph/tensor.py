"""`import symgraph.tensor as T`: constructors, ops and gradients under Theano's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symgraph import fft as fft
from symgraph import linalg as linalg
from symgraph import linalg as nlinalg
from symgraph import linalg as slinalg
from symgraph import nnet as nnet
from symgraph import signal as signal
from symgraph.errors import GraphTypeError
from symgraph.gradient import Lop as Lop
from symgraph.gradient import Rop as Rop
from symgraph.gradient import grad as grad
from symgraph.gradient import hessian as hessian
from symgraph.gradient import jacobian as jacobian
from symgraph.gradient import verify_grad as verify_grad
from symgraph.ops.aliases import *
from symgraph.ops.arith import *
from symgraph.ops.arrange import *
from symgraph.ops.barrier import *
from symgraph.ops.bessel import *
from symgraph.ops.bins import *
from symgraph.ops.borders import *
from symgraph.ops.cast import *
from symgraph.ops.checks import *
from symgraph.ops.closeness import *
from symgraph.ops.compare import *
from symgraph.ops.convolve import *
from symgraph.ops.create import *
from symgraph.ops.cumulative import *
from symgraph.ops.einsum import *
from symgraph.ops.diagonals import *
from symgraph.ops.disk import *
from symgraph.ops.elementary import *
from symgraph.ops.index import *
from symgraph.ops.join import *
from symgraph.ops.linalg import *
from symgraph.ops.logarithms import *
from symgraph.ops.logic import *
from symgraph.ops.magnitude import *
from symgraph.ops.missing import *
from symgraph.ops.matrix import *
from symgraph.ops.activations import softmax
from symgraph.ops.picking import *
from symgraph.ops.ranges import *
from symgraph.ops.reduce import *
from symgraph.ops.extrema import *
from symgraph.ops.averages import *
from symgraph.ops.repeat import *
from symgraph.ops.rounding import *
from symgraph.ops.search import *
from symgraph.ops.select import *
from symgraph.ops.sets import *
from symgraph.ops.shape import *
from symgraph.ops.reshape import *
from symgraph.ops.specify import *
from symgraph.ops.sort import *
from symgraph.ops.special import *
from symgraph.ops.stacking import *
from symgraph.ops.statistics import *
from symgraph.ops.transfer import *
from symgraph.ops.windows import *
from symgraph.types import RANK_NAMES, TensorType, as_tensor_variable, constant
from symgraph.variable import TensorConstant, TensorVariable

PREFIXES = {
    "": "floatX",
    "b": "int8",
    "w": "int16",
    "i": "int32",
    "l": "int64",
    "ub": "uint8",
    "uw": "uint16",
    "ui": "uint32",
    "ul": "uint64",
    "f": "float32",
    "d": "float64",
    "c": "complex64",
    "z": "complex128",
}
PATTERNS: dict[str, tuple[int | None, ...]] = {
    **{name: (None,) * rank for rank, name in enumerate(RANK_NAMES)},
    "row": (1, None),
    "col": (None, 1),
}
Shape = Sequence[int | str | None]


def tensor(
    dtype: str = "floatX",
    broadcastable: Sequence[bool] | None = None,
    name: str | None = None,
    *,
    shape: Shape | None = None,
) -> TensorVariable:
    """An input of any dtype and shape.

    `shape` holds for each axis an int, a name (axes of one name have one size) or None.

    >>> tensor("float32", shape=("batch", 784), name="x").type
    TensorType(float32, (batch, 784))
    """
    pattern = shape if shape is not None else broadcastable
    if pattern is None:
        raise GraphTypeError("tensor needs shape=, one int, name or None for each axis")
    made = TensorType(dtype, pattern)(name)
    assert isinstance(made, TensorVariable)
    return made


class Constructor:
    """Makes inputs of one rank and dtype: `matrix("x")`, `matrix("x", shape=("batch", 784))`."""

    def __init__(self, name: str, dtype: str, pattern: tuple[int | None, ...]) -> None:
        self.__name__, self.dtype, self.pattern = name, dtype, pattern
        self.__doc__ = f"An input of {len(pattern)} axes and dtype {dtype}."

    @property
    def type(self) -> TensorType:
        """The type of its inputs."""
        return TensorType(self.dtype, self.pattern)

    def __call__(
        self, name: str | None = None, dtype: str | None = None, shape: Shape | None = None
    ) -> TensorVariable:
        """A new input."""
        wanted = self.pattern if shape is None else tuple(shape)
        if len(wanted) != len(self.pattern):
            raise GraphTypeError(
                f"{self.__name__} has {len(self.pattern)} axes, but shape={shape} has {len(wanted)}"
            )
        return tensor(dtype or self.dtype, shape=wanted, name=name)

    def __getattr__(self, name: str) -> Any:
        """What the type of its inputs has: `T.dmatrix.filter`, `T.dmatrix.broadcastable`."""
        if name.startswith("_") or name == "pattern":
            raise AttributeError(name)
        return getattr(self.type, name)

    def __eq__(self, other: object) -> bool:
        """Equal to the type of its inputs, as Theano's `T.dmatrix` is that type."""
        return self is other or (isinstance(other, TensorType) and self.type == other)

    def __hash__(self) -> int:
        return hash(self.type)

    def __repr__(self) -> str:
        return f"<{self.__name__}: {self.__doc__}>"


class Constructors:
    """Makes several inputs at once: `matrices("x y")`, `matrices("x", "y")`, `matrices(2)`.

    A single word stands for its letters, as in Theano: `matrices("xy")`.
    """

    def __init__(self, one: Constructor) -> None:
        self.one = one
        self.__doc__ = f"Several inputs like those of `{one.__name__}`."

    def __call__(self, *names: Any, dtype: str | None = None) -> list[TensorVariable]:
        """New inputs."""
        if len(names) == 1 and isinstance(names[0], int):
            return [self.one(dtype=dtype) for _ in range(names[0])]
        if len(names) == 1 and isinstance(names[0], str) and len(names[0].split()) == 1:
            names = tuple(names[0].strip())
        words = [
            word for name in names for word in (name.split() if isinstance(name, str) else [name])
        ]
        return [self.one(word, dtype=dtype) for word in words]


def _plural(name: str) -> str:
    return {"matrix": "matrices"}.get(name, f"{name}s")


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """The constructors below, `matrix`, `fvectors`, ..., for type checkers."""


for _prefix, _dtype in PREFIXES.items():
    for _name, _pattern in PATTERNS.items():
        _one = Constructor(f"{_prefix}{_name}", _dtype, _pattern)
        globals()[_one.__name__] = _one
        globals()[f"{_prefix}{_plural(_name)}"] = Constructors(_one)
