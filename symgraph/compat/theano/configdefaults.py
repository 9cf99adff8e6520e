"""`theano.config`: Theano's flags over symgraph's.

A flag that means something here is handed to `symgraph.config`; one that only steered Theano's C
compiler, linker or GPU library is kept, and has no effect. Flags come from `THEANO_FLAGS` and
`.theanorc` (or the files `THEANORC` names), as in Theano.
"""

from __future__ import annotations

import configparser
import os
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from symgraph.backends import nvidia
from symgraph.config import config as own
from symgraph.devices import CPU, canonical, give_name, number

WORDS = {"true": True, "false": False, "none": None}
MODES = {"Mode": "fast_run", "DebugMode": "verify", "DEBUG_MODE": "verify", "FAST_RUN": "fast_run"}
MODES |= {"FAST_COMPILE": "fast_run", "NanGuardMode": "nanguard", "JIT": "fast_run"}
OPTIMIZER_OFF = ("None", "none", None)

# Theano's flags and what they are unless set. Those of `HANDED_ON` are not stored here.
DEFAULTS: dict[str, Any] = {
    "allow_gc": True, "base_compiledir": "", "blas.ldflags": "", "blas.check_openmp": True,
    "cache_optimizations": False, "cast_policy": "custom", "check_input": True,
    "check_stack_trace": "off", "cmodule.age_thresh_use": 2073600, "cmodule.debug": False,
    "cmodule.compilation_warning": False, "cmodule.preload_cache": False,
    "cmodule.remove_gxx_opt": False, "cmodule.warn_no_version": False, "compile.timeout": 120,
    "compile.wait": 5, "compiledir": "", "compiledir_format": "", "compute_test_value_opt": "off",
    "conv.assert_shape": False,
    "ctc.root": "", "cuda.enabled": False, "cuda.include_path": "", "cuda.root": "", "cxx": "",
    "cycle_detection": "regular", "deterministic": "more",
    "dnn.base_path": "", "dnn.bin_path": "", "dnn.conv.algo_bwd_data": "guess_once",
    "dnn.conv.algo_bwd_filter": "guess_once", "dnn.conv.algo_bwd": "",
    "dnn.conv.algo_fwd": "guess_once", "dnn.conv.precision": "as_input_f32",
    "dnn.conv.workmem": "", "dnn.conv.workmem_bwd": "", "dnn.enabled": "auto",
    "dnn.include_path": "", "dnn.library_path": "", "experimental.local_alloc_elemwise": False,
    "experimental.local_alloc_elemwise_assert": True, "experimental.unpickle_gpu_on_cpu": False,
    "force_device": False, "gcc.cxxflags": "", "gpu.local_elemwise_fusion": True,
    "gpuarray.cache_path": "", "gpuarray.preallocate": 0.0, "gpuarray.sched": "default",
    "gpuarray.single_stream": True, "gpuarray.sync": False, "gpuelemwise.sync": True,
    "home": "", "init_gpu_device": "", "int_division": "int", "lib.amdlibm": False,
    "lib.cnmem": 0.0, "linker": "cvm", "magma.enabled": False, "magma.include_path": "",
    "magma.library_path": "", "metaopt.optimizer_excluding": "",
    "metaopt.optimizer_including": "", "metaopt.verbose": 0, "mkl_intel_thread": False,
    "nocleanup": False, "NanGuardMode.action": "raise", "NanGuardMode.big_is_error": True,
    "NanGuardMode.inf_is_error": True, "NanGuardMode.nan_is_error": True,
    "numpy.seterr_all": "ignore", "numpy.seterr_divide": "None",
    "numpy.seterr_invalid": "None", "numpy.seterr_over": "None", "numpy.seterr_under": "None",
    "nvcc.compiler_bindir": "", "nvcc.fastmath": False, "nvcc.flags": "", "on_opt_error": "warn",
    "on_shape_error": "warn", "openmp": False, "openmp_elemwise_minsize": 200000,
    "optdb.max_use_ratio": 8.0, "optdb.position_cutoff": float("inf"),
    "optimizer": "o4", "optimizer_excluding": "", "optimizer_including": "",
    "optimizer_requiring": "", "optimizer_verbose": False, "pickle_test_value": True,
    "print_active_device": True, "print_global_stats": False, "print_test_value": False,
    "profile": False, "profile_memory": False, "profile_optimizer": False,
    "profiling.debugprint": False, "profiling.destination": "stderr",
    "profiling.ignore_first_call": False, "profiling.min_memory_size": 1024,
    "profiling.min_peak_memory": False, "profiling.n_apply": 20, "profiling.n_ops": 20,
    "profiling.output_line_width": 512, "profiling.time_thunks": True,
    "pycuda.init": False, "reoptimize_unpickled_function": False, "scan.allow_gc": False,
    "scan.allow_output_prealloc": True, "scan.debug": False, "tensor.cmp_sloppy": 0,
    "tensor.insert_inplace_optimizer_validate_nb": -1, "tensor.local_elemwise_fusion": True,
    "traceback.compile_limit": 0, "traceback.limit": 8, "unittests.rseed": 666,
    "unpickle_function": True, "vm.lazy": None, "warn_float64": "ignore",
    "warn.argmax_pushdown_bug": False, "warn.gpu_set_subtensor1": False,
    "warn.gpusum_01_011_0111_bug": False, "warn.identify_1pexp_bug": False,
    "warn.ignore_bug_before": "0.9", "warn.inc_set_subtensor1": False,
    "warn.inc_subtensor1_opt": False, "warn.reduce_join": False, "warn.round": False,
    "warn.signal_conv2d_interface": False, "warn.subtensor_merge_bug": False,
    "warn.sum_div_dimshuffle_bug": False, "warn.sum_sum_bug": False, "warn.vm_gc_bug": False,
    "DebugMode.check_c": True, "DebugMode.check_finite": True,
    "DebugMode.check_preallocated_output": "", "DebugMode.check_preallocated_output_ndim": 4,
    "DebugMode.check_py": True, "DebugMode.check_strides": 0, "DebugMode.patience": 1,
    "DebugMode.warn_input_not_reused": True,
}  # fmt: skip


def local_bitwidth() -> int:
    """The number of bits of an address."""
    return struct.calcsize("P") * 8


def python_int_bitwidth() -> int:
    """The number of bits of a C long."""
    return struct.calcsize("l") * 8


Flag = tuple[Callable[[], Any], Callable[[Any], None]]


def _float_name(value: Any) -> str:
    return f"float{value}" if str(value).isdigit() else str(value)


def _handed(name: str, convert: Callable[[Any], Any] = lambda value: value) -> Flag:
    return lambda: getattr(own, name), lambda value: setattr(own, name, convert(value))


def use_device(value: Any) -> None:
    """Compute on a device; on the CPU, with a warning, if it is not there and not forced."""
    name = canonical(value)
    problem = None if name == CPU else nvidia.this_machine().problem(number(name))
    if problem is None:
        own.device = str(value)
    elif config.force_device:
        raise problem
    else:
        warnings.warn(f"theano.config.device = {value!r}: {problem}. Using the CPU", stacklevel=3)


def name_devices(text: str) -> None:
    """Let names stand for devices: "dev0->cuda0;dev1->cuda1"."""
    for pair in filter(None, text.split(";")):
        name, _, device = pair.partition("->")
        give_name(name.strip(), device.strip())
    named.append(text)


named = [""]  # what `contexts` was set to
HANDED_ON: dict[str, Flag] = {
    "contexts": (lambda: named[-1], name_devices),
    "device": (lambda: own.device, use_device),
    "floatX": _handed("floatX", _float_name),
    "exception_verbosity": _handed("exception_verbosity"),
    "on_unused_input": _handed("on_unused_input"),
    "compute_test_value": _handed(
        "compute_test_value", lambda policy: {"pdb": "raise"}.get(policy, policy)
    ),
    "allow_input_downcast": _handed("allow_input_downcast"),
    "mode": _handed("mode", lambda name: MODES.get(name, name)),
}
PREFIXES = {name.rpartition(".")[0] for name in (*DEFAULTS, *HANDED_ON)} - {""}
PREFIXES |= {prefix.rpartition(".")[0] for prefix in PREFIXES} - {""}


def unknown(name: str) -> None:
    """Warn once that a flag is not known."""
    warnings.warn(
        f"theano.config.{name} is not a flag known here; it is kept and has no effect",
        stacklevel=4,
    )


class Section:
    """The flags whose names begin alike: `config.dnn`, `config.gcc`."""

    def __init__(self, values: dict[str, Any], prefix: str = "") -> None:
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "_prefix", prefix)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked of a copy that is being made
            raise AttributeError(name)
        full = self._prefix + name
        if full in HANDED_ON:
            return HANDED_ON[full][0]()
        if full in self._values:
            return self._values[full]
        if full in PREFIXES:
            return Section(self._values, f"{full}.")
        raise AttributeError(f"theano.config has no flag {full!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        self.set(self._prefix + name, value)

    def set(self, full: str, value: Any) -> None:
        """Set a flag by its full name."""
        if full in HANDED_ON:
            HANDED_ON[full][1](value)
            return
        if full not in self._values:
            unknown(full)
        self._values[full] = value

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in {*self._values, *HANDED_ON}

    def __repr__(self) -> str:
        return "\n".join(f"{name} = {self.get(name)!r}" for name in self.names())

    def names(self) -> list[str]:
        """The full names of its flags."""
        return sorted(n for n in {*self._values, *HANDED_ON} if n.startswith(self._prefix))

    def get(self, full: str) -> Any:
        """A flag by its full name."""
        return HANDED_ON[full][0]() if full in HANDED_ON else self._values[full]


class TheanoConfig(Section):
    """All flags."""

    @contextmanager
    def change_flags(self, args: Any = (), **flags: Any) -> Iterator[None]:
        """Other flags inside a `with` block, or in a function it decorates."""
        names = dict(args) | {name.replace("__", "."): value for name, value in flags.items()}
        before = {name: self.get(name) for name in names}
        try:
            for name, value in names.items():
                self.set(name, value)
            yield
        finally:
            for name, value in before.items():
                self.set(name, value)


def value_of(word: str, name: str) -> Any:
    """What a word of `THEANO_FLAGS` or `.theanorc` means for a flag."""
    if word.lower() in WORDS and name != "optimizer":
        return WORDS[word.lower()]
    kind = type(DEFAULTS.get(name, ""))
    return kind(float(word)) if kind in (int, float) and word else word


def flags_of_environment() -> dict[str, str]:
    """The flags of `.theanorc`, then those of `THEANO_FLAGS`, which win."""
    found: dict[str, str] = {}
    files = os.environ.get("THEANORC", str(Path.home() / ".theanorc")).split(os.pathsep)
    reader = configparser.ConfigParser(interpolation=None, default_section="-", strict=False)
    reader.optionxform = str  # type: ignore[assignment,method-assign]
    reader.read(files)
    for section in reader.sections():
        prefix = "" if section == "global" else f"{section}."
        found |= {prefix + name: value for name, value in reader[section].items()}
    for item in filter(None, os.environ.get("THEANO_FLAGS", "").split(",")):
        name, _, value = item.partition("=")
        found[name.strip()] = value.strip()
    return found


config = TheanoConfig(dict(DEFAULTS))
for _name, _word in sorted(flags_of_environment().items(), key=lambda item: item[0] == "device"):
    config.set(_name, value_of(_word, _name))
