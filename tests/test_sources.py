"""The package's sources: any change of a file is seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from symgraph import sources


def test_a_changed_file_changes_the_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sources.unchanged()
    monkeypatch.setattr(sources, "PACKAGE", tmp_path)
    assert sources.scanned() == ""
    inner = tmp_path / "ops"
    inner.mkdir()
    file = inner / "arith.py"
    file.write_text("a = 1\n")
    first = sources.scanned()
    file.write_text("a = 22\n")
    second = sources.scanned()
    os.utime(file, ns=(1, 1))
    assert len({first, second, sources.scanned(), ""}) == 4
    assert not sources.unchanged()


def test_sources_that_are_no_files_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PACKAGE", Path("archive.zip/symgraph"))
    monkeypatch.setattr(sources, "IMPORTED", sources.scanned())
    assert not sources.unchanged()
