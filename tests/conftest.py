"""Options of the test suite, and a cache of compiled code that each run has to itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from symgraph.config import config

FOLDER = "SYMGRAPH_TEST_FOLDER"  # of compiled code, for a run that another run has started


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, default=500, help="how many random graphs to try")
    parser.addoption("--fuzz-seed", type=int, default=None, help="try this random graph only")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Compiled code goes to a private folder, so that a run starts cold and leaves nothing.

    The workers of one run share it: what one has compiled no other compiles again.
    """
    base = tmp_path_factory.getbasetemp()
    own = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiled"
    folder = Path(os.environ.get(FOLDER, own))
    folder.mkdir(mode=0o700, exist_ok=True)
    before = config.cache_dir
    config.cache_dir = str(folder)
    yield folder
    config.cache_dir = before
