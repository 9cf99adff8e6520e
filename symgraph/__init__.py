"""symgraph: symbolic expressions compiled to fast native code.

Build expressions with `symgraph.tensor`, ask for gradients with `grad`, compile with `function`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symgraph import errors, gradient, graph, sparse, tensor, typed_list
from symgraph.config import config
from symgraph.device_array import DeviceArray
from symgraph.from_graph import OpFromGraph
from symgraph.function import Function, function
from symgraph.gradient import (
    Lop,
    Rop,
    disconnected_grad,
    grad,
    grad_clip,
    hessian,
    jacobian,
    sparse_grad,
    subgraph_grad,
    verify_grad,
    zero_grad,
)
from symgraph.graph import Apply, Constant, Graph, Op, Type, Variable, clone
from symgraph.ifelse import ifelse
from symgraph.loops import OrderedUpdates, foldl, foldr, map, reduce, scan, scan_checkpoints, until
from symgraph.loss_scale import LossScale
from symgraph.mode import Mode, MonitorMode
from symgraph.ops.custom import as_op
from symgraph.ops.watch import PdbBreakpoint, Print
from symgraph.parallel import DataParallel
from symgraph.places import device, name_scope
from symgraph.random import RandomStream
from symgraph.request import In, Out
from symgraph.shared import SharedVariable, shared
from symgraph.types import TensorType, as_tensor_variable, constant

if TYPE_CHECKING:
    from symgraph.debug import bisect, diff, record, replay, trace
    from symgraph.show.export import export
    from symgraph.show.json_graph import load_json
    from symgraph.show.pretty import pp, pprint
    from symgraph.show.printing import debugprint
    from symgraph.show.report import report

__version__ = "0.1.0"
__all__ = [
    "Apply",
    "Constant",
    "DataParallel",
    "DeviceArray",
    "Function",
    "Graph",
    "In",
    "Lop",
    "LossScale",
    "Mode",
    "MonitorMode",
    "Op",
    "OpFromGraph",
    "OrderedUpdates",
    "Out",
    "PdbBreakpoint",
    "Print",
    "RandomStream",
    "Rop",
    "SharedVariable",
    "TensorType",
    "Type",
    "Variable",
    "as_op",
    "as_tensor_variable",
    "bisect",
    "clone",
    "config",
    "constant",
    "debugprint",
    "device",
    "diff",
    "disconnected_grad",
    "errors",
    "export",
    "foldl",
    "foldr",
    "function",
    "grad",
    "grad_clip",
    "gradient",
    "graph",
    "hessian",
    "ifelse",
    "jacobian",
    "load_json",
    "map",
    "name_scope",
    "pp",
    "pprint",
    "record",
    "reduce",
    "replay",
    "report",
    "scan",
    "scan_checkpoints",
    "shared",
    "sparse",
    "sparse_grad",
    "subgraph_grad",
    "tensor",
    "trace",
    "typed_list",
    "until",
    "verify_grad",
    "zero_grad",
]

# What only people ask for, not programs that compute: its modules are imported at the first use.
LATER = {
    "symgraph.debug": ("bisect", "diff", "record", "replay", "trace"),
    "symgraph.show": ("debugprint", "export", "load_json", "pp", "pprint", "report"),
}


def __getattr__(name: str) -> Any:
    for module, names in LATER.items():
        if name in names:
            found = globals()[name] = getattr(import_module(module), name)
            return found
        if module == f"{__name__}.{name}":
            return import_module(module)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
