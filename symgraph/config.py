"""Flags that govern building, compiling and running; the only reader of environment variables.

Flags are set by assignment (`config.floatX = "float32"`), for a block of code
(`with config(floatX="float32"): ...`) or by the environment
(`SYMGRAPH_FLAGS=floatX=float32,check=1`). The state behind them is one frozen `Flags`, so a
compiled function can keep the flags it was made under.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from symgraph.dataclass import dataclass
from symgraph.devices import canonical
from symgraph.errors import ConfigError, UnknownDeviceError


def default_cache_dir() -> str:
    """The user's own cache folder, as the XDG base directory specification places it."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return str(Path(home) / "symgraph")


def available_cores() -> int:
    """The cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Flags:
    """The value of every flag."""

    floatX: str = "float64"  # noqa: N815  dtype of `T.matrix()` and of Python floats beside integers
    mode: str = "fast_run"  # default of `function(mode=)`
    device: str = "cpu"  # where functions compute and shared variables live: "cpu", "cuda:0", ...
    check: int = 0  # 0 nothing, 1 verify each stage, 2 also run each stage and compare
    threads: int = 0  # workers of compiled functions; 0 takes every core available
    deterministic: bool = False  # the same results, bit by bit, for any number of threads
    cache: bool = True  # keep compiled code on disk
    cache_dir: str = ""  # where; empty for the user's cache folder
    on_unused_input: str = "raise"
    allow_input_downcast: bool | None = None
    exception_verbosity: str = "low"
    compute_test_value: str = "off"  # run ops on `tag.test_value` while graphs are built
    profile: bool = False  # measure every function, as `function(profile=True)` does
    nan_check: bool = False  # watch the outputs and updates of every function for NaN
    rewrite_budget: int = 200  # rewrites per node of the graph before a rule is called endless

    @property
    def folder(self) -> Path | None:
        """The folder of compiled code, None when nothing is kept."""
        return Path(self.cache_dir or default_cache_dir()) if self.cache else None

    @property
    def place(self) -> str:
        """The device by its one name."""
        return canonical(self.device)

    @property
    def workers(self) -> int:
        """How many threads compiled functions use."""
        return self.threads or available_cores()


CHOICES: dict[str, tuple[Any, ...]] = {
    "floatX": ("float16", "float32", "float64"),
    "mode": ("fast_run", "fast_compile", "interpret", "verify", "nanguard"),
    "check": (0, 1, 2),
    "on_unused_input": ("raise", "warn", "ignore"),
    "allow_input_downcast": (None, True, False),
    "exception_verbosity": ("low", "high"),
    "compute_test_value": ("off", "ignore", "warn", "raise"),
}
LEAST = {"threads": 0, "rewrite_budget": 1}
TYPES: dict[str, Any] = {field.name: type(field.default) for field in fields(Flags)}
WORDS = {"true": True, "1": True, "false": False, "0": False, "none": None}


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    for name, value in changes.items():
        if name not in TYPES:
            raise ConfigError(f"there is no flag {name!r}; the flags are {', '.join(TYPES)}")
        cure = _cure(name, value)
        if cure:
            raise ConfigError(f"config.{name} cannot be {value!r}; it takes {cure}")
    return changes


def _cure(name: str, value: Any) -> str:
    """What a flag takes, if it does not take `value`."""
    kind = TYPES[name]
    if name == "device":
        return _cure_of_device(value)
    if name in CHOICES:
        return "" if value in CHOICES[name] else ", ".join(map(repr, CHOICES[name]))
    if not isinstance(value, kind):
        return f"a {kind.__name__}"
    least = LEAST.get(name)
    return "" if least is None or value >= least else f"numbers from {least}"


def _cure_of_device(value: Any) -> str:
    try:
        canonical(value)
    except UnknownDeviceError:
        return 'the names of devices: "cpu", "cuda", "cuda:1", ...'
    return ""


def parse_flags(text: str) -> dict[str, Any]:
    """Flags from `name=value,name=value`, the form of `SYMGRAPH_FLAGS`."""
    changes: dict[str, Any] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, sign, word = (piece.strip() for piece in item.partition("="))
        if not sign:
            raise ConfigError(f"SYMGRAPH_FLAGS holds {item!r}; write flags as name=value")
        kind = TYPES.get(name, str)
        if kind is int and word.isdigit():
            changes[name] = int(word)
        elif kind in (bool, type(None)):
            changes[name] = WORDS.get(word.lower(), word)
        else:
            changes[name] = word
    return _checked(changes)


class Config:
    """The flags in force: read and set as attributes, set for a block by a call."""

    def __init__(self, flags: Flags) -> None:
        object.__setattr__(self, "_default", flags)
        object.__setattr__(self, "_local", threading.local())

    @property
    def flags(self) -> Flags:
        """The frozen flags in force in this thread."""
        return getattr(self._local, "flags", None) or self._default

    def __getattr__(self, name: str) -> Any:
        if name not in TYPES and name not in ("folder", "place", "workers"):
            raise ConfigError(f"there is no flag {name!r}; the flags are {', '.join(TYPES)}")
        return getattr(self.flags, name)

    def __setattr__(self, name: str, value: Any) -> None:
        flags = replace(self.flags, **_checked({name: value}))
        if getattr(self._local, "flags", None) is None:
            object.__setattr__(self, "_default", flags)
        else:
            self._local.flags = flags

    @property
    def simulator(self) -> bool:
        """Whether numba's simulator stands in for a GPU: `NUMBA_ENABLE_CUDASIM=1`."""
        return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") == "1"

    @contextmanager
    def __call__(self, **changes: Any) -> Iterator[Config]:
        """Other flags inside a `with` block, in this thread only."""
        before = getattr(self._local, "flags", None)
        self._local.flags = replace(self.flags, **_checked(changes))
        try:
            yield self
        finally:
            self._local.flags = before

    def __repr__(self) -> str:
        return "\n".join(f"{f.name} = {getattr(self.flags, f.name)!r}" for f in fields(Flags))


config = Config(Flags(**parse_flags(os.environ.get("SYMGRAPH_FLAGS", ""))))
