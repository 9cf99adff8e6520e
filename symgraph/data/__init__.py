"""Data that ships with symgraph: small, real, and free to use."""

from symgraph.data.digits import Labelled, digits
from symgraph.data.sonnets import sonnets

__all__ = ["Labelled", "digits", "sonnets"]
