"""`theano.gof`: graphs, ops and types."""

from symgraph.compat.theano.gof import fg, graph, op, opt, optdb, toolbox, type, utils
from symgraph.compat.theano.gof.fg import (
    CachedConstantError,
    FunctionGraph,
    InconsistencyError,
    MissingInputError,
)
from symgraph.compat.theano.gof.graph import Apply, Constant, Variable
from symgraph.compat.theano.gof.op import Op, OpenMPOp, PureOp
from symgraph.compat.theano.gof.opt import (
    EquilibriumOptimizer,
    LocalOptGroup,
    LocalOptimizer,
    MergeOptimizer,
    NavigatorOptimizer,
    OpKeyOptimizer,
    OpRemove,
    OpSub,
    Optimizer,
    PatternSub,
    SeqOptimizer,
    TopoOptimizer,
    local_optimizer,
    optimizer,
)
from symgraph.compat.theano.gof.optdb import (
    DB,
    EquilibriumDB,
    LocalGroupDB,
    ProxyDB,
    Query,
    SequenceDB,
    TopoDB,
)
from symgraph.compat.theano.gof.toolbox import AlreadyThere, Feature, ReplaceValidate
from symgraph.compat.theano.gof.type import Generic, Type, generic
from symgraph.compat.theano.gof.utils import MethodNotDefined, hashtype, object2
from symgraph.shared import Container

__all__ = [
    "DB",
    "AlreadyThere",
    "Apply",
    "CachedConstantError",
    "Constant",
    "Container",
    "EquilibriumDB",
    "EquilibriumOptimizer",
    "Feature",
    "FunctionGraph",
    "Generic",
    "InconsistencyError",
    "LocalGroupDB",
    "LocalOptGroup",
    "LocalOptimizer",
    "MergeOptimizer",
    "MethodNotDefined",
    "MissingInputError",
    "NavigatorOptimizer",
    "Op",
    "OpKeyOptimizer",
    "OpRemove",
    "OpSub",
    "OpenMPOp",
    "Optimizer",
    "PatternSub",
    "ProxyDB",
    "PureOp",
    "Query",
    "ReplaceValidate",
    "SeqOptimizer",
    "SequenceDB",
    "TopoDB",
    "TopoOptimizer",
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
    "optdb",
    "optimizer",
    "toolbox",
    "type",
    "utils",
]
