"""`theano.d3viz`: pictures of graphs for a browser."""

from __future__ import annotations

from typing import Any

from symgraph.show import export

__all__ = ["d3viz"]


def d3viz(fct: Any, outfile: Any, copy_deps: bool = True, *args: Any, **options: Any) -> None:
    """Write a graph as one HTML file that needs nothing else."""
    export(fct, outfile, format="html")
