"""Conversion between dtypes, and the parts of complex numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from symgraph import kernel
from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.families import Elemwise, Example, Sample, is_continuous
from symgraph.kernel import Expr, call
from symgraph.ops.elementary import arctan2, cos, sin
from symgraph.types import (
    COMPLEX,
    Tensor,
    Tensors,
    as_tensor_variable,
    check_dtype,
    promote,
    upgrade_to_float,
)

__all__ = ["angle", "cast", "complex", "complex_from_polar", "conj", "imag", "real"]


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

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
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


def cast(x: Any, dtype: str) -> Tensor:
    """`x` converted to `dtype` ("floatX" for `config.floatX`); `x` itself if it has it.

    >>> cast([1.9, -1.9], "int32").eval()
    array([ 1, -1], dtype=int32)
    """
    var, dtype = as_tensor_variable(x), check_dtype(dtype)
    return var if var.type.dtype == dtype else Cast(dtype)(var)


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

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """i times the cotangent; nothing for real numbers."""
        (x,), (g,) = inputs, output_grads
        return [complex(0, g) if x.type.dtype in COMPLEX else None]


def joined(*dtypes: str) -> tuple[tuple[str, ...], str]:
    """Dtype rule of a complex number from two parts."""
    part = upgrade_to_float(promote(*dtypes))
    if part in COMPLEX:
        raise GraphTypeError("the parts of a complex number are real")
    return (part, part), promote(part, "complex64")


class Complex(Elemwise):
    """The complex number of a real and an imaginary part, elementwise.

    >>> complex(1.0, 2.0).eval()
    array(1.+2.j)
    """

    nin, dtypes, code = 2, joined, "complex"
    partials = (lambda z, x, y: None, lambda z, x, y: None)

    @staticmethod
    def reference(x: Any, y: Any) -> Any:
        """x + iy."""
        return x + 1j * y

    def scalar(self, x: Expr, y: Expr) -> Expr:
        """x + iy."""
        return call("complex", x, y, dtype=promote(x.dtype, "complex64"))

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The parts of the cotangent."""
        return [real(output_grads[0]), imag(output_grads[0])]


class Conj(Elemwise):
    """Complex conjugate, elementwise; real numbers stay."""

    code = "conj"
    reference = staticmethod(np.conj)

    def scalar(self, x: Expr) -> Expr:
        """The conjugate."""
        return call("conj", x) if x.dtype in COMPLEX else x

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The conjugate of the cotangent."""
        return [conj(output_grads[0])]


real: Elemwise = Real()
imag: Elemwise = Imag()
complex: Elemwise = Complex()
conj: Elemwise = Conj()


def conjugate(x: Tensor) -> Tensor:
    """The complex conjugate, `x` itself if it is real."""
    return conj(x) if x.type.dtype in COMPLEX else x


def angle(x: Any) -> Tensor:
    """The argument of a complex number in (-pi, pi], elementwise; of real numbers 0 or pi.

    >>> angle([1.0, -1.0]).eval()
    array([0.        , 3.14159265])
    """
    x = as_tensor_variable(x)
    return arctan2(imag(x), real(x))


def complex_from_polar(modulus: Any, argument: Any) -> Tensor:
    """The complex number of a modulus and an argument, elementwise."""
    modulus, argument = as_tensor_variable(modulus), as_tensor_variable(argument)
    return complex(modulus * cos(argument), modulus * sin(argument))
