"""A line on the terminal while a stage of the compiler takes long; silence everywhere else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 1.0  # seconds before anything is said
ERASE = "\r\x1b[K"  # back to the first column, and clear to the end of the line


@contextmanager
def waiting(stage: str) -> Iterator[None]:
    """Say on the terminal which stage is under way, once it has taken a second."""
    if not sys.stderr.isatty():
        yield
        return
    said = threading.Event()

    def say() -> None:
        said.set()
        sys.stderr.write(f"{ERASE}symgraph: compiling, stage {stage} ...")
        sys.stderr.flush()

    timer = threading.Timer(PATIENCE, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if said.is_set():
            sys.stderr.write(ERASE)
            sys.stderr.flush()
