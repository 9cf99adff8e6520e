"""The closed set of op families: what an op declares, and what follows from it.

A backend knows these families, never single ops. An op states its facts once, beside its
name: dtypes, sizes, NumPy meaning, scalar or index expression, gradient, sample inputs.
Types, the interpreter, lowering, the reference page and the op's tests are derived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from symgraph.absent import grad_not_implemented
from symgraph.dataclass import dataclass
from symgraph.dtype_rules import DtypeRule, same
from symgraph.errors import (
    GraphTypeError,
    IndexRangeError,
    MatrixError,
    ShapeError,
    SymgraphError,
)
from symgraph.graph import Apply, Op, Variable
from symgraph.inner_graph import InnerGraph
from symgraph.kernel import Expr, Lit, call, cast, lit
from symgraph.places import user_place
from symgraph.types import (
    CONTINUOUS,
    Arg,
    Dim,
    Dims,
    Tensor,
    Tensors,
    TensorType,
    as_operands,
    static_arg,
    static_shape,
    unify,
)

Index: TypeAlias = tuple[Expr, ...]
Read: TypeAlias = Callable[[int, Index], Expr]  # the element of input k at an index


@dataclass(frozen=True)
class Sample:
    """One input of a derived test: its shape, dtype and where its values lie."""

    shape: tuple[int, ...] = ()
    domain: str = "real"  # real positive negative unit (-1,1) above1 nonzero small int index:N bool
    dtype: str = "float64"
    differentiable: bool = True


class Example(NamedTuple):
    """An application of an op, or of a function made of it, that the derived tests try."""

    op: Callable[..., Any]
    inputs: tuple[Sample, ...]


class TensorOp(Op):
    """An op on tensors whose output types follow from its declarations.

    `reference(*arrays)` is its NumPy meaning: the output, or a tuple of outputs.
    """

    reference: ClassVar[Callable[..., Any]]
    sized: ClassVar[bool] = False  # whether its sizes are numbers it is given, maybe negative ones

    def __str__(self) -> str:
        settings = ((f.name, getattr(self, f.name)) for f in fields(self))  # type: ignore[arg-type]
        words = [_setting(n, value) for n, value in settings if not _is_off(value)]
        name = type(self).__name__
        return f"{name}{{{', '.join(words)}}}" if words else name

    __repr__ = __str__

    def prepare(self, *inputs: Any) -> Tensors:
        """The operands as tensor variables, checked."""
        return as_operands(inputs)

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The dtypes of the outputs."""
        return (dtypes[0],)

    def out_shapes(self, *args: Arg) -> tuple[Dims, ...]:
        """The sizes of the outputs; of one output, what `out_shape` says."""
        return (self.out_shape(*args),)

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes of the only output."""
        raise NotImplementedError

    def make_node(self, *inputs: Any) -> Apply:
        """A node of this op on `inputs`; types and sizes are checked here."""
        variables = self.prepare(*inputs)
        dtypes = self.out_dtypes(*(v.type.dtype for v in variables))
        try:
            shapes = self.out_shapes(*map(static_arg, variables))
        except ShapeError as error:
            lines = "".join(f"\n  {v} {v.type}, made at {v.made_at}" for v in variables)
            cure = "\n  reshape or transpose one of them, or declare their sizes otherwise"
            raise ShapeError(f"{error} at {user_place()}{lines}{cure}") from None
        kinds = [TensorType(d, static_shape(s)) for d, s in zip(dtypes, shapes, strict=True)]
        return Apply(self, variables, [kind.make_variable() for kind in kinds])

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The outputs by `reference`, in the dtypes the types promise."""
        outputs: Tensors = node.outputs
        try:
            with np.errstate(all="ignore"):
                results = self.reference(*inputs)
        except (ValueError, IndexError) as error:
            raise _failure(node, error) from None
        if len(outputs) == 1:
            results = (results,)
        return [
            np.asarray(r, dtype=v.type.numpy_dtype) for r, v in zip(results, outputs, strict=True)
        ]

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangents of the inputs from those of the outputs; None where nothing flows."""
        own = type(self).grad is not TensorOp.grad
        return self.grad(inputs, output_grads) if own else Op.grad(self, inputs, output_grads)

    def grad(self, inputs: Tensors, output_grads: Tensors) -> Tensors:
        """As `L_op`, the outputs being made anew."""
        return self.L_op(inputs, self.make_node(*inputs).outputs, output_grads)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Applications the derived tests try."""
        raise NotImplementedError(f"{cls.__name__} declares no examples")


def _is_off(value: Any) -> bool:
    return value is False or value is None


def _setting(name: str, value: Any) -> str:
    """How an op's name shows one of its settings: a flag by its name, others by their value."""
    if value is True:
        return name
    if isinstance(value, tuple):
        return f"({', '.join(map(str, value))})"
    return str(value)


def _failure(node: Apply, error: Exception) -> SymgraphError:
    """NumPy's error about sizes, an index or a matrix, or our own, with the user's line."""
    kind: type[SymgraphError] = IndexRangeError if isinstance(error, IndexError) else ShapeError
    if isinstance(error, np.linalg.LinAlgError):
        kind = MatrixError
    if isinstance(error, SymgraphError):
        kind = type(error)
    return kind(f"{node.op}: {error}, at {node.made_at}")


# --- elementwise -----------------------------------------------------------------------


@dataclass(frozen=True)
class NoDerivative:
    """A derivative that is not known in closed form; an error if a gradient needs it."""

    reason: str


Partial: TypeAlias = Callable[..., Any] | NoDerivative | None
PATTERNS: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((3, 4),),
    ((3, 4), (1, 4)),
    ((),),
    ((0, 4),),
    ((2, 1, 3), (3,)),
)  # shapes of the operands of elementwise examples, taken in turn
DTYPE_OF_DOMAIN = {"int": "int64", "bool": "bool"}


@dataclass(frozen=True, repr=False)
class Elemwise(TensorOp):
    """Ops that work element by element, broadcasting axes whose size is known to be 1.

    `code` names the scalar operation (or `scalar` builds it), `dtypes` its dtype rule.
    `partials` holds, for each input, the derivative as a function of the output and the
    inputs: a variable, a number, or None where nothing flows.
    """

    code: ClassVar[str] = ""
    dtypes: ClassVar[DtypeRule] = same
    nin: ClassVar[int] = 1
    partials: ClassVar[tuple[Partial, ...] | None] = None
    domains: ClassVar[tuple[str, ...]] = ("real",)
    commutative: ClassVar[bool] = False
    associative: ClassVar[bool] = False
    unit: ClassVar[Any] = None  # x op unit == x
    idempotent: ClassVar[bool] = False  # x op x == x, or f(f(x)) == f(x)
    inverse: ClassVar[Callable[[], Op] | None] = None  # f(inverse(x)) == x
    integers: ClassVar[bool] = True  # whether integer operands are tested

    def prepare(self, *inputs: Any) -> Tensors:
        """The operands as tensor variables, their number checked."""
        if len(inputs) != self.nin:
            raise GraphTypeError(f"{self} takes {self.nin} operands, not {len(inputs)}")
        return as_operands(inputs)

    def operand_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The dtypes the operands are converted to."""
        return type(self).dtypes(*dtypes)[0]

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The result's dtype."""
        return (type(self).dtypes(*dtypes)[1],)

    def out_shape(self, *args: Arg) -> Dims:
        """Axes aligned at the right; an axis broadcasts only if it is known to be 1."""
        ndim = max((len(a.shape) for a in args), default=0)
        padded = [(1,) * (ndim - len(a.shape)) + a.shape for a in args]
        return tuple(self._join([dims[axis] for dims in padded], axis) for axis in range(ndim))

    def _join(self, sizes: Sequence[Dim], axis: int) -> Dim:
        wide = [s for s in sizes if not is_one(s)]
        return unify(wide, f"{self}: axis {axis}") if wide else 1

    def _coded(self, *operands: Expr) -> Expr:
        return call(self.code, *operands)

    scalar: ClassVar[Callable[..., Expr]] = _coded

    def expression(self, *operands: Expr) -> Expr:
        """The whole scalar meaning: operands converted, computed, in the result's dtype."""
        dtypes = tuple(x.dtype for x in operands)
        wanted = self.operand_dtypes(*dtypes)
        converted = [cast(x, d) for x, d in zip(operands, wanted, strict=True)]
        (out,) = self.out_dtypes(*dtypes)
        result = self.scalar(*converted)
        if result.dtype != out and getattr(result, "op", "") == self.code and out == "bool":
            return call(self.code, *converted, dtype=out)
        return cast(result, out)

    def evaluate(self, node: Apply, inputs: Sequence[Any]) -> list[Any]:
        """The output by `reference` on converted operands, run-time broadcasting refused."""
        check_broadcast(node, inputs)
        variables: Tensors = node.inputs
        dtypes = self.operand_dtypes(*(v.type.dtype for v in variables))
        return super().evaluate(
            node, [np.asarray(x).astype(d, copy=False) for x, d in zip(inputs, dtypes, strict=True)]
        )

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The cotangent times each partial derivative."""
        if self.partials is None:
            return super().L_op(inputs, outputs, output_grads)
        (z,), (g,) = outputs, output_grads
        return [self._back(k, g, z, inputs) for k in range(len(inputs))]

    def _back(self, k: int, g: Tensor, z: Tensor, inputs: Tensors) -> Tensor | None:
        """The cotangent of an input from that of the output z."""
        partial = (self.partials or ())[k]
        if partial is None or not is_continuous(inputs[k]):
            return None
        if isinstance(partial, NoDerivative):
            return grad_not_implemented(self, k, inputs[k], partial.reason)
        return times(g, partial(z, *inputs))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Operands over the declared domains: equal shapes, broadcast, scalar, empty."""
        domains = cls.domains * cls.nin if len(cls.domains) == 1 else cls.domains
        for shapes in PATTERNS:
            cycle = (shapes * cls.nin)[: cls.nin]
            smooth = cls.partials or (NoDerivative(""),) * cls.nin
            yield Example(cls(), tuple(map(cls._sample, cycle, domains, smooth)))

    @classmethod
    def _sample(cls, shape: tuple[int, ...], domain: str, partial: Partial) -> Sample:
        dtype = DTYPE_OF_DOMAIN.get(domain, "float64")
        smooth = not isinstance(partial, NoDerivative) and dtype in CONTINUOUS
        return Sample(shape, domain, dtype, smooth)


def is_one(size: Dim) -> bool:
    """Whether a size is known to be 1."""
    return bool((size.value if isinstance(size, Lit) else size) == 1)


def is_continuous(var: Variable) -> bool:
    """Whether a variable holds floating or complex numbers."""
    return getattr(var.type, "dtype", None) in CONTINUOUS


def times(g: Any, partial: Any) -> Any:
    """A cotangent times a derivative, None where nothing flows.

    A derivative of 0 gives zeros whatever the cotangent, 1 the cotangent itself; a boolean one
    lets the cotangent through where it holds and gives 0 elsewhere, even for infinities.
    """
    if partial is None:
        return None
    if isinstance(partial, int | float):
        if partial == 0:
            return g.zeros_like()
        return g if partial == 1 else -g if partial == -1 else g * partial
    if partial.type.dtype == "bool":
        return g.where(partial)
    if partial.type.dtype.startswith("complex"):
        return g * partial.conj()
    return g * partial


def check_broadcast(node: Apply, inputs: Sequence[Any]) -> None:
    """Refuse sizes that differ at run time, and a size of 1 that was not declared."""
    ndim, variables = max(map(np.ndim, inputs), default=0), node.inputs
    kinds = [v.type for v in variables if isinstance(v.type, TensorType)]
    for axis in range(1, ndim + 1):
        sizes = {
            np.shape(x)[-axis]
            for x, kind in zip(inputs, kinds, strict=True)
            if np.ndim(x) >= axis and kind.shape[-axis] != 1
        }
        if len(sizes) > 1:
            raise ShapeError(size_conflict(node, ndim - axis, sorted(sizes)))


def size_conflict(node: Apply, axis: int, sizes: Sequence[int]) -> str:
    """The message for operands whose sizes along an axis differ at run time."""
    text = (
        f"{node.op}: sizes {' and '.join(map(str, sizes))} along axis {axis} do not agree,"
        f" at {node.made_at}"
    )
    if 1 in sizes:
        text += (
            "; an axis broadcasts only if its size is declared 1: give the input"
            " shape=(..., 1, ...), or use T.addbroadcast, T.row, T.col"
        )
    return text


# --- indexed: each output element is an expression of its index ------------------------------


@dataclass(frozen=True, repr=False)
class Indexed(TensorOp):
    """Ops whose output element is an expression of its index and of elements read."""

    def element(self, index: Index, args: Sequence[Arg], read: Read, dtype: str) -> Expr:
        """The output's element at `index`."""
        raise NotImplementedError

    def bounds(self, args: Sequence[Arg]) -> Sequence[tuple[int, Dim]]:
        """Pairs (k, n): input k holds indices that must lie in [-n, n)."""
        return ()


def flat_index(index: Sequence[Expr], dims: Sequence[Dim]) -> Expr:
    """The row-major offset of an index."""
    flat: Expr = lit(0)
    for i, size in zip(index, dims, strict=True):
        if not is_one(size):
            flat = flat * size + i
    return flat


@dataclass(frozen=True, repr=False)
class Positional(Indexed):
    """Indexed ops whose element follows from its row-major position: random draws.

    Loops that run along whole axes ask by position, so that adjacent axes stay one loop.
    """

    def at(self, place: Expr, args: Sequence[Arg], read: Read, dtype: str) -> Expr:
        """The output's element at a row-major position."""
        raise NotImplementedError

    def element(self, index: Index, args: Sequence[Arg], read: Read, dtype: str) -> Expr:
        """The element at the position of an index."""
        return self.at(flat_index(index, self.out_shape(*args)), args, read, dtype)


@dataclass(frozen=True, repr=False)
class Moved(Indexed):
    """Ops whose output elements are elements of input 0: slices, transposes, look-ups.

    Folded into their readers as index expressions.
    """

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """Where the output's element at `index` lies in input 0."""
        raise NotImplementedError

    def axis_map(self, node: Apply) -> tuple[int | None, ...] | None:
        """For each output axis the axis of input 0 it runs along, None where it repeats.

        None altogether if the op does more than reorder and repeat whole axes.
        """
        return None

    def element(self, index: Index, args: Sequence[Arg], read: Read, dtype: str) -> Expr:
        """The element of input 0 that moved here."""
        return read(0, self.source(index, args, read))


@dataclass(frozen=True, repr=False)
class Checked(Moved):
    """Ops that are input 0 as it is, and an error unless the other inputs, bool scalars, hold."""

    exc_type: type[Exception]
    message: str

    def source(self, index: Index, args: Sequence[Arg], read: Read) -> Index:
        """Where it is."""
        return index

    def axis_map(self, node: Apply) -> tuple[int | None, ...] | None:
        """Every axis as it is."""
        kind = node.inputs[0].type
        assert isinstance(kind, TensorType)
        return tuple(range(kind.ndim))


@dataclass(frozen=True, repr=False)
class View(TensorOp):
    """Ops that reinterpret the same row-major elements under other sizes (reshape)."""


class Piece(NamedTuple):
    """A part of an assembled output: input `source`, over `extent`, lands at `target(index)`."""

    source: int
    extent: Dims
    target: Callable[[Index, Read], Index]
    accumulate: bool = False  # add to what is there
    distinct: bool = True  # no two indices land on one element
    read_at: Callable[[Index], Index] | None = None  # where in the source; the same index if None


@dataclass(frozen=True, repr=False)
class Assemble(TensorOp):
    """Ops whose output is put together from pieces: join, set_subtensor, inc_subtensor."""

    base: ClassVar[int | None] = None  # the input whose elements are there to begin with

    def pieces(self, args: Sequence[Arg]) -> Sequence[Piece]:
        """The pieces, written in this order."""
        raise NotImplementedError

    def bounds(self, args: Sequence[Arg]) -> Sequence[tuple[int, Dim]]:
        """Pairs (k, n): input k holds indices that must lie in [-n, n)."""
        return ()


@dataclass(frozen=True, repr=False)
class SizeOf(TensorOp):
    """Ops that are a size: their value is a formula of sizes, no data is read."""

    def size(self, *args: Arg) -> Dim:
        """The value, an integer."""
        raise NotImplementedError

    def static_size(self, node: Apply) -> Dim:
        """The value as far as types tell it."""
        return self.size(*map(static_arg, node.inputs))


# --- reductions ----------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Reduce(TensorOp):
    """Ops that fold axes away with one or more accumulators."""

    axes: tuple[int, ...]

    def acc_dtypes(self, dtype: str) -> tuple[str, ...]:
        """The dtypes of the accumulators."""
        return (dtype,)

    def start(self, dtype: str) -> tuple[Lit, ...]:
        """The accumulators before the first element."""
        raise NotImplementedError

    def step(self, accs: tuple[Expr, ...], x: Expr, position: Expr) -> tuple[Expr, ...]:
        """The accumulators after one more element; `position` counts along the axes."""
        raise NotImplementedError

    def combine(self, accs: tuple[Expr, ...], other: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """The accumulators of two adjacent stretches, put together."""
        return self.step(accs, other[0], lit(0))

    def merge(self, accs: tuple[Expr, ...], other: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """The accumulators of two sets of elements that may lie among each other."""
        return self.combine(accs, other)

    def finish(self, accs: tuple[Expr, ...], out_dtype: str) -> Expr:
        """The result."""
        return cast(accs[0], out_dtype)

    def out_shape(self, *args: Arg) -> Dims:
        """The sizes of the axes that stay."""
        return tuple(d for axis, d in enumerate(args[0].shape) if axis not in self.axes)

    needs_elements: ClassVar[bool] = False  # whether nothing to reduce is an error


# --- steps of their own --------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Product(TensorOp):
    """Matrix product: alpha * op(A) @ op(B) + beta * C, a BLAS call."""


@dataclass(frozen=True, repr=False)
class Library(TensorOp):
    """One call of a native routine, or a kernel that lowering writes (lower/pooling.py).

    `routine` is `module:name` of a numba-compilable function `(outputs..., inputs..., settings...)`
    of row-major arrays, and integers that the op fixes, which fills the outputs. One that is not
    `compiled` only names what Python calls on the CPU; a target with libraries calls its own.

    A routine that may fail is given one more output, two int64: it sets the first to 0, or to the
    number, from 1, of the case of the batch that failed, and may say more in the second. `failure`
    is the error it stands for and its message, with %0 for that number and %1 for the second.
    """

    routine: ClassVar[str] = ""
    compiled: ClassVar[bool] = True  # whether native code can call it
    reads: ClassVar[int | None] = None  # how many inputs the routine is given, all if None
    failure: ClassVar[tuple[type[SymgraphError], str] | None] = None

    def settings(self) -> tuple[int, ...]:
        """Integers the routine is given after the inputs."""
        return ()


# --- loops ---------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Loop(TensorOp):
    """Ops that run a graph of their own again and again: native control flow around its steps."""

    body: InnerGraph

    @property
    def inner_graph(self) -> InnerGraph:
        """The graph that is run."""
        return self.body
