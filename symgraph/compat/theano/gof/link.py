"""`theano.gof.link`: where shared variables keep their values."""

from symgraph.shared import Container

__all__ = ["Container"]
