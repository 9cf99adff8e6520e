"""Flags: by assignment, for a block, by the environment; and the folder of compiled code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph.config import config
from symgraph.errors import CacheError, ConfigError

PROGRAM = """
import numpy as np, symgraph as sg, symgraph.tensor as T
x = T.matrix("x")
f = sg.function([x], T.tanh(x).sum(0) * 1.25)
print(x.dtype, f(np.ones((2, 2), x.dtype)).tolist(), round(sum(f.seconds.values()), 3))
"""


def run(flags: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "SYMGRAPH_FLAGS": flags}
    return subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True)


def test_flags_of_the_environment(tmp_path: Path) -> None:
    answer = run(f"floatX=float32,cache_dir={tmp_path}")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("float32 [1.9")


def test_a_second_process_starts_warm(tmp_path: Path) -> None:
    flags = f"cache_dir={tmp_path}"
    cold, warm = run(flags), run(flags)
    times = [float(answer.stdout.split()[-1]) for answer in (cold, warm)]
    assert times[1] < times[0]
    assert cold.stdout.split("]")[0] == warm.stdout.split("]")[0]


def test_processes_fill_one_cache_at_once(tmp_path: Path) -> None:
    env = {**os.environ, "SYMGRAPH_FLAGS": f"cache_dir={tmp_path}"}
    command = [sys.executable, "-c", PROGRAM]
    running = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = [process.communicate()[0].split("]")[0] for process in running]
    assert len(set(answers)) == 1
    assert answers[0].startswith("float64 [1.9")


def test_damaged_code_is_written_anew(tmp_path: Path) -> None:
    flags = f"cache_dir={tmp_path}"
    first = run(flags)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(b"\\0garbage" + path.read_bytes()[: path.stat().st_size // 2])
    again = run(flags)
    assert again.returncode == 0, again.stderr
    assert again.stdout.split("]")[0] == first.stdout.split("]")[0]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    x = T.dvector("x")
    with config(cache_dir=str(folder)), pytest.raises(CacheError, match=str(folder)):
        sg.function([x], T.sin(x) * 1.75)
    assert not list(folder.iterdir())


def test_nothing_is_kept_without_a_cache(tmp_path: Path) -> None:
    x = T.dvector("x")
    with config(cache=False, cache_dir=str(tmp_path)):
        assert sg.function([x], T.cos(x) * 1.75)(np.zeros(1)).item() == 1.75
    assert not list(tmp_path.iterdir())


def test_mistakes_in_flags() -> None:
    with pytest.raises(ConfigError, match="floatX"):
        config.floatx = "float32"
    with pytest.raises(ConfigError, match="float16"):
        config.floatX = "double"
    answer = run("floatX=double")
    assert answer.returncode
    assert "floatX" in answer.stderr
    assert "Traceback" in answer.stderr


def test_a_block_ends_with_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), config(floatX="float32"):
        raise ZeroDivisionError
    assert config.floatX == "float64"
