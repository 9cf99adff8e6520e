"""A bar on the terminal while work takes long; silence everywhere else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from symgraph.later import Later

PATIENCE = 1.0  # seconds before anything is said
LONG = 5.0  # seconds after which the times of all stages are said at the end
STAGES = ("user", "canonical", "parts", "program", "plan", "text", "code")  # of the compiler

rich_console = Later("rich.console")
rich_progress = Later("rich.progress")


@contextmanager
def waiting(stage: str) -> Iterator[None]:
    """Show a bar of the compiler's stages, once one of them has taken a second."""
    place = STAGES.index(stage) if stage in STAGES else 0
    with working(f"compiling, stage {stage}", place, len(STAGES)):
        yield


@contextmanager
def working(what: str, done: int = 0, of: int | None = None) -> Iterator[None]:
    """Show a bar on the terminal while a block runs, once it has taken a second.

    Without a number `of` parts the bar only moves. It is gone afterwards.
    """
    if not sys.stderr.isatty():
        yield
        return
    bar = _Bar(what, done, of)
    timer = threading.Timer(PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        bar.stop()


class _Bar:
    """A bar that may be started and stopped by different threads, once each."""

    def __init__(self, what: str, done: int, of: int | None) -> None:
        self.what, self.done, self.of = what, done, of
        self._lock = threading.Lock()
        self._over = False
        self._shown: Any = None

    def start(self) -> None:
        """Show it, unless the work is over."""
        with self._lock:
            if self._over:
                return
            columns = (
                rich_progress.TextColumn("symgraph: {task.description}"),
                rich_progress.BarColumn(bar_width=24),
                rich_progress.TimeElapsedColumn(),
            )
            console = rich_console.Console(stderr=True)
            self._shown = rich_progress.Progress(*columns, console=console, transient=True)
            self._shown.add_task(self.what, completed=self.done, total=self.of)
            self._shown.start()

    def stop(self) -> None:
        """Take it away."""
        with self._lock:
            self._over = True
            if self._shown is not None:
                self._shown.stop()


def tell(name: str, seconds: Mapping[str, float]) -> None:
    """Say on the terminal where the time went, once a function took 5 s to compile."""
    whole = sum(seconds.values())
    if whole < LONG or not sys.stderr.isatty():
        return
    stages = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in seconds.items())
    sys.stderr.write(f"symgraph: {name} compiled in {whole:.1f} s: {stages}\n")
