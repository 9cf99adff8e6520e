"""`theano.compile.mode`: Theano's modes, and names of optimizers that mean nothing here."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from symgraph import mode as own
from symgraph.compat.theano.configdefaults import MODES, OPTIMIZER_OFF
from symgraph.compat.theano.gof.opt import register, registered
from symgraph.errors import ConfigError
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
]


class Mode(own.Mode):
    """A mode from Theano's two words; names of optimizers it does not know are passed over.

    Without an optimizer the graph runs as it was written. Linkers other than "py" all mean native
    code. Settings are the fields of `symgraph.Mode`.
    """

    def __init__(self, linker: Any = None, optimizer: Any = "default", **settings: Any) -> None:
        rules = NOTHING if optimizer in OPTIMIZER_OFF else DEFAULT
        backend = "interpret" if linker == "py" else own.Mode().backend
        known = {f.name for f in fields(own.Mode)}
        meant: dict[str, Any] = {"backend": backend, "rules": rules | registered()}
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
        return [name for name in names if name in labels]

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


def _theano(mode: own.Mode) -> own.Mode:
    """The same mode, with the rules the program registered."""
    settings = {field.name: getattr(mode, field.name) for field in fields(own.Mode)}
    return Mode(**settings | {"rules": mode.rules | registered()})


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


class _Database:
    """Theano's registry of optimizers: rules join it, queries are for nothing."""

    def register(self, name: str, rule: Any, *tags: Any, **options: Any) -> None:
        """Use a rule in every function compiled from now on."""
        register(rule)

    def query(self, *words: Any) -> Any:
        """The rules registered."""
        return registered()

    def __getitem__(self, name: str) -> _Database:
        return self


optdb = _Database()
