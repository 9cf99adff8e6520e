"""How the documentation site is built: `sphinx-build -W docs docs/_build`."""

from pathlib import Path

import symgraph
from symgraph import catalogue

project = "symgraph"
author = "symgraph developers"
version = release = symgraph.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "symgraph"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
Path(__file__).with_name("ops.md").write_text(catalogue.markdown())  # made anew for every build
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository beside the docs
