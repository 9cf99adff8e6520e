"""`export`: a graph in a format other programs, or people, read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from symgraph.errors import ExportError
from symgraph.show.dot import dot_text
from symgraph.show.json_graph import json_text
from symgraph.show.nx import digraph, graphml_text
from symgraph.show.printing import debugprint
from symgraph.show.subject import Subject, subject_of
from symgraph.show.svg import svg_text
from symgraph.show.view import view_of

WRITERS: dict[str, Callable[[Subject], Any]] = {
    "dot": lambda subject: dot_text(view_of(subject)),
    "graphml": lambda subject: graphml_text(view_of(subject, fold=False)),
    "json": json_text,
    "networkx": lambda subject: digraph(view_of(subject, fold=False)),
    "svg": lambda subject: svg_text(view_of(subject)),
    "text": lambda subject: debugprint(subject, print_type=True, file="str") + "\n",
}
EXTENSIONS = {
    ".dot": "dot",
    ".gv": "dot",
    ".graphml": "graphml",
    ".json": "json",
    ".svg": "svg",
    ".txt": "text",
}


def export(
    obj: Any, path: str | Path | None = None, format: str | None = None, stage: str | None = None
) -> Any:
    """Write a graph to a file, or give it back in some format.

    Parameters
    ----------
    obj
        A variable, a node, a list of them, a `Graph`, a compiled function, or what
        `load_json` gave.
    path
        The file to write; if None nothing is written.
    format
        "dot", "graphml", "json" (which `load_json` reads), "networkx" (a `DiGraph`), "svg" or
        "text". Follows from the extension of `path` unless given.
    stage
        Of a compiled function: "user", the graph as it was written, or "canonical", as it was
        rewritten, which is the default and also tells the kernels.

    Returns
    -------
    What was written, as a string; a `networkx.DiGraph` for "networkx".

    Raises
    ------
    ExportError
        No such format or stage, or nothing to export.

    >>> import symgraph.tensor as T
    >>> print(export(T.exp(T.dscalar("x")), format="text"), end="")
    Exp [id A] <TensorType(float64, scalar)> ''
     |x [id B] <TensorType(float64, scalar)>
    """
    chosen = _format(path, format)
    result = WRITERS[chosen](subject_of(obj, stage))
    if path is not None:
        Path(path).write_text(result, encoding="utf-8", newline="\n")
    return result


def _format(path: str | Path | None, format: str | None) -> str:
    known = ", ".join(sorted(WRITERS))
    if format is None and path is None:
        raise ExportError(f"export needs a path or format=, one of {known}")
    chosen = format or EXTENSIONS.get(Path(path or "").suffix.lower())
    if chosen is None:
        raise ExportError(f"{path}: no format has this extension; pass format=, one of {known}")
    if chosen not in WRITERS:
        raise ExportError(f"there is no format {chosen!r}; use one of {known}")
    if chosen == "networkx" and path is not None:
        raise ExportError(f"{path}: networkx is an object, not a file; use graphml")
    return chosen
