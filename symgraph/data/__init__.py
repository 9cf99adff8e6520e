"""Data that ships with symgraph: small, real, and free to use."""

from symgraph.data.digits import Labelled, digits

__all__ = ["Labelled", "digits"]
