"""`theano.gof.toolbox`: what a graph tells of its changes; `theano.gof.fg` says when."""

from __future__ import annotations

from typing import Any

from symgraph.errors import RewriteError

__all__ = ["AlreadyThere", "BadOptimization", "Feature", "ReplaceValidate"]

BadOptimization = RewriteError


class AlreadyThere(RewriteError):
    """Raised by a feature that a graph has already."""


class Feature:
    """Is told of the changes of a graph that it is attached to; a subclass overrides methods."""

    def on_attach(self, fgraph: Any) -> None:
        """It was attached."""

    def on_detach(self, fgraph: Any) -> None:
        """It was removed."""

    def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
        """A node is new."""

    def on_prune(self, fgraph: Any, node: Any, reason: Any) -> None:
        """A node is gone."""

    def on_change_input(
        self, fgraph: Any, node: Any, i: Any, r: Any, new_r: Any, reason: Any = None
    ) -> None:
        """A node reads something else as its input i."""


class ReplaceValidate(Feature):
    """Attached by optimizers that call `replace_validate`, which every graph has."""
