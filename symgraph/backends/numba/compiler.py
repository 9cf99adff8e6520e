"""A lean numba pipeline for generated code: `@kernel`, `@helper` and `@driver`.

numba's own pipeline compiles each function by itself, then links all of them into their caller
and optimises and compiles them once more. Here a kernel is only lowered, into the library of the
driver that launches it, and a helper into a module that drivers link; one run of LLVM over the
whole module follows. Passes for features that generated code does not have (closures, `with`, array
expressions, literal unrolling) are left out.
Measured on two cores of an AMD EPYC, for a driver with 8 kernels: 1.14 s as numba does it, 0.60 s
so, of which LLVM takes 0.19 s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from numba import njit
from numba.core import codegen, compiler, errors, ir, lowering, typed_passes, untyped_passes
from numba.core.analysis import compute_use_defs, must_use_alloca
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.registry import CPUDispatcher

OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
# On some processors LLVM prefers 256-bit vectors to 512-bit ones; without the latter it is moot.
WIDE_VECTORS = '"prefer-vector-width"="512"'


class Library(codegen.JITCodeLibrary):  # type: ignore[misc]
    """A module that LLVM optimises once, as a whole, with the kernels lowered into it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.kernels: dict[Any, Any] = {}

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def add_linking_library(self, library: Any) -> None:
        """Link `library` in; what a part calls is not part of it, so that too."""
        if library not in self._linking_libraries:
            super().add_linking_library(library)
            for other in library._linking_libraries if isinstance(library, Part) else ():
                self.add_linking_library(other)

    def _optimize_final_module(self) -> None:
        manager, builder = self._codegen._module_pass_manager(opt=2)
        with self._recorded_timings.record("Module passes", builder):
            manager.run(self._final_module, builder)


class Part(Library):
    """The module of a helper as it is lowered: LLVM sees it first in the library of a driver."""

    def finalize(self) -> None:
        """Leave the module as it is."""
        self._finalized = True


class Lowered:
    """What numba knows a helper's lowered code by, in place of a function of Python."""

    def __call__(self, *args: Any) -> Any:
        """Refuse: there is no machine code."""
        raise TypeError("helpers and routines are called by compiled code only")


class Lower(lowering.Lower):  # type: ignore[misc]
    """numba's lowering, in a time that does not grow with the square of a function's length.

    To see that a variable is assigned once numba 0.65 looks through the whole block for each
    variable: minutes for a driver of a thousand steps. To be removed when it counts once.
    """

    def _find_singly_assigned_variable(self) -> None:
        known = compute_use_defs(self.blocks)
        defined = Counter(name for names in known.defmap.values() for name in names)
        used = {name for names in known.usemap.values() for name in names}
        assigned = Counter(
            inst.target.name
            for block in self.blocks.values()
            for inst in block.find_insts(ir.Assign)
        )
        shared = used | must_use_alloca(self.blocks)
        self._singly_assigned_vars = {
            name
            for name, count in defined.items()
            if count == 1 and assigned[name] == 1 and name not in shared
        }
        self._blk_local_varmap: dict[str, Any] = {}


class KernelLower(Lower):
    """Lowers a kernel: never inlined, so that its pointers stay known not to overlap."""

    def pre_lower(self) -> None:
        """Set the attributes of the function, which llvmlite's own list does not all know."""
        super().pre_lower()
        set.update(self.builder.function.attributes, ("noinline", WIDE_VECTORS))


@register_pass(mutates_CFG=True, analysis_only=False)
class ModuleLowering(typed_passes.BaseNativeLowering):  # type: ignore[misc]
    """Lowers a driver or helper into a library of its own, of our kind."""

    _name = "symgraph_module_lowering"
    lowering_class = Lower

    def run_pass(self, state: Any) -> Any:
        """Make the library, then do as numba does."""
        state.library = Library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return super().run_pass(state)


@register_pass(mutates_CFG=True, analysis_only=False)
class KernelLowering(typed_passes.BaseNativeLowering):  # type: ignore[misc]
    """Lowers a kernel into the library it is given."""

    _name = "symgraph_kernel_lowering"
    lowering_class = KernelLower


@register_pass(mutates_CFG=True, analysis_only=False)
class PartLowering(typed_passes.BaseNativeLowering):  # type: ignore[misc]
    """Lowers a helper into a part, for drivers to link."""

    _name = "symgraph_part_lowering"
    lowering_class = Lower

    def run_pass(self, state: Any) -> Any:
        """Make the part; compile nothing; tell numba what calls of the helper become."""
        state.library = Part(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = state.flags.no_cpython_wrapper = True
        super().run_pass(state)
        state["cr"] = state["cr"]._replace(cfunc=Lowered())
        state.targetctx.insert_user_function(state["cr"].cfunc, state["cr"].fndesc, [state.library])
        return True


class ModuleCompiler(compiler.CompilerBase):  # type: ignore[misc]
    """numba's compiler with only the passes that generated code needs."""

    lowering: ClassVar[Any] = ModuleLowering

    def define_pipelines(self) -> list[PassManager]:
        """Return the one list of passes."""
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


class KernelCompiler(ModuleCompiler):
    """Lowers a kernel; see `lower_kernel`."""

    lowering = KernelLowering


class PartCompiler(ModuleCompiler):
    """Lowers a helper; see `helper`."""

    lowering = PartLowering


class PartDispatcher(CPUDispatcher):  # type: ignore[misc]
    """What `helper` makes of a function: compiled code may call it, Python may not."""

    def add_overload(self, cres: Any) -> None:
        """Keep what was lowered; there is nothing that Python could call."""
        self.overloads[tuple(cres.signature.args)] = cres


def _part(function: Callable[..., Any], **options: Any) -> Any:
    return PartDispatcher(
        function,
        targetoptions={**OPTIONS, "nopython": True, "boundscheck": None, **options},
        pipeline_class=PartCompiler,
    )


def _kernel_flags() -> compiler.Flags:
    flags = compiler.Flags()
    flags.no_compile = True
    flags.no_cpython_wrapper = True
    flags.no_cfunc_wrapper = True
    flags.error_model = "numpy"
    flags.noalias = True
    return flags


def lower_kernel(kernel: Any, context: Any, argtypes: tuple[Any, ...]) -> Any:
    """Lower `kernel` for `argtypes` into the driver being compiled; return its descriptor.

    Raises numba's TypingError where the kernel is wrong, or launched from something else than a
    driver.
    """
    library = context.active_code_library
    if not isinstance(library, Library):
        raise errors.TypingError("launch() can be used only in a function marked @driver")
    key = kernel, argtypes
    if key not in library.kernels:
        library.kernels[key] = compiler.compile_extra(
            context.typing_context,
            context,
            kernel.py_func,
            argtypes,
            None,
            _kernel_flags(),
            {},
            library=library,
            pipeline_class=KernelCompiler,
        ).fndesc
    return library.kernels[key]


def kernel(function: Callable[..., Any]) -> Any:
    """Mark a function `(lo, hi, share, *args)` that `launch` runs; see runtime.py."""
    return njit(**OPTIONS)(function)


def helper(function: Callable[..., Any]) -> Any:
    """Mark a scalar function that kernels call; it is inlined. Lowered once per process."""
    return _part(function, forceinline=True)


def routine(function: Callable[..., Any]) -> Any:
    """Mark a function of arrays that drivers call; lowered once per process, not inlined."""
    return _part(function)


def driver(function: Callable[..., Any]) -> Any:
    """Mark the entry of a module, which launches its kernels; see runtime.py."""
    return njit(**OPTIONS, pipeline_class=ModuleCompiler)(function)


def bridge(function: Callable[..., Any]) -> Any:
    """Mark a function of numbers and pointers that code of other makes calls by its address."""
    options = {**OPTIONS, "no_cfunc_wrapper": False}
    return njit(**options, pipeline_class=ModuleCompiler)(function)
