"""`T.nnet.neighbours`."""

from symgraph.ops.neighbours import images2neibs, neibs2images

__all__ = ["images2neibs", "neibs2images"]
