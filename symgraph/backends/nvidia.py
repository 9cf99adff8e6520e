"""What a machine has of what a GPU needs: cards, the driver, the packages; and what is missing.

The driver is asked through its C interface, so that nothing of CUDA needs to be installed to
learn that a card is there.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from symgraph.config import config
from symgraph.dataclass import dataclass
from symgraph.devices import number
from symgraph.errors import (
    DeviceError,
    MissingExtraError,
    NoDeviceError,
    OldDriverError,
    UnknownDeviceError,
)
from symgraph.later import Later

metadata = Later("importlib.metadata")
LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
MAJOR, MINOR = 75, 76  # attributes of a card in the driver's interface: its compute capability
LEAST_CAPABILITY = {12: (5, 0), 13: (7, 5)}  # by the major version of CUDA
SIMULATED = 4  # how many devices the simulator stands for
EXTRAS = {12: "cuda12", 13: "cuda"}  # by the major version of CUDA


@dataclass(frozen=True)
class Card:
    """One GPU: its name, compute capability and bytes of memory."""

    name: str
    capability: tuple[int, int]
    memory: int


@dataclass(frozen=True)
class Machine:
    """What was found.

    Attributes
    ----------
    driver
        The newest CUDA version that the driver can run, as (major, minor); None without a driver.
    cards
        The GPUs, by number.
    packages
        The packages installed of those needed, with their versions.
    toolkit
        The major version of CUDA that CuPy is built for; None without CuPy.
    simulated
        Whether numba's simulator stands in for a card.
    """

    driver: tuple[int, int] | None = None
    cards: tuple[Card, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()
    toolkit: int | None = None
    simulated: bool = False

    @property
    def count(self) -> int:
        """How many devices there are."""
        return SIMULATED if self.simulated else len(self.cards)

    def check(self, device: str = "cuda:0") -> None:
        """Raise what stands in the way of computing on a device, if anything does."""
        error = self.problem(number(device))
        if error is not None:
            raise error

    def problem(self, place: int = 0) -> DeviceError | None:
        """What is missing for the GPU of that number, and how to get it."""
        if not self.simulated:
            missing = self._no_card() or self._no_package() or self._old()
            if missing is not None:
                return missing
        if place >= self.count:
            have = ", ".join(f"cuda:{n}" for n in range(self.count))
            return UnknownDeviceError(f"there is no device cuda:{place}; this machine has {have}")
        return None

    def _no_card(self) -> DeviceError | None:
        if self.driver is None:
            return NoDeviceError(
                f"no GPU can be used here: NVIDIA's driver ({LIBRARY}) is not installed. Install it"
                " if there is an NVIDIA card, else leave device= out, or pass device='cpu'"
            )
        if not self.cards:
            return NoDeviceError(
                "no GPU can be used here: the driver finds no NVIDIA card. See what `nvidia-smi`"
                " says and whether CUDA_VISIBLE_DEVICES hides the card, or pass device='cpu'"
            )
        return None

    def _no_package(self) -> DeviceError | None:
        assert self.driver is not None
        names = {name for name, _ in self.packages}
        missing = [name for name in ("numba-cuda", "cupy") if name not in names]
        if not missing:
            return None
        return MissingExtraError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed; get"
            f" what a GPU needs by: pip install 'symgraph[{self.extra}]'"
        )

    def _old(self) -> DeviceError | None:
        assert self.driver is not None
        needed = min(EXTRAS) if self.toolkit is None else self.toolkit
        if self.driver[0] < needed:
            older = f", or install 'symgraph[{self.extra}]' instead" * (self.driver[0] in EXTRAS)
            return OldDriverError(
                f"NVIDIA's driver can run CUDA {dotted(self.driver)}, and the packages installed"
                f" need CUDA {needed}; update the driver{older}"
            )
        least = LEAST_CAPABILITY.get(needed, (0, 0))
        if all(card.capability < least for card in self.cards):
            card = self.cards[0]
            return NoDeviceError(
                f"{card.name} has compute capability {dotted(card.capability)}, and CUDA {needed}"
                f" needs {dotted(least)}; install 'symgraph[{EXTRAS[min(EXTRAS)]}]' instead, or"
                " pass device='cpu'"
            )
        return None

    @property
    def extra(self) -> str:
        """The extra of symgraph to install here."""
        major = max(EXTRAS) if self.driver is None else self.driver[0]
        return EXTRAS[max((n for n in EXTRAS if n <= major), default=min(EXTRAS))]


def dotted(pair: tuple[int, int]) -> str:
    """A version as people write it."""
    return f"{pair[0]}.{pair[1]}"


def load_driver() -> Any:
    """The driver's library, None if there is none."""
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError:
        return None


def machine(load: Callable[[], Any] = load_driver) -> Machine:
    """What there is on this machine; `load` gives the driver's library."""
    packages, toolkit = _packages()
    driver = load()
    found, cards = (None, ()) if driver is None else _asked(driver)
    return Machine(found, cards, packages, toolkit, config.simulator)


@cache
def this_machine() -> Machine:
    """What there is on this machine, looked up once."""
    return machine()


def _packages() -> tuple[tuple[tuple[str, str], ...], int | None]:
    found: list[tuple[str, str]] = []
    with suppress(metadata.PackageNotFoundError):
        found.append(("numba-cuda", metadata.version("numba-cuda")))
    toolkit = None
    for package in metadata.distributions():
        name = str(package.metadata["Name"] or "")
        if name == "cupy" or name.startswith("cupy-cuda"):
            found.append(("cupy", f"{package.version} ({name})"))
            digits = name.removeprefix("cupy-cuda")[:2]
            toolkit = int(digits) if digits.isdigit() else None
    return tuple(found), toolkit


def _asked(driver: Any) -> tuple[tuple[int, int] | None, tuple[Card, ...]]:
    """The version and the cards that the driver tells of."""
    word = ctypes.c_int()
    if driver.cuDriverGetVersion(ctypes.byref(word)):
        return None, ()
    supported = word.value // 1000, word.value % 1000 // 10
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(word)):
        return supported, ()
    return supported, tuple(_card(driver, n) for n in range(word.value))


def _card(driver: Any, place: int) -> Card:
    handle, word, size = ctypes.c_int(), ctypes.c_int(), ctypes.c_size_t()
    driver.cuDeviceGet(ctypes.byref(handle), place)
    name = ctypes.create_string_buffer(128)
    driver.cuDeviceGetName(name, len(name), handle)
    pair = []
    for attribute in (MAJOR, MINOR):
        driver.cuDeviceGetAttribute(ctypes.byref(word), attribute, handle)
        pair.append(word.value)
    driver.cuDeviceTotalMem_v2(ctypes.byref(size), handle)
    return Card(name.value.decode(), (pair[0], pair[1]), size.value)
