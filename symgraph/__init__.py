"""symgraph: symbolic expressions compiled to fast native code.

Build expressions with `symgraph.tensor`, ask for gradients with `grad`, compile with `function`.
"""

from symgraph import errors, gradient, graph, sparse, tensor, typed_list
from symgraph.config import config
from symgraph.debug import bisect, diff, record, replay, trace
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
from symgraph.show import debugprint, export, load_json, pp, pprint, report
from symgraph.types import TensorType, as_tensor_variable, constant

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
