"""symgraph: symbolic expressions compiled to fast native code.

Build expressions with `symgraph.tensor`, ask for gradients with `grad`, compile with `function`.
"""

from symgraph import errors, gradient, graph, tensor
from symgraph.config import config
from symgraph.function import Function, In, Out, function
from symgraph.grad import Lop, Rop, grad
from symgraph.graph import Apply, Constant, Graph, Op, Type, Variable
from symgraph.mode import Mode
from symgraph.shared import SharedVariable, shared
from symgraph.types import TensorType, as_tensor_variable, constant

__version__ = "0.1.0"
__all__ = [
    "Apply",
    "Constant",
    "Function",
    "Graph",
    "In",
    "Lop",
    "Mode",
    "Op",
    "Out",
    "Rop",
    "SharedVariable",
    "TensorType",
    "Type",
    "Variable",
    "as_tensor_variable",
    "config",
    "constant",
    "errors",
    "gradient",
    "graph",
    "function",
    "grad",
    "shared",
    "tensor",
]
