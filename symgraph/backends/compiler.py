"""A lean numba pipeline for generated code: `@kernel` and `@driver`.

numba's own pipeline compiles each function by itself, then links all of them into their caller
and optimises and compiles them once more. Here a kernel is only lowered, into the library of the
driver that launches it; one run of LLVM over the whole module follows. Passes for features that
generated code does not have (closures, `with`, array expressions, literal unrolling) are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import codegen, compiler, lowering, typed_passes, untyped_passes
from numba.core.compiler_machinery import PassManager, register_pass

OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
WIDE_VECTORS = '"prefer-vector-width"="512"'


class Library(codegen.JITCodeLibrary):
    """A module that LLVM optimises once, as a whole."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        manager, builder = self._codegen._module_pass_manager(opt=2)
        with self._recorded_timings.record("Module passes", builder):
            manager.run(self._final_module, builder)


class KernelLower(lowering.Lower):
    """Lowers a kernel: never inlined, so that its arguments stay known not to overlap."""

    def pre_lower(self) -> None:
        super().pre_lower()
        set.add(self.builder.function.attributes, "noinline")
        set.add(self.builder.function.attributes, WIDE_VECTORS)


@register_pass(mutates_CFG=True, analysis_only=False)
class DriverLowering(typed_passes.BaseNativeLowering):
    _name = "symgraph_driver_lowering"
    lowering_class = lowering.Lower

    def run_pass(self, state: Any) -> bool:
        """Lower into a library of our own kind."""
        if state.library is None:
            name = state.func_id.func_qualname
            state.library = Library(state.targetctx.codegen(), name)
            state.library.enable_object_caching()
        return super().run_pass(state)


@register_pass(mutates_CFG=True, analysis_only=False)
class KernelLowering(typed_passes.BaseNativeLowering):
    _name = "symgraph_kernel_lowering"
    lowering_class = KernelLower


class DriverCompiler(compiler.CompilerBase):
    lowering = DriverLowering

    def define_pipelines(self) -> list[PassManager]:
        manager = PassManager("symgraph")
        for step in (
            untyped_passes.TranslateByteCode,
            untyped_passes.FixupArgs,
            untyped_passes.IRProcessing,
            untyped_passes.GenericRewrites,
            untyped_passes.ReconstructSSA,
            typed_passes.NopythonTypeInference,
            typed_passes.PreLowerStripPhis,
            typed_passes.IRLegalization,
            self.lowering,
            typed_passes.NoPythonBackend,
        ):
            manager.add_pass(step, step.__name__)
        manager.finalize()
        return [manager]


class KernelCompiler(DriverCompiler):
    lowering = KernelLowering


def lower_kernel(kernel: Any, context: Any, argtypes: tuple[Any, ...]) -> Any:
    """Lower `kernel` for `argtypes` into the library that `context` is filling."""
    flags = compiler.Flags()
    flags.no_compile = True
    flags.no_cpython_wrapper = True
    flags.no_cfunc_wrapper = True
    flags.release_gil = True
    flags.error_model = "numpy"
    flags.noalias = True
    library = context.active_code_library
    result = compiler.compile_extra(context.typing_context, context, kernel.py_func, argtypes, None, flags, {}, library=library, pipeline_class=KernelCompiler)
    return result


def kernel(function: Callable[..., Any]) -> Any:
    return njit(**OPTIONS)(function)


def driver(function: Callable[..., Any]) -> Any:
    return njit(**OPTIONS, pipeline_class=DriverCompiler)(function)
