"""Finding out what a graph computes, and what went wrong: values, replays, doubt."""

from symgraph.debug.difference import diff
from symgraph.debug.doubt import bisect
from symgraph.debug.recording import Recorder, record, replay
from symgraph.debug.values import trace

__all__ = ["Recorder", "bisect", "diff", "record", "replay", "trace"]
