"""Draw `docs/step.svg`, the picture in the README, from the README's own program.

python docs/picture.py
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import symgraph as sg

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "step.svg"


def picture() -> str:
    """The compiled training step of the README, boxes laid out without Graphviz."""
    text = (ROOT / "README.md").read_text()
    found = re.search(r"^```python\n(.*?)^```", text, re.S | re.M)
    assert found is not None
    blank = "\n" * text[: found.start(1)].count("\n")  # so that lines have their numbers
    names: dict[str, sg.Function] = {}
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(blank + found[1], "README.md", "exec"), names)
        return str(sg.export(names["step"], format="svg", layout="own"))


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8", newline="\n")
