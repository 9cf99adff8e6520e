"""Theano 1.0's names for symgraph: `import symgraph.compat.theano as theano`.

Programs written for Theano run unmodified with `python -m symgraph.compat.theano script.py`, or
after `symgraph.compat.install()`. `docs/theano.md` says what differs.
"""

import sys
from typing import Any

from symgraph.compat import internals
from symgraph.compat.theano import (
    compile,
    configdefaults,
    configparser,
    gof,
    gradient,
    ifelse,
    misc,
    printing,
    sandbox,
    scalar,
    scan_module,
    tensor,
    updates,
    version,
)
from symgraph.compat.theano.compile import (
    In,
    Mode,
    OpFromGraph,
    Out,
    Param,
    ProfileStats,
    SymbolicInput,
    SymbolicOutput,
    as_op,
    function,
    function_dump,
    predefined_modes,
    shared,
)
from symgraph.compat.theano.configdefaults import config
from symgraph.compat.theano.configparser import change_flags
from symgraph.compat.theano.gof import (
    Apply,
    Constant,
    Container,
    FunctionGraph,
    Generic,
    InconsistencyError,
    Op,
    OpenMPOp,
    Type,
    Variable,
    generic,
    object2,
    opt,
    toolbox,
    utils,
)
from symgraph.compat.theano.gradient import Lop, Rop, grad, subgraph_grad
from symgraph.compat.theano.misc.safe_asarray import _asarray
from symgraph.compat.theano.printing import debugprint, pp, pprint
from symgraph.compat.theano.scan_module import (
    clone,
    foldl,
    foldr,
    map,
    reduce,
    scan,
    scan_checkpoints,
)
from symgraph.compat.theano.updates import OrderedUpdates
from symgraph.compat.theano.version import version as __version__
from symgraph.gradient import sparse_grad
from symgraph.sparse import is_sparse, structured_dot

__api_version__ = 1
theano = sys.modules[__name__]  # programs say `from theano import theano` too


def dot(left: Any, right: Any) -> Any:
    """`tensor.dot`, or `sparse.structured_dot` if an operand is sparse."""
    product = structured_dot if is_sparse(left) or is_sparse(right) else tensor.dot
    return product(left, right)


internals.attach()
