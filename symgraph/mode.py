"""Modes: which rewrites run, which backend runs the result, how much is checked."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from symgraph.config import config
from symgraph.errors import ConfigError
from symgraph.rewrite import RuleSet
from symgraph.rules import ALL, DEFAULT, NOTHING

BACKENDS = ("llvm", "numba", "interpret")


@dataclass(frozen=True)
class Mode:
    """How a function is compiled.

    Parameters
    ----------
    backend
        "llvm" (native code), "numba" (the same from readable text, compiled much slower) or
        "interpret" (the reference interpreter).
    rules
        The rewrite rules.
    check
        0 nothing, 1 each stage is verified, 2 each call also runs every stage and compares.
    nan
        Whether outputs and updates are searched for NaN.
    """

    backend: str = "llvm"
    rules: RuleSet = DEFAULT
    check: int = 0
    nan: bool = False

    def including(self, *names: str) -> Mode:
        """With more rules, by the names of rules or sets."""
        return replace(self, rules=self.rules.including(*names))

    def excluding(self, *names: str) -> Mode:
        """Without some rules, by the names of rules or sets."""
        return replace(self, rules=self.rules.excluding(*names))

    def __reduce__(self) -> tuple[Any, ...]:
        names = [rule.name for rule in self.rules]
        strange = [name for name in names if all(rule.name != name for rule in ALL.known)]
        if strange:
            raise pickle.PicklingError(f"a mode with rules of your own ({strange[0]}, ...)")
        return _restored, (self.backend, names, self.check, self.nan)


def _restored(backend: str, names: Sequence[str], check: int, nan: bool) -> Mode:
    return Mode(backend, ALL.only(*names) if names else NOTHING, check, nan)


MODES = {
    "fast_run": Mode(),
    "fast_compile": Mode(backend="interpret", rules=NOTHING),
    "interpret": Mode(backend="interpret", rules=NOTHING),
    "verify": Mode(check=2),
    "nanguard": Mode(nan=True),
}


def get_mode(mode: Mode | str | None) -> Mode:
    """The mode meant by a `Mode`, a name in any case, or None for `config.mode`."""
    found = mode if isinstance(mode, Mode) else _named(mode or str(config.mode))
    return replace(found, check=max(found.check, config.check), nan=found.nan or config.nan_check)


def _named(name: str) -> Mode:
    key = name.lower()
    if key not in MODES:
        raise ConfigError(f"there is no mode {name!r}; the modes are {', '.join(MODES)}")
    return MODES[key]
