"""From LLVM's text to running code: compiling for this processor, keeping object code, linking.

A module's object code is kept in memory and on disk under the hash of its text and of what else it
depends on: LLVM's version, the processor and its features. So a kernel that any function of any
process has had compiled before is read, not compiled.

Modules are compiled side by side; `begin` starts with those that are sure to be needed while Python
still works on others.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from symgraph.backends.disk import PREFIX, counts, keep, kept, usable
from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.later import Later

llvmlite, binding = Later("llvmlite"), Later("llvmlite.binding")
ffi = Later("llvmlite.binding.ffi")
futures = Later("concurrent.futures")

# How much is optimised: kernels; drivers; routines written as they are to be, whose registers alone
# are to be chosen well.
FULL, QUICK, WRITTEN = 2, 0, 1
SECOND_CACHE = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
USUAL_CACHE = 512 * 1024  # bytes
_lock = threading.RLock()
_numbers = itertools.count()


@dataclass(frozen=True)
class Module:
    """LLVM's text, and how much it is worth optimising."""

    text: str
    level: int = FULL

    @cached_property
    def key(self) -> str:
        """What the object code is known by."""
        parts = (self.text, str(self.level), *host().surroundings)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


class Target:
    """This machine at one level of optimisation; used by one thread at a time."""

    def __init__(self, owner: Host, level: int) -> None:
        self.triple, self.level = owner.triple, level
        self.machine = owner.machine(level)
        self.layout = str(self.machine.target_data)

    def optimised(self, module: Module) -> Any:
        """The module as LLVM leaves it, in a context of its own."""
        parsed = binding.parse_assembly(module.text, binding.create_context())
        parsed.triple, parsed.data_layout = self.triple, self.layout
        options = binding.create_pipeline_tuning_options(FULL if self.level == FULL else QUICK)
        options.loop_vectorization = options.slp_vectorization = self.level == FULL
        options.loop_unrolling = False  # of loops that are no vectors: a tenth of the time, no gain
        builder = binding.create_pass_builder(self.machine, options)
        passes = builder.getModulePassManager()
        _unlocked("LLVMPY_RunNewModulePassManager")(passes, parsed, builder)
        return parsed

    def object_code(self, module: Module) -> bytes:
        """The module as an object file."""
        parsed = self.optimised(module)
        with ffi.OutputString() as problem:
            emit = _unlocked("LLVMPY_TargetMachineEmitToMemory")
            memory = emit(self.machine, parsed, 1, problem)
            if not memory:
                raise RuntimeError(str(problem))
        start, size = ffi.lib.LLVMPY_GetBufferStart(memory), ffi.lib.LLVMPY_GetBufferSize(memory)
        try:
            return ctypes.string_at(start, size)
        finally:
            ffi.lib.LLVMPY_DisposeMemoryBuffer(memory)

    def assembly(self, module: Module) -> str:
        """The module in the processor's assembly language."""
        return str(self.machine.emit_assembly(self.optimised(module)))


def _unlocked(name: str) -> Any:
    """A function of LLVM without llvmlite's lock, which lets one thread at a time do anything.

    The two that take long touch nothing but the module, its context and the target, none of which
    another thread has. To be removed when llvmlite locks less.
    """
    function = getattr(ffi.lib, name)
    return getattr(function, "_cfn", function)


class Host:
    """This machine."""

    def __init__(self) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        self.triple = binding.get_process_triple()
        self.cpu = binding.get_host_cpu_name()
        self.features = binding.get_host_cpu_features().flatten()
        version = ".".join(map(str, binding.llvm_version_info))
        self.surroundings = (llvmlite.__version__, version, self.triple, self.cpu, self.features)
        self.linker = binding.create_lljit_compiler(self.machine(QUICK))
        self._idle: dict[int, list[Target]] = {QUICK: [], FULL: [], WRITTEN: []}

    @cached_property
    def second_cache(self) -> int:
        """The bytes of a core's second cache; a usual size where the system does not tell."""
        try:
            text = SECOND_CACHE.read_text()
        except OSError:
            return USUAL_CACHE
        digits = text.strip().removesuffix("K")
        return int(digits) * 1024 if digits.isdigit() else USUAL_CACHE

    @property
    def converts_half(self) -> bool:
        """Whether the processor converts between float16 and float32 by itself."""
        return "+f16c" in self.features or self.triple.startswith(("aarch64", "arm64"))

    def machine(self, level: int) -> Any:
        """LLVM's description of this machine."""
        target = binding.Target.from_triple(self.triple)
        effort = QUICK if level == QUICK else FULL
        return target.create_target_machine(
            cpu=self.cpu, features=self.features, opt=effort, reloc="pic", jit=True
        )

    @contextmanager
    def target(self, level: int) -> Iterator[Target]:
        """A target that no other thread is using."""
        idle = self._idle[level]
        found = idle.pop() if idle else Target(self, level)
        yield found
        idle.append(found)


@cache
def host() -> Host:
    """This machine."""
    with _lock:
        return Host()


class Code:
    """Linked code; it lives as long as this object."""

    def __init__(self, library: Any, names: Sequence[str]) -> None:
        self._library = library
        self.addresses = {name: library[name] for name in names}

    def address(self, name: str) -> int:
        """Where a function begins."""
        return int(self.addresses[name])


MOST_OBJECTS = 2000  # kept in memory, of some 5 kB each
_objects: dict[str, bytes] = {}
_pending: dict[str, Any] = {}  # by key: what waits for modules that are being compiled
if hasattr(os, "register_at_fork"):  # a child would have none of the threads, but LLVM's locks
    os.register_at_fork(before=lambda: futures.wait([*_pending.values()]))


def object_codes(modules: Sequence[Module], folder: Path | None) -> list[bytes]:
    """The object code of modules, from memory, from disk, or compiled side by side."""
    with _lock:
        if len(_objects) > MOST_OBJECTS:
            _objects.clear()
        missing = _missing(modules, folder)
        begun = _begun(missing) if len(missing) > 1 else {}
        for key, module in missing.items():
            waits = begun.get(key) or _pending.get(key)
            _pending.pop(key, None)
            code = _compiled(module) if waits is None else waits.result()
            counts["misses"] += 1
            _objects[key] = code
            if folder is not None:
                keep(_file(key, folder), code)
        return [_objects[m.key] for m in modules]


def begin(modules: Sequence[Module], folder: Path | None) -> None:
    """Have modules that are not known compiled beside what the caller does until it links them."""
    with _lock:
        _pending.update(_begun(_missing(modules, folder)))


def _missing(modules: Sequence[Module], folder: Path | None) -> dict[str, Module]:
    """The modules by their keys whose object code is neither in memory nor on disk."""
    found = {m.key: m for m in modules}
    return {k: m for k, m in found.items() if k not in _objects and not _read(k, folder)}


def _begun(modules: Mapping[str, Module]) -> dict[str, Any]:
    """Those not begun yet, with what waits for them; none where there is one thread for all."""
    fresh = {key: m for key, m in modules.items() if key not in _pending}
    if not fresh or config.workers == 1:
        return {}
    pool = futures.ThreadPoolExecutor(min(config.workers, len(fresh)))
    begun = {key: pool.submit(_compiled, m) for key, m in fresh.items()}
    pool.shutdown(wait=False)  # its threads end when all is done
    return begun


def _compiled(module: Module) -> bytes:
    with host().target(module.level) as target:
        return target.object_code(module)


def known_codes(keys: Sequence[str], folder: Path) -> list[bytes] | None:
    """The object code of modules known by their keys; None if that of one is gone."""
    with _lock:
        found = all(key in _objects or _read(key, folder) for key in keys)
        return [_objects[key] for key in keys] if found else None


def _read(key: str, folder: Path | None) -> bool:
    """Whether object code is on disk; then it is in memory, too."""
    code = None if folder is None else kept(_file(key, folder))
    if code is not None:
        counts["hits"] += 1
        _objects[key] = code
    return code is not None


def _file(key: str, folder: Path) -> Path:
    return folder / f"{PREFIX}{key}.obj"


def link(
    modules: Sequence[Module], folder: Path | None, names: Sequence[str], imports: Mapping[str, int]
) -> Code:
    """Compile modules, or find them, and make them one library that exports `names`.

    `imports` says where symbols lie that none of the modules defines; those of C's library are
    found in the process.
    """
    with _lock:
        return link_objects(object_codes(modules, usable(folder)), names, imports)


def link_objects(codes: Sequence[bytes], names: Sequence[str], imports: Mapping[str, int]) -> Code:
    """As `link`, of object code."""
    with _lock:
        builder = binding.JITLibraryBuilder().add_current_process()
        for code in codes:
            builder.add_object_img(code)
        for symbol, address in imports.items():
            builder.import_symbol(symbol, address)
        for name in names:
            builder.export_symbol(name)
        return Code(builder.link(host().linker, f"symgraph{next(_numbers)}"), names)
