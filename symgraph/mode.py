"""Modes: which rewrites run, which backend runs the result, how much is checked."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.devices import canonical
from symgraph.errors import ConfigError
from symgraph.graph import Apply
from symgraph.interpret import Watch
from symgraph.rewrite import RuleSet
from symgraph.rules import ALL, DEFAULT, NOTHING

BACKENDS = ("llvm", "numba", "cuda", "interpret")


@dataclass(frozen=True)
class Mode:
    """How a function is compiled.

    Parameters
    ----------
    backend
        "llvm" (native code), "numba" (the same from readable text, compiled much slower),
        "cuda" (an NVIDIA GPU) or "interpret" (the reference interpreter).
    rules
        The rewrite rules.
    check
        0 nothing, 1 each stage is verified, 2 each call also runs every stage and compares.
    nan
        Whether outputs and updates are searched for NaN.
    inf
        Whether they are also searched for infinities and values above 1e10.
    watch
        Called by the backend "interpret" with each node and the lists of the values it reads and
        makes: before it runs, with None for the latter, and after.
    device
        Where is computed what was put nowhere else: "cpu", "cuda", "cuda:1", ...; `config.device`
        if empty. What a GPU cannot compute is done by `backend` on the CPU. The backend "cuda" is
        the device "cuda".
    """

    backend: str = "llvm"
    rules: RuleSet = DEFAULT
    check: int = 0
    nan: bool = False
    inf: bool = False
    watch: Watch | None = None
    device: str = ""

    def including(self, *names: str) -> Mode:
        """With more rules, by the names of rules or sets."""
        return replace(self, rules=self.rules.including(*names))

    def excluding(self, *names: str) -> Mode:
        """Without some rules, by the names of rules or sets."""
        return replace(self, rules=self.rules.excluding(*names))

    def __reduce__(self) -> tuple[Any, ...]:
        names = [rule.name for rule in self.rules if not rule.of_process]
        strange = [name for name in names if all(rule.name != name for rule in ALL.known)]
        if strange:
            raise pickle.PicklingError(f"a mode with rules of your own ({strange[0]}, ...)")
        kept = (self.check, self.nan, self.inf, self.watch, self.device)
        return _restored, (self.backend, names, *kept)


def _restored(backend: str, names: Sequence[str], *rest: Any) -> Mode:
    return Mode(backend, ALL.only(*names) if names else NOTHING, *rest)


MODES = {
    "fast_run": Mode(),
    "fast_compile": Mode(backend="interpret", rules=NOTHING),
    "interpret": Mode(backend="interpret", rules=NOTHING),
    "verify": Mode(check=2),
    "nanguard": Mode(nan=True, inf=True),
}


@dataclass(frozen=True)
class AfterEach:
    """A watcher that is told of each node once, after it ran, with what it made."""

    told: Callable[[Apply, Sequence[Any]], None]

    def __call__(self, node: Apply, operands: Sequence[Any], results: Sequence[Any] | None) -> None:
        """Pass on what was made."""
        if results is not None:
            self.told(node, results)


def MonitorMode(
    post_func: Callable[[Apply, Sequence[Any]], None], rules: RuleSet = DEFAULT
) -> Mode:
    """A mode that calls `post_func(node, values)` after each node, with its outputs' values.

    The interpreter runs the rewritten graph, so nodes are those that a compiled function has.

    >>> import symgraph as sg, symgraph.tensor as T
    >>> x = T.dscalar("x")
    >>> f = sg.function([x], T.exp(x) * 2, mode=MonitorMode(lambda node, out: print(node.op, *out)))
    >>> y = f(0.0)
    Exp 1.0
    Mul 2.0
    """
    return Mode(backend="interpret", rules=rules, watch=AfterEach(post_func))


def get_mode(mode: Mode | str | None, device: str | None = None) -> Mode:
    """The mode meant by a `Mode`, a name in any case, or None for `config.mode`; for a device."""
    found = mode if isinstance(mode, Mode) else _named(mode or str(config.mode))
    if found.backend == "cuda":
        found = replace(found, backend="llvm", device=found.device or "cuda")
    where = canonical(device or found.device or config.place)
    check, nan = max(found.check, config.check), found.nan or config.nan_check
    return replace(found, check=check, nan=nan, device=where)


def _named(name: str) -> Mode:
    key = name.lower()
    if key not in MODES:
        raise ConfigError(f"there is no mode {name!r}; the modes are {', '.join(MODES)}")
    return MODES[key]
