"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from bench.peers import Peer


def describe(peers: Sequence[Peer]) -> str:
    """Processor, cores and versions, in one sentence."""
    versions = dict.fromkeys(f"{peer.package} {peer.version}" for peer in peers)
    parts = [
        f"{processor()}, {len(os.sched_getaffinity(0))} cores",
        f"float32, Python {platform.python_version()}",
        *versions,
    ]
    return ", ".join(parts) + "."


def processor() -> str:
    """The model of the processor, as Linux names it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
