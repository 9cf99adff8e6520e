"""`theano.compile`: from variables to callables."""

from symgraph.compat.theano.compile import (
    builders,
    debugmode,
    function_module,
    io,
    mode,
    monitormode,
    nanguardmode,
    ops,
    profiling,
    sharedvalue,
)
from symgraph.compat.theano.compile.builders import OpFromGraph
from symgraph.compat.theano.compile.debugmode import DebugMode
from symgraph.compat.theano.compile.dump import function_dump
from symgraph.compat.theano.compile.function_module import (
    AliasedMemoryError,
    Function,
    UnusedInputError,
    function,
)
from symgraph.compat.theano.compile.io import In, Out, SymbolicInput, SymbolicOutput
from symgraph.compat.theano.compile.mode import (
    FAST_COMPILE,
    FAST_RUN,
    Mode,
    get_default_mode,
    get_mode,
    optdb,
    predefined_modes,
    register_mode,
    register_optimizer,
)
from symgraph.compat.theano.compile.monitormode import MonitorMode
from symgraph.compat.theano.compile.nanguardmode import NanGuardMode
from symgraph.compat.theano.compile.ops import (
    DeepCopyOp,
    FromFunctionOp,
    OutputGuard,
    Rebroadcast,
    Shape,
    Shape_i,
    SpecifyShape,
    ViewOp,
    as_op,
    deep_copy_op,
    shape,
    specify_shape,
    view_op,
)
from symgraph.compat.theano.compile.pfunc import Param, pfunc, rebuild_collect_shared
from symgraph.compat.theano.compile.profiling import ProfileStats, ScanProfileStats
from symgraph.compat.theano.compile.sharedvalue import SharedVariable, shared, shared_constructor
from symgraph.compat.theano.configdefaults import config
