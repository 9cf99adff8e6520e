"""The tests of `tests/cuda` in numba's CUDA simulator, which needs a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FOLDER

HERE = Path(__file__).parent


def test_the_cuda_target_in_the_simulator(own_cache: Path, pytestconfig: pytest.Config) -> None:
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", FOLDER: str(own_cache)}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += ["--fuzz", str(pytestconfig.getoption("--fuzz"))]
    ran = subprocess.run(
        [*command, str(HERE / "cuda")],
        cwd=HERE.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
