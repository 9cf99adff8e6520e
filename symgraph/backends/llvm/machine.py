"""From LLVM's text to running code: compiling for this processor, keeping object code, linking.

A module's object code is kept in memory and on disk under the hash of its text and of what else it
depends on: LLVM's version, the processor and its features. So a kernel that any function of any
process has had compiled before is read, not compiled.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import llvmlite
from llvmlite import binding

from symgraph.backends.disk import PREFIX, counts, keep, kept, usable

FULL, QUICK = 2, 0  # how much is optimised: kernels, drivers
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


class Host:
    """This machine as a target."""

    def __init__(self) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        self.triple = binding.get_process_triple()
        self.cpu = binding.get_host_cpu_name()
        self.features = binding.get_host_cpu_features().flatten()
        version = ".".join(map(str, binding.llvm_version_info))
        self.surroundings = (llvmlite.__version__, version, self.triple, self.cpu, self.features)
        self.targets = {level: self._target(level) for level in (QUICK, FULL)}
        self.linker = binding.create_lljit_compiler(self._target(QUICK))

    def _target(self, level: int) -> Any:
        target = binding.Target.from_triple(self.triple)
        return target.create_target_machine(
            cpu=self.cpu, features=self.features, opt=level, reloc="pic", jit=True
        )

    def optimised(self, module: Module) -> Any:
        """The module as LLVM leaves it."""
        parsed = binding.parse_assembly(module.text)
        target = self.targets[module.level]
        parsed.triple, parsed.data_layout = self.triple, str(target.target_data)
        options = binding.create_pipeline_tuning_options(module.level)
        options.loop_vectorization = options.slp_vectorization = module.level == FULL
        builder = binding.create_pass_builder(target, options)
        builder.getModulePassManager().run(parsed, builder)
        return parsed

    def object_code(self, module: Module) -> bytes:
        """The module as an object file."""
        return bytes(self.targets[module.level].emit_object(self.optimised(module)))

    def assembly(self, module: Module) -> str:
        """The module in the processor's assembly language."""
        return str(self.targets[module.level].emit_assembly(self.optimised(module)))


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


_objects: dict[str, bytes] = {}


def object_code(module: Module, folder: Path | None) -> bytes:
    """The object code of a module, from memory, from disk or compiled."""
    content = _objects.get(module.key)
    if content is None:
        file = folder and folder / f"{PREFIX}{module.key}.obj"
        content = kept(file)
        counts["hits" if content else "misses"] += 1
        if content is None:
            content = host().object_code(module)
            if file is not None:
                keep(file, content)
        _objects[module.key] = content
    return content


def link(
    modules: Sequence[Module], folder: Path | None, names: Sequence[str], imports: Mapping[str, int]
) -> Code:
    """Compile modules, or find them, and make them one library that exports `names`.

    `imports` says where symbols lie that none of the modules defines; those of C's library are
    found in the process.
    """
    place = usable(folder)
    with _lock:
        builder = binding.JITLibraryBuilder().add_current_process()
        for module in modules:
            builder.add_object_img(object_code(module, place))
        for symbol, address in imports.items():
            builder.import_symbol(symbol, address)
        for name in names:
            builder.export_symbol(name)
        return Code(builder.link(host().linker, f"symgraph{next(_numbers)}"), names)
