"""The documentation: its site builds without a warning, and no error class is left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from symgraph import errors

ROOT = Path(__file__).parents[1]


def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", str(tmp_path)]
    answer = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "tutorial.html").exists()


def test_every_error_has_its_place_on_the_page() -> None:
    page = (ROOT / "docs" / "errors.md").read_text()
    classes = [
        name
        for name, item in vars(errors).items()
        if isinstance(item, type) and issubclass(item, errors.SymgraphError)
    ]
    headings = {line[4:] for line in page.splitlines() if line.startswith("### ")}
    missing = set(classes) - headings - {"SymgraphError"}
    assert not missing, f"docs/errors.md says nothing of {sorted(missing)}"
    assert headings <= set(classes)


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    pages = (ROOT / "docs").rglob("*.md")
    names = {str(page.relative_to(ROOT / "docs").with_suffix("")) for page in pages} - {"index"}
    assert {name for name in names if name not in index} == set()
