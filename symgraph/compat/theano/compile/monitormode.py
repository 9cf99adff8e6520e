"""`theano.compile.monitormode`."""

from symgraph.mode import MonitorMode

__all__ = ["MonitorMode"]
