"""`theano.compile.pfunc`."""

from symgraph.compat.theano.compile.function_module import Param, pfunc, rebuild_collect_shared

__all__ = ["Param", "pfunc", "rebuild_collect_shared"]
