"""`theano.scan_module.scan_utils`."""

from __future__ import annotations

from typing import Any

from symgraph.compat.theano.compile.cloning import clone
from symgraph.compat.theano.scan_module.replacing import map_variables
from symgraph.graph import Variable, equal_computations
from symgraph.loops import until
from symgraph.ops.create import alloc
from symgraph.ops.join import join
from symgraph.ops.shape import shape_i
from symgraph.types import as_tensor_variable, constant

__all__ = ["clone", "equal_computations", "expand_empty", "map_variables", "safe_new", "until"]


def expand_empty(tensor_var: Any, size: Any) -> Any:
    """A tensor with `size` more rows of zeros behind its own; Theano leaves them as they come.

    >>> import numpy as np
    >>> expand_empty(np.ones((1, 2)), 1).eval()
    array([[1., 1.],
           [0., 0.]])
    """
    var = as_tensor_variable(tensor_var)
    if isinstance(size, int) and size == 0:
        return var
    sizes = [shape_i(var, axis) for axis in range(1, var.type.ndim)]
    return join(0, var, alloc(constant(0, dtype=var.type.dtype), size, *sizes))


def safe_new(x: Any, tag: str = "", dtype: str | None = None) -> Variable:
    """A new variable of the type of `x`, or of another dtype, with a name that tells."""
    var = x if isinstance(x, Variable) else as_tensor_variable(x)
    kind: Any = var.type
    made: Variable = (kind if dtype is None else kind.clone(dtype=dtype)).make_variable()
    made.name = f"{var.name}{tag}" if var.name else None
    return made
