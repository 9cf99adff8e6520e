"""`theano.printing`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from symgraph.ops.watch import Print
from symgraph.show import debugprint, export, pp, pprint

__all__ = ["Print", "debugprint", "min_informative_str", "pp", "pprint", "pydotprint"]


def pydotprint(
    fct: Any, outfile: Any = None, format: str = "png", return_image: bool = False, **options: Any
) -> Any:
    """Write a picture of a graph; the format follows from `outfile`, else from `format`.

    Other options of Theano's are taken and mean nothing.
    """
    path = Path(outfile or f"{getattr(fct, 'name', None) or 'graph'}.{format}")
    if not path.suffix:
        path = path.with_suffix(f".{format}")
    export(fct, path)
    if options.get("print_output_file", False):
        print("The output file is available at", path, file=sys.stderr)
    return path.read_bytes() if return_image else None


def min_informative_str(obj: Any, indent_level: int = 0) -> str:
    """The tree of a graph as text, without what differs from run to run."""
    return debugprint(obj, file="str", print_type=False)
