"""`theano.compile.mode`: Theano's modes, and names of optimizers that mean nothing here."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from symgraph import mode as own
from symgraph.compat.theano.configdefaults import MODES, OPTIMIZER_OFF
from symgraph.compat.theano.gof.opt import LocalOptimizer, Optimizer
from symgraph.compat.theano.gof.optdb import Query, opt_rules, optdb, registered, rule_of
from symgraph.errors import ConfigError
from symgraph.rewrite import RuleSet
from symgraph.rules import DEFAULT, NOTHING

__all__ = [
    "FAST_COMPILE",
    "FAST_RUN",
    "Mode",
    "get_default_mode",
    "get_mode",
    "optdb",
    "predefined_modes",
    "register_mode",
    "register_optimizer",
]


class Mode(own.Mode):
    """A mode from Theano's two words; names of optimizers it does not know are passed over.

    Without an optimizer the graph runs as it was written. Linkers other than "py" all mean native
    code. Settings are the fields of `symgraph.Mode`.
    """

    def __init__(self, linker: Any = None, optimizer: Any = "default", **settings: Any) -> None:
        rules = _rules(optimizer)
        backend = "interpret" if linker == "py" else own.Mode().backend
        known = {f.name for f in fields(own.Mode)}
        meant: dict[str, Any] = {"backend": backend, "rules": rules}
        meant |= {name: value for name, value in settings.items() if name in known}
        super().__init__(**meant)

    def including(self, *names: str) -> own.Mode:
        """With more rules; Theano's names for its own optimizers are passed over."""
        return replace(self, rules=self.rules.including(*self._known(names)))

    def excluding(self, *names: str) -> own.Mode:
        """Without some rules; Theano's names for its own optimizers are passed over."""
        return replace(self, rules=self.rules.excluding(*self._known(names)))

    requiring = including

    def _known(self, names: tuple[str, ...]) -> list[str]:
        labels = {label for r in self.rules.known for label in (r.name, r.theme, r.safety)}
        return [name for name in (*names, *opt_rules(names)) if name in labels]

    @property
    def linker(self) -> str:
        """Theano's word for what runs the graph."""
        return "py" if self.backend == "interpret" else "cvm"

    @property
    def optimizer(self) -> Any:
        """The rules."""
        return self.rules

    def __copy__(self) -> own.Mode:
        return replace(self)

    def clone(self, link_kwargs: Any = None, optimizer: Any = "", **settings: Any) -> own.Mode:
        """This mode, or with another optimizer."""
        return Mode(None, optimizer, **settings) if optimizer else replace(self, **settings)


def _rules(optimizer: Any) -> RuleSet:
    """The rules that an optimizer means: a name, a query, or an optimizer of the program's own."""
    chosen = _optimizers.get(optimizer, optimizer) if isinstance(optimizer, str) else optimizer
    if isinstance(chosen, Optimizer | LocalOptimizer):
        return RuleSet((rule_of(chosen),))
    if isinstance(chosen, Query):
        return optdb.query(chosen).rules
    return (NOTHING if chosen in OPTIMIZER_OFF else DEFAULT) | registered()


def _theano(mode: own.Mode) -> own.Mode:
    """The same mode, with the rules the program registered since."""
    settings = {field.name: getattr(mode, field.name) for field in fields(own.Mode)}
    whole = isinstance(mode, Mode) and not set(mode.rules.known) >= set(DEFAULT.known)
    later = [r for r in registered().known if r not in mode.rules.known]
    off = registered().off.intersection(later)
    rules = mode.rules if whole else mode.rules | RuleSet(tuple(later), off)
    return Mode(**settings | {"rules": rules})


_optimizers: dict[str, Any] = {}


def register_optimizer(name: str, opt: Any) -> None:
    """Give an optimizer a name for `Mode(optimizer=name)`."""
    if name in _optimizers:
        raise ConfigError(f"there is an optimizer {name!r} already")
    _optimizers[name] = opt


predefined_modes: dict[str, own.Mode] = {
    name: _theano(own.MODES[word]) for name, word in MODES.items()
}
FAST_RUN, FAST_COMPILE = predefined_modes["FAST_RUN"], predefined_modes["FAST_COMPILE"]


def get_mode(orig_string: Any = None) -> own.Mode:
    """The mode of a name of Theano's or symgraph's; a mode itself; the default one for None."""
    known = predefined_modes.get(orig_string) if isinstance(orig_string, str) else None
    return _theano(known or own.get_mode(orig_string))


def get_default_mode() -> own.Mode:
    """The mode of functions that name none."""
    return get_mode(None)


def register_mode(name: str, mode: own.Mode) -> None:
    """Give a mode a name for `function(mode=name)`."""
    if name in predefined_modes:
        raise ConfigError(f"there is a mode {name!r} already")
    predefined_modes[name] = mode
