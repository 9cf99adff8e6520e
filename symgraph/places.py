"""Where the user wrote what: the line, the name scope and the device open there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from symgraph.devices import canonical
from symgraph.errors import Place

PACKAGE = str(Path(__file__).parent)
DEMO = str(Path(__file__).parent / "demo.py")  # written as a user's program, and shown as one

_PLACE: ContextVar[Place | None] = ContextVar("place", default=None)
_SCOPE: ContextVar[str] = ContextVar("scope", default="")
_DEVICE: ContextVar[str] = ContextVar("device", default="")


@contextmanager
def made_for(place: Place) -> Iterator[None]:
    """Variables made inside the block say they were made at `place`."""
    token = _PLACE.set(place)
    try:
        yield
    finally:
        _PLACE.reset(token)


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Variables made inside the block belong to part `name` of the graph; scopes nest.

    Exports and reports can draw a scope as one box. Gradients of what is made inside belong to
    the scope too. Gives the whole name, scopes joined by "/".

    >>> with name_scope("encoder"), name_scope("layer1") as whole:
    ...     print(whole)
    encoder/layer1
    """
    outer = _SCOPE.get()
    token = _SCOPE.set(f"{outer}/{name}" if outer else name)
    try:
        yield _SCOPE.get()
    finally:
        _SCOPE.reset(token)


@contextmanager
def device(name: str) -> Iterator[str]:
    """What is made inside the block is computed on a device: "cpu", "cuda", "cuda:1", ...

    So are its gradients. Copies between devices are put in where they are needed. Shared variables
    made inside live there. Gives the one name of the device.

    Raises
    ------
    UnknownDeviceError
        No device could be called that. Whether there is such a device is asked by `function`.

    >>> with device("cuda1") as name:
    ...     print(name)
    cuda:1
    """
    token = _DEVICE.set(canonical(name))
    try:
        yield _DEVICE.get()
    finally:
        _DEVICE.reset(token)


def user_place() -> Place:
    """The file and line of the innermost caller outside this package, and the scope there."""
    place = _PLACE.get()
    if place is not None:
        return place
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_own(frame.f_code.co_filename):
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno, _SCOPE.get(), _DEVICE.get())


def _is_own(file: str) -> bool:
    return file.startswith(PACKAGE) and file != DEMO
