"""Names of devices: "cpu" and "cuda:0", "cuda:1", ...; and the other ways to write them."""

from __future__ import annotations

import re

from symgraph.errors import UnknownDeviceError

CPU = "cpu"
_CUDA = re.compile(r"(?:cuda|gpu)(?::?(\d+))?")
_given: dict[str, str] = {}  # names that a program gave to devices


def canonical(name: object) -> str:
    """The one name of a device, which may be written as Theano's programs do.

    Whether there is such a device is asked when something is to run on it, not here: a graph may be
    built, and a model read, on another machine.

    Raises
    ------
    UnknownDeviceError
        No device could be called that.

    >>> [canonical(name) for name in ("cpu", "cuda", "cuda1", "gpu", "cuda:2")]
    ['cpu', 'cuda:0', 'cuda:1', 'cuda:0', 'cuda:2']
    """
    if name == CPU:
        return CPU
    if name in _given:
        return _given[str(name)]
    found = _CUDA.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise UnknownDeviceError(
            f'there is no device {name!r}; devices are called "cpu", "cuda" (the first GPU),'
            ' "cuda:1", ...; `symgraph devices` lists those of this machine'
        )
    return f"cuda:{int(found[1] or 0)}"


def give_name(name: str, device: str) -> None:
    """Let `name` stand for a device: Theano's `contexts=dev0->cuda0`."""
    _given[name] = canonical(device)


def number(device: str) -> int:
    """The number of a GPU, by its canonical name.

    >>> number("cuda:1")
    1
    """
    return int(device.partition(":")[2])
