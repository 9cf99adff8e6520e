"""Tests of the CUDA target: on a card, or in numba's simulator if NUMBA_ENABLE_CUDASIM is set.

numba has to be told before it is imported, so the suite runs this folder in a process of its own
(`tests/test_simulated_gpu.py`). Without a simulator or a card there is nothing to run.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from numba import cuda
from numba.cuda.core import config

RUNS = config.ENABLE_CUDASIM or cuda.is_available()
collect_ignore_glob = [] if RUNS else ["test_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cuda)
