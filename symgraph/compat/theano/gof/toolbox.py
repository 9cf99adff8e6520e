"""`theano.gof.toolbox`: Theano's hooks into graphs that are changed in place.

Graphs are not changed in place here, so a feature is never called; programs that define one
still load.
"""

from symgraph.errors import RewriteError

__all__ = ["AlreadyThere", "BadOptimization", "Feature", "ReplaceValidate"]

BadOptimization = RewriteError


class AlreadyThere(RewriteError):
    """Kept for programs that catch it; nothing here raises it."""


class Feature:
    """A base class for hooks."""


class ReplaceValidate(Feature):
    """A base class for hooks."""
