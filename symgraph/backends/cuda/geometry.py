"""How a launch is cut into blocks and teams: a function of sizes and of the device alone."""

from __future__ import annotations

from typing import NamedTuple

from symgraph.backends.cuda.device import Device

WARP = 32  # threads that exchange numbers without a barrier


class Geometry(NamedTuple):
    """Blocks, teams in a block, threads in a team."""

    blocks: int
    teams: int
    members: int


def geometry(device: Device, extent: int, width: int) -> Geometry:
    """The launch of `extent` runs, each by a team for `width` elements; 1 for a thread alone.

    A team of up to a warp has as many threads as it has elements. It is larger only if there would
    be too few threads for the device otherwise, or if its row is long.
    """
    if width <= 1:
        threads = min(device.block, extent)
        return Geometry(_enough(device, extent, threads), threads, 1)
    members = min(_power(width), device.warp)
    wanted = device.most_blocks * device.block
    while members < min(width, device.block) and (
        members * extent < wanted or width > 32 * members
    ):
        members *= 2
    teams = 1 if members > device.warp or device.one_team else device.block // members
    return Geometry(_enough(device, extent, teams), teams, members)


def _enough(device: Device, extent: int, at_once: int) -> int:
    return max(1, min(-(-extent // at_once), device.most_blocks * device.block // max(at_once, 1)))


def _power(width: int) -> int:
    """The least power of two that is not below `width`."""
    return 1 << max(0, width - 1).bit_length()
