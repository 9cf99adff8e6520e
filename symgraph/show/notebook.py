"""What notebooks show of variables and functions: the drawing, or text where it would be huge."""

from __future__ import annotations

from typing import Any

from symgraph.show.narrow import collapsed, near
from symgraph.show.subject import subject_of
from symgraph.show.svg import svg_text
from symgraph.show.view import View, view_of

MOST = 400  # boxes of a drawing in a notebook
NEAREST = 6  # edges from the outputs, where the whole is too large
SCROLLED = '<div style="max-height:480px;overflow:auto">{}</div>'


def pictures(obj: Any) -> dict[str, str]:
    """A variable or function by MIME type: text, SVG, and HTML that scrolls.

    Large graphs are drawn with scopes collapsed, and no further than a few edges from the outputs.
    """
    found = {"text/plain": repr(obj)}
    view = _small(view_of(subject_of(obj)))
    if len(view.nodes) <= MOST:
        found["image/svg+xml"] = svg_text(view)
        found["text/html"] = SCROLLED.format(found["image/svg+xml"])
    return found


def _small(view: View) -> View:
    if len(view.nodes) <= MOST:
        return view
    view = collapsed(view, ("*",)) if any(node.scope for node in view.nodes) else view
    return view if len(view.nodes) <= MOST else near(view, None, NEAREST)
