"""Conversion between dtypes, and the parts of complex numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph import kernel
from symgraph.errors import GraphTypeError
from symgraph.families import Elemwise, Example, Sample, is_continuous
from symgraph.graph import Variable
from symgraph.kernel import Expr, call
from symgraph.types import COMPLEX, as_tensor_variable, check_dtype, promote, upgrade_to_float


@dataclass(frozen=True, repr=False)
class Cast(Elemwise):
    """Conversion to a dtype; floats are cut off towards zero on their way to integers."""

    dtype: str

    partials = (lambda z, x: 1,)

    def operand_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The operand keeps its dtype."""
        return dtypes

    def out_dtypes(self, *dtypes: str) -> tuple[str, ...]:
        """The target."""
        if dtypes[0] in COMPLEX and self.dtype not in COMPLEX:
            raise GraphTypeError("a complex value has no cast to real; take T.real or T.abs_")
        return (self.dtype,)

    def scalar(self, x: Expr) -> Expr:
        """The converted operand."""
        return kernel.cast(x, self.dtype)

    def reference(self, x: Any) -> Any:
        """NumPy's astype."""
        return x.astype(self.dtype)

    def L_op(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        output_grads: Sequence[Variable],
    ) -> Sequence[Variable | None]:
        """The cotangent, unless integers lie between."""
        return [output_grads[0] if is_continuous(outputs[0]) else None]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Between floats, to and from integers and bool."""
        yield Example(cls("float32"), (Sample((3, 4)),))
        yield Example(cls("int64"), (Sample((3, 4), differentiable=False),))
        yield Example(cls("float64"), (Sample((3,), "int", "int32"),))
        yield Example(cls("bool"), (Sample((3,), "int", "int64"),))
        yield Example(cls("int8"), (Sample((2, 2), "bool", "bool"),))


def cast(x: Any, dtype: str) -> Variable:
    """`x` converted to `dtype` ("floatX" for `config.floatX`); `x` itself if it has it.

    >>> cast([1.9, -1.9], "int32").eval()
    array([ 1, -1], dtype=int32)
    """
    var, dtype = as_tensor_variable(x), check_dtype(dtype)
    return var if var.type.dtype == dtype else Cast(dtype)(var)  # type: ignore[attr-defined]


def real_of(dtype: str) -> str:
    """The dtype of the parts of a complex number."""
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


def parts(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """Dtype rule of a part of a number."""
    return dtypes, real_of(dtypes[0])


class Real(Elemwise):
    """Real part, elementwise."""

    dtypes, code = parts, "real"
    reference = staticmethod(np.real)
    partials = (lambda z, x: 1,)

    def scalar(self, x: Expr) -> Expr:
        """The real part, a real number itself."""
        return call("real", x, dtype=real_of(x.dtype)) if x.dtype in COMPLEX else x


class Imag(Elemwise):
    """Imaginary part, elementwise; 0 of real numbers."""

    dtypes, code = parts, "imag"
    reference = staticmethod(np.imag)

    def scalar(self, x: Expr) -> Expr:
        """The imaginary part."""
        if x.dtype in COMPLEX:
            return call("imag", x, dtype=real_of(x.dtype))
        return kernel.cast(kernel.lit(0), x.dtype)

    def L_op(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        output_grads: Sequence[Variable],
    ) -> Sequence[Variable | None]:
        """i times the cotangent; nothing for real numbers."""
        (x,), (g,) = inputs, output_grads
        return [complex_(g * 0, g) if x.type.dtype in COMPLEX else None]  # type: ignore[attr-defined,operator]


def joined(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """Dtype rule of a complex number from two parts."""
    part = upgrade_to_float(promote(*dtypes))
    return (part, part), promote(part, "complex64")


class Complex(Elemwise):
    """The complex number of a real and an imaginary part."""

    nin, dtypes, code = 2, joined, "complex"
    domains = ("real",)
    partials = (lambda z, x, y: None, lambda z, x, y: None)

    @staticmethod
    def reference(x: Any, y: Any) -> Any:
        """x + iy."""
        return x + 1j * y

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """x + iy."""
        return call("complex", x, y, dtype=promote(x.dtype, "complex64"))

    def L_op(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        output_grads: Sequence[Variable],
    ) -> Sequence[Variable | None]:
        """The parts of the cotangent."""
        return [real(output_grads[0]), imag(output_grads[0])]


class Conj(Elemwise):
    """Complex conjugate, elementwise; real numbers stay."""

    code = "conj"
    reference = staticmethod(np.conj)

    def scalar(self, x: Expr) -> Expr:
        """The conjugate."""
        return call("conj", x) if x.dtype in COMPLEX else x

    def L_op(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        output_grads: Sequence[Variable],
    ) -> Sequence[Variable | None]:
        """The conjugate of the cotangent."""
        return [conj(output_grads[0])]


real, imag, complex_, conj = Real(), Imag(), Complex(), Conj()
