"""The parts of a graph as JSON values: types, arrays, parameters of ops; and back.

Only classes of symgraph's own op modules are ever made, by looking their names up in a table.
"""

from __future__ import annotations

import base64
import builtins
import math
import pkgutil
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from symgraph import errors, ops
from symgraph.errors import ExportError
from symgraph.graph import Op, Type
from symgraph.show.words import visible
from symgraph.types import TensorType

INLINE = 16  # elements of an array that are still written as numbers


@cache
def built_in() -> dict[str, type]:
    """The classes of ops, and of the records in their parameters, by name."""
    names = (f"{ops.__name__}.{info.name}" for info in pkgutil.iter_modules(ops.__path__))
    return {
        name: item
        for module in map(import_module, names)
        for name, item in vars(module).items()
        if isinstance(item, type)
        and not name.startswith("_")
        and item.__module__ == module.__name__
        and issubclass(item, Op | tuple)
    }


@cache
def exceptions() -> dict[str, type[Exception]]:
    """Python's exceptions and our own, by name: what a check may raise."""
    known = {**vars(builtins), **vars(errors)}
    return {
        name: item
        for name, item in known.items()
        if isinstance(item, type) and issubclass(item, Exception)
    }


def op_name(op: Op) -> str:
    """The class of an op; with its module, so with a dot, if it is not one of symgraph's."""
    kind = type(op)
    own = built_in().get(kind.__name__) is kind
    return kind.__name__ if own else visible(f"{kind.__module__}.{kind.__qualname__}")


def class_named(name: str, base: type) -> type:
    """The built-in class of that name."""
    kind = built_in().get(name)
    if kind is None or not issubclass(kind, base):
        raise ExportError(
            f"{name!r} is not one of symgraph's own ops; a graph with ops of your own is kept by"
            " pickling it, or by running the program that builds it"
        )
    return kind


# --- parameters of ops -----------------------------------------------------------------------


def parameters_of(op: Any, value_of: Callable[[Any], Any]) -> dict[str, Any]:
    """The fields of an op as JSON values; its class is a dataclass."""
    return {f.name: value_of(getattr(op, f.name)) for f in fields(op)}


def encoded(value: Any) -> Any:
    """A parameter as a JSON value: a tuple is a list, a record an object with its class."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, tuple):
        items = [encoded(item) for item in value]
        return items if type(value) is tuple else {"record": type(value).__name__, "items": items}
    name = getattr(value, "__name__", "")
    if name and exceptions().get(name) is value:
        return {"exception": name}
    raise ExportError(f"JSON has no form for the parameter {value!r}, a {type(value).__name__}")


def decoded(value: Any) -> Any:
    """The parameter that `encoded` wrote."""
    if isinstance(value, list):
        return tuple(decoded(item) for item in value)
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float(value["float"])
    if "exception" in value:
        return exceptions()[value["exception"]]
    return class_named(value["record"], tuple)(*decoded(value["items"]))


# --- types and arrays ----------------------------------------------------------------------------


def encoded_type(kind: Type) -> dict[str, Any]:
    """A tensor type by dtype and shape; any other by its text, which cannot be read back."""
    if type(kind) is TensorType:
        return {"dtype": kind.dtype, "shape": list(kind.shape)}
    return {"text": visible(str(kind))}


def decoded_type(data: dict[str, Any]) -> TensorType:
    """The type that `encoded_type` wrote."""
    if "dtype" not in data:
        raise ExportError(f"the type {data.get('text')} cannot be made again")
    return TensorType(data["dtype"], data["shape"])


def encoded_array(value: Any) -> dict[str, Any]:
    """An array: small ones as a list of numbers, others as base64 of little-endian memory."""
    array = np.asarray(value)
    shape = {"shape": list(array.shape)}
    if array.size <= INLINE and array.dtype.kind != "c" and np.isfinite(array).all():
        return {**shape, "data": array.ravel().tolist()}
    memory = array.astype(array.dtype.newbyteorder("<"), order="C").tobytes()
    return {**shape, "base64": base64.b64encode(memory).decode()}


def decoded_array(data: dict[str, Any], dtype: str) -> Any:
    """The array that `encoded_array` wrote."""
    if "data" in data:
        return np.array(data["data"], dtype).reshape(data["shape"])
    memory = base64.b64decode(data["base64"], validate=True)
    array = np.frombuffer(memory, np.dtype(dtype).newbyteorder("<"))
    return array.astype(dtype).reshape(data["shape"])
