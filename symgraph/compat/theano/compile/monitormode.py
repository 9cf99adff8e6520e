"""`theano.compile.monitormode`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from symgraph.compat.theano.compile.mode import Mode
from symgraph.graph import Apply

__all__ = ["MonitorMode", "detect_nan"]
Told = Callable[[int, Apply, Any], None]


class MonitorMode(Mode):
    """A mode that calls `pre_func(i, node, fn)` before each node and `post_func` after it.

    i counts the nodes of the function, and `fn.inputs` and `fn.outputs` hold lists of one value
    each, as in Theano. The interpreter runs the rewritten graph.
    """

    def __init__(
        self,
        pre_func: Told | None = None,
        post_func: Told | None = None,
        optimizer: Any = "default",
        linker: Any = None,
        **settings: Any,
    ) -> None:
        numbers: dict[Apply, int] = {}

        def watch(node: Apply, operands: Sequence[Any], results: Sequence[Any] | None) -> None:
            told = pre_func if results is None else post_func
            if told is not None:
                made = [None] * len(node.outputs) if results is None else results
                values = SimpleNamespace(
                    inputs=[[value] for value in operands], outputs=[[value] for value in made]
                )
                told(numbers.setdefault(node, len(numbers)), node, values)

        super().__init__("py", optimizer, **{"watch": watch} | settings)


def detect_nan(i: int, node: Apply, fn: Any) -> None:
    """A `post_func` that prints the nodes whose values hold NaN, with what they read."""
    for (value,) in fn.outputs:
        if np.asarray(value).dtype.kind in "fc" and np.isnan(value).any():
            print("*** NaN detected ***", node, sep="\n")
            print("Inputs :", [item for (item,) in fn.inputs])
            print("Outputs:", [item for (item,) in fn.outputs])
            return
