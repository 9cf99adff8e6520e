"""`T.signal.pool`."""

from symgraph.ops.pool import *
