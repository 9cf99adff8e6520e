"""`theano.gof`: graphs, ops and types."""

from symgraph.compat.theano.gof import fg, graph, op, opt, toolbox, type, utils
from symgraph.compat.theano.gof.fg import (
    CachedConstantError,
    FunctionGraph,
    InconsistencyError,
    MissingInputError,
)
from symgraph.compat.theano.gof.graph import Apply, Constant, Variable
from symgraph.compat.theano.gof.op import Op, OpenMPOp, PureOp
from symgraph.compat.theano.gof.opt import local_optimizer
from symgraph.compat.theano.gof.type import Generic, Type, generic
from symgraph.compat.theano.gof.utils import MethodNotDefined, hashtype, object2
from symgraph.shared import Container

__all__ = [
    "Apply",
    "CachedConstantError",
    "Constant",
    "Container",
    "FunctionGraph",
    "Generic",
    "InconsistencyError",
    "MethodNotDefined",
    "MissingInputError",
    "Op",
    "OpenMPOp",
    "PureOp",
    "Type",
    "Variable",
    "fg",
    "generic",
    "graph",
    "hashtype",
    "local_optimizer",
    "object2",
    "op",
    "opt",
    "toolbox",
    "type",
    "utils",
]
