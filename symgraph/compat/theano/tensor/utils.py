"""`theano.tensor.utils`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from symgraph.compat.theano.compile.function_module import function
from symgraph.graph import Graph, Variable, ancestors

__all__ = ["hash_from_ndarray", "shape_of_variables"]


def shape_of_variables(
    fgraph: Graph, input_shapes: Mapping[Variable, Any]
) -> dict[Variable, tuple[int, ...]]:
    """The shapes of all variables of a graph, given those of its inputs as tuples of ints."""
    absent = [v for v in fgraph.inputs if v not in input_shapes]
    if absent:
        raise ValueError(f"the shapes of {absent} are not given")
    known = {v: tuple(map(int, shape)) for v, shape in input_shapes.items()}
    rest: list[Any] = [v for v in ancestors(fgraph.outputs) if v not in known]
    leaves: list[Any] = list(fgraph.inputs)
    zeros = [np.zeros(known[v], v.type.numpy_dtype) for v in leaves]
    sizes = function(leaves, [v.shape for v in rest], on_unused_input="ignore")
    return known | {v: tuple(map(int, size)) for v, size in zip(rest, sizes(*zeros), strict=True)}


def hash_from_ndarray(data: Any) -> str:
    """The SHA-256 of an array's dtype, shape and elements."""
    array = np.ascontiguousarray(data)
    head = f"{array.dtype}{array.shape}".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()
