"""`theano.configparser`."""

from typing import Any

from symgraph.compat.theano.configdefaults import TheanoConfig as TheanoConfigParser
from symgraph.compat.theano.configdefaults import config

__all__ = ["TheanoConfigParser", "change_flags", "config"]


def change_flags(**flags: Any) -> Any:
    """Other flags inside a `with` block, or in a function it decorates."""
    return config.change_flags(**flags)
