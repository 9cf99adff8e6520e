"""The package's own sources, from which compiled code follows: as they were found, as they are."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

PACKAGE = Path(__file__).parent


def scanned() -> str:
    """The sources by name, size and time of change, as Python itself knows them apart."""
    found, folders = [], [str(PACKAGE)]
    while folders and PACKAGE.is_dir():
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    stat = entry.stat()
                    found.append((entry.path, stat.st_size, stat.st_mtime_ns))
                elif entry.is_dir():
                    folders.append(entry.path)
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest() if found else ""


IMPORTED = scanned()  # what this process runs; "" if the sources are not files


def unchanged() -> bool:
    """Whether the sources are files, and those that this process runs."""
    return IMPORTED != "" and scanned() == IMPORTED
