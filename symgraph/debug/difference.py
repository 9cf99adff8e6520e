"""`diff`: two compiled functions side by side."""

from __future__ import annotations

from difflib import HtmlDiff, unified_diff
from pathlib import Path

from symgraph.function import Function
from symgraph.profile import step_name
from symgraph.show.printing import debugprint
from symgraph.show.steps import lines_of
from symgraph.show.words import visible


def diff(f: Function, g: Function, path: str | Path | None = None) -> str:
    """What tells two compiled functions apart: graphs, then steps and kernels.

    Parameters
    ----------
    f, g
        Compiled functions.
    path
        An HTML file to write, in which they stand side by side.

    Returns
    -------
    A unified diff, empty where the functions are alike.

    Examples
    --------
    >>> import symgraph.tensor as T
    >>> from symgraph.function import function
    >>> x = T.dscalar("x")
    >>> f, g = (function([x], y, mode="interpret") for y in (T.exp(x), T.sin(x)))
    >>> print(diff(f, g))
    --- function
    +++ function
    @@ -1,2 +1,2 @@
    -Exp '' 0
    +Sin '' 0
      |x
    """
    left, right = _lines(f), _lines(g)
    if path is not None:
        names = visible(f.name), visible(g.name)
        page = HtmlDiff(wrapcolumn=80).make_file(left, right, *names, charset="utf-8")
        Path(path).write_text(page, encoding="utf-8", newline="\n")
    return "\n".join(unified_diff(left, right, visible(f.name), visible(g.name), lineterm=""))


def _lines(function: Function) -> list[str]:
    lines = str(debugprint(function, ids="", file="str")).splitlines()
    for plan in function.trace.plans:
        lines += ["", "steps:"]
        for step in plan.body:
            if lines_of(step):
                lines += [step_name(step), *(f"    {line}" for line in lines_of(step))]
    if function.trace.plans:
        lines += ["", *function.source().splitlines()]
    return lines
