"""How a driver says that a guard failed."""

from __future__ import annotations


class Stop(Exception):  # noqa: N818 - not an error by itself: the caller says what it means
    """Raised by a driver with the number of the failed guard and the values it reports."""
