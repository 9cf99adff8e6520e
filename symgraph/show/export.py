"""`export`: a graph in a format other programs, or people, read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from symgraph.dataclass import dataclass
from symgraph.errors import ExportError
from symgraph.function import Function
from symgraph.later import Later
from symgraph.progress import working
from symgraph.show.dot import dot_text
from symgraph.show.graphviz import MOST, dot_layout, has_dot
from symgraph.show.json_graph import json_text
from symgraph.show.layout import Layout, layout
from symgraph.show.narrow import EVERY, collapsed, near
from symgraph.show.nx import digraph, graphml_text, node_link_text
from symgraph.show.page import graph_page
from symgraph.show.printing import debugprint, graphs_of
from symgraph.show.steps import steps_view
from symgraph.show.subject import Subject, subject_of
from symgraph.show.svg import box_size, svg_text
from symgraph.show.view import View, view_of
from symgraph.show.words import visible

png = Later("symgraph.show.png")
onnx_model = Later("symgraph.show.onnx.model")
standalone = Later("symgraph.show.standalone")
KERNELS = "kernels"  # the stage that is steps instead of nodes
LAYOUTS = ("auto", "own", "dot")


@dataclass(frozen=True)
class Order:
    """What was asked for."""

    obj: Any
    stage: str | None = None
    depth: int = -1
    focus: str | None = None
    collapse: tuple[str, ...] = ()
    layout: str = "auto"
    path: Path | None = None

    @property
    def subject(self) -> Subject:
        """The graph."""
        return subject_of(self.obj, self.stage)

    def view(self, fold: bool = True) -> View:
        """The boxes and edges that are to be seen."""
        whole = steps_view(self.obj) if self.stage == KERNELS else view_of(self.subject, fold)
        return near(collapsed(whole, self.collapse), self.focus, self.depth)

    def placed(self, view: View) -> Layout:
        """The boxes where they belong."""
        if self.layout == "dot":
            return dot_layout(view, box_size)
        if self.layout == "auto" and has_dot() and 0 < len(view.nodes) <= MOST:
            with suppress(ExportError):  # it may take too long, or be broken
                return dot_layout(view, box_size)
        return layout(view, box_size)


class Format(NamedTuple):
    """How a format is written, and which orders it takes."""

    write: Callable[[Order], Any]
    extensions: tuple[str, ...]
    drawn: bool = False  # whether it takes depth, focus, collapse and the kernels


def _svg(order: Order) -> str:
    view = order.view()
    return svg_text(view, order.placed(view))


def _png(order: Order) -> bytes:
    view = order.view()
    return png.png_bytes(view, order.placed(view))


def _text(order: Order) -> str:
    if order.stage == KERNELS:
        if not isinstance(order.obj, Function):
            raise ExportError(f"a {type(order.obj).__name__} has no kernels: compile it first")
        return str(order.obj.source())
    subject = order.subject
    printed = debugprint(subject, depth=order.depth, print_type=True, file="str")
    return f"{printed}\n"


def _page(order: Order) -> str:
    """The page of a graph; a slider leads to what loops and choices in it do."""
    inner = [] if order.stage == KERNELS else list(_inside(order.subject))
    return graph_page(order.view(), inner)


def _inside(subject: Subject) -> Iterator[tuple[str, View]]:
    """The graphs inside the ops of a graph, and inside those."""
    for node in subject.toposort():
        for graph in graphs_of(node.op):
            inner = Subject(graph.inputs, graph.outputs)
            yield f"inside {visible(str(node.op))} at {visible(str(node.made_at))}", view_of(inner)
            yield from _inside(inner)


def _module(order: Order) -> str:
    if order.path is None:
        raise ExportError("py needs a path: its arrays go to the file beside it, FILE.npz")
    module = standalone.standalone(order.subject)
    order.path.with_suffix(".npz").write_bytes(module.npz())
    return module.text


FORMATS = {
    "dot": Format(lambda order: dot_text(order.view()), (".dot", ".gv"), drawn=True),
    "graphml": Format(lambda order: graphml_text(order.view(fold=False)), (".graphml",), True),
    "html": Format(_page, (".html", ".htm"), drawn=True),
    "json": Format(lambda order: json_text(order.subject), (".json",)),
    "networkx": Format(lambda order: digraph(order.view(fold=False)), (), drawn=True),
    "node-link": Format(lambda order: node_link_text(order.view(fold=False)), (), drawn=True),
    "onnx": Format(lambda order: onnx_model.onnx_bytes(order.subject), (".onnx",)),
    "png": Format(_png, (".png",), drawn=True),
    "py": Format(_module, (".py",)),
    "svg": Format(_svg, (".svg",), drawn=True),
    "text": Format(_text, (".txt",)),
}
EXTENSIONS = {end: name for name, form in FORMATS.items() for end in form.extensions}


def export(
    obj: Any,
    path: str | Path | None = None,
    format: str | None = None,
    stage: str | None = None,
    *,
    depth: int = -1,
    focus: str | None = None,
    collapse: bool | str | Sequence[str] = (),
    layout: str = "auto",
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
        Follows from the extension of `path` unless given:

        - "html", one page that works without a network: pan, zoom, search, follow;
        - "svg" and "png" (the extra `png`), drawings;
        - "dot", for Graphviz;
        - "json", which `load_json` reads again;
        - "graphml"; "node-link", networkx's JSON; "networkx", a `DiGraph`;
        - "onnx" (the extra `onnx`), a model;
        - "py", a module that runs without symgraph, its arrays in FILE.npz beside it;
        - "text".
    stage
        Of a compiled function: "user", the graph as it was written; "canonical", as it was
        rewritten, which is the default and also tells the kernels; "kernels", the steps that
        run, as text the generated code.
    depth
        How many edges away from the outputs, or from the focus, boxes are shown; all if negative.
    focus
        A box to show with what is near it: the name of a variable, an op, an id.
    collapse
        True to draw every outermost name scope as one box, or names of scopes.
    layout
        Who places the boxes of drawings: "own", "dot" (Graphviz's program), or "auto", which
        takes `dot` where it is installed and the graph is not too large for it.

    Returns
    -------
    What was written: a string, bytes for "png" and "onnx", a `networkx.DiGraph` for "networkx".

    Raises
    ------
    ExportError
        No such format, stage, focus or scope; an op the format has no form for; nothing to export.

    Examples
    --------
    >>> import symgraph.tensor as T
    >>> print(export(T.exp(T.dscalar("x")), format="text"), end="")
    Exp [id A] <TensorType(float64, scalar)> ''
     |x [id B] <TensorType(float64, scalar)>
    """
    scopes = (
        (EVERY,) if collapse is True else (collapse,) if isinstance(collapse, str) else collapse
    )
    target = None if path is None else Path(path)
    order = Order(obj, stage, depth, focus, tuple(scopes or ()), layout, target)
    chosen = _checked(order, _format(target, format))
    with working(f"exporting {chosen}"):
        result = FORMATS[chosen].write(order)
    if target is not None and isinstance(result, bytes):
        target.write_bytes(result)
    elif target is not None:
        target.write_text(result, encoding="utf-8", newline="\n")
    return result


def _format(path: Path | None, format: str | None) -> str:
    known = ", ".join(sorted(FORMATS))
    if format is None and path is None:
        raise ExportError(f"export needs a path or format=, one of {known}")
    chosen = format or EXTENSIONS.get((path or Path()).suffix.lower())
    if chosen is None:
        raise ExportError(f"{path}: no format has this extension; pass format=, one of {known}")
    if chosen not in FORMATS:
        raise ExportError(f"there is no format {chosen!r}; use one of {known}")
    if chosen == "networkx" and path is not None:
        raise ExportError(f"{path}: networkx is an object, not a file; use graphml or node-link")
    return chosen


def _checked(order: Order, format: str) -> str:
    """The format, if it takes what was asked for."""
    if order.layout not in LAYOUTS:
        raise ExportError(f"layout is one of {', '.join(LAYOUTS)}, not {order.layout!r}")
    drawn = ", ".join(name for name, form in FORMATS.items() if form.drawn)
    if FORMATS[format].drawn:
        if order.stage == KERNELS and not isinstance(order.obj, Function):
            raise ExportError(f"a {type(order.obj).__name__} has no kernels: compile it first")
        return format
    if order.focus is not None or order.collapse or (order.depth >= 0 and format != "text"):
        raise ExportError(f"{format} holds whole graphs; depth, focus and collapse go with {drawn}")
    if order.stage == KERNELS and format != "text":
        raise ExportError(f"{format} holds graphs; the stage 'kernels' goes with text, {drawn}")
    return format
