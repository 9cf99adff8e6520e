"""`theano.configparser`."""

from typing import Any

from symgraph.compat.theano.configdefaults import TheanoConfig as TheanoConfigParser
from symgraph.compat.theano.configdefaults import config

__all__ = ["TheanoConfigParser", "change_flags", "config"]


class ConfigVar:
    """A flag as an object: `fullname`, and the methods of a descriptor that read and set it."""

    def __init__(self, fullname: str) -> None:
        self.fullname = fullname

    def __get__(self, cls: Any, kind: Any = None) -> Any:
        return config.get(self.fullname)

    def __set__(self, cls: Any, value: Any) -> None:
        config.set(self.fullname, value)


_config_var_list = [ConfigVar(name) for name in config.names()]


def change_flags(args: Any = (), **flags: Any) -> Any:
    """Other flags inside a `with` block, or in a function it decorates.

    Flags whose name has a dot stand in a dict, or have two underscores in its place.
    """
    return config.change_flags(args, **flags)
