"""The store: one compilation per text, nothing trusted that others can write, nothing converted."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core.errors import TypingError

from symgraph.backends import disk
from symgraph.backends.numba import store
from symgraph.errors import CacheError

SMALL = """from symgraph.backends.numba.runtime import *

@driver
def call(x):
    return x[0] + {0}
"""
SIGNATURE = (store.array("float64", 1),)
ANOTHER_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from symgraph.backends import disk
from symgraph.backends.numba import store
folder, text = Path(sys.argv[1]), sys.argv[2]
f = store.load(text, folder=folder, signature=(store.array("float64", 1),))
print(f(np.ones(3)), disk.stats())
"""
NUMBER = iter(range(1, 1000))
POSIX = os.name == "posix"


@pytest.fixture
def text(tmp_path: Path) -> str:
    """A text that no other test and no other run has loaded."""
    return f"# {tmp_path}\n" + SMALL.format(next(NUMBER))


def load(text: str, folder: Path | None) -> Any:
    return store.load(text, folder=folder, signature=SIGNATURE)


def in_another_process(text: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ANOTHER_PROCESS, str(folder), text]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    return out.strip()


def forget(text: str) -> None:
    """Make this process forget a module, so that the next load goes to the disk."""
    del sys.modules[disk.PREFIX + store._key(text, "call", SIGNATURE)]


def test_the_next_process_compiles_nothing(text: str, tmp_path: Path) -> None:
    value = load(text, tmp_path)(np.ones(3))
    assert {p.suffix for p in tmp_path.iterdir()} == {".py", ".bin"}
    found = finished(in_another_process(text, tmp_path))
    assert found == f"{value} {{'hits': 1, 'misses': 0}}"


def test_two_processes_fill_at_once(text: str, tmp_path: Path) -> None:
    first, second = (in_another_process(text, tmp_path) for _ in range(2))
    assert finished(first).split()[0] == finished(second).split()[0]
    assert finished(in_another_process(text, tmp_path)).endswith("{'hits': 1, 'misses': 0}")
    assert {p.suffix for p in tmp_path.iterdir()} == {".py", ".bin"}


def test_one_process_compiles_once(text: str, tmp_path: Path) -> None:
    before = disk.stats()
    first = load(text, tmp_path)
    assert load(text, tmp_path) is first
    assert disk.stats() == {"hits": before["hits"], "misses": before["misses"] + 1}


def test_the_key_tells_texts_and_signatures_apart(tmp_path: Path) -> None:
    keys = {
        store._key("a", "call", SIGNATURE),
        store._key("b", "call", SIGNATURE),
        store._key("a", "run", SIGNATURE),
        store._key("a", "call", (store.array("float32", 1),)),
    }
    assert len(keys) == 4


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign"])
def test_a_damaged_file_is_compiled_again(text: str, tmp_path: Path, damage: str) -> None:
    value = load(text, tmp_path)(np.ones(3))
    (file,) = tmp_path.glob("*.bin")
    good = file.read_bytes()
    flipped = good[:-100] + bytes([good[-100] ^ 1]) + good[-99:]
    bad = {"cut": good[:-1], "flipped": flipped, "empty": b"", "foreign": b"x" * 500}
    file.write_bytes(bad[damage])
    forget(text)
    misses = disk.stats()["misses"]
    assert load(text, tmp_path)(np.ones(3)) == value
    assert disk.stats()["misses"] == misses + 1
    forget(text)
    hits = disk.stats()["hits"]
    load(text, tmp_path)
    assert disk.stats()["hits"] == hits + 1


@pytest.mark.skipif(not POSIX, reason="no such permissions")
def test_a_new_folder_is_private(text: str, tmp_path: Path) -> None:
    load(text, tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not POSIX, reason="no such permissions")
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_others_can_write_is_refused(text: str, tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(CacheError, match="can be written by other users"):
        load(text, tmp_path)


@pytest.mark.skipif(not POSIX, reason="no such permissions")
def test_a_file_others_can_write_is_refused(text: str, tmp_path: Path) -> None:
    load(text, tmp_path)
    (file,) = tmp_path.glob("*.bin")
    file.chmod(0o666)
    forget(text)
    with pytest.raises(CacheError, match="chmod go-w"):
        load(text, tmp_path)


@pytest.mark.skipif(not POSIX, reason="no such permissions")
def test_a_folder_of_another_user_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(CacheError, match="belongs to another user"):
        load(text, tmp_path)


def test_without_a_folder_nothing_is_kept(text: str) -> None:
    assert load(text, None)(np.ones(3)) > 0


def test_a_folder_that_cannot_be_made_means_no_cache(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        assert load(text, tmp_path / "file" / "folder")(np.ones(3)) > 0
    assert "not kept on disk" in caplog.text


def test_a_full_disk_means_no_cache(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: Path, target: Any) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with caplog.at_level(logging.WARNING):
        assert load(text, tmp_path)(np.ones(3)) > 0
    assert caplog.text.count("No space left on device") == 1
    assert not list(tmp_path.iterdir())


def test_a_wrong_text_is_not_kept(tmp_path: Path) -> None:
    text = SMALL.format("unknown_name")
    for _ in range(2):
        with pytest.raises(TypingError, match="unknown_name"):
            load(text, tmp_path)


def test_tracebacks_show_the_text(text: str, tmp_path: Path) -> None:
    function = load(text, tmp_path)
    with pytest.raises(IndexError) as caught:
        function.py_func(np.ones(0))
    assert "return x[0]" in "".join(traceback.format_tb(caught.tb))


def test_clear(text: str, tmp_path: Path) -> None:
    load(text, tmp_path)
    (tmp_path / "mine.txt").write_text("")
    assert disk.clear(tmp_path) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


READ_ONLY = np.ones((2, 3), "f")
READ_ONLY.flags.writeable = False
UNALIGNED = np.zeros(25, np.uint8)[1:].view("f").reshape(2, 3)
MISFITS = {
    "dtype": np.ones((2, 3)),
    "integer dtype": np.ones((2, 3), np.int32),
    "byte order": np.ones((2, 3), ">f4"),
    "rank": np.ones((2, 3, 1), "f"),
    "lower rank": np.ones(2, "f"),
    "column-major": np.asfortranarray(np.ones((2, 3), "f")),
    "strided": np.ones((2, 6), "f")[:, ::2],
    "read-only": READ_ONLY,
    "unaligned": UNALIGNED,
    "list": [[1.0, 2.0]],
    "number": 1.0,
    "None": None,
}


@pytest.mark.parametrize("from_disk", [False, True])
@pytest.mark.parametrize("misfit", MISFITS)
def test_nothing_is_converted(
    example_text: str, example_signature: Any, cache: Path, misfit: str, from_disk: bool
) -> None:
    if from_disk:
        sys.modules.pop(disk.PREFIX + store._key(example_text, "call", example_signature), None)
    function = store.load(example_text, folder=cache, signature=example_signature)
    w, b = np.ones((3, 2), "f"), np.ones(2, "f")
    rest = np.zeros(4, np.int64), np.zeros(64, np.uint8)
    with pytest.raises(TypeError):
        function(*rest, MISFITS[misfit], w, b)
    assert function(*rest, np.ones((2, 3), "f"), w, b)[0].shape == (2, 2)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_scalars_are_not_taken_for_arrays_of_rank_0(tmp_path: Path) -> None:
    text = f"# {tmp_path}\n" + SMALL.replace("x[0] + {0}", "x[()]")
    function: Callable[..., Any] = store.load(
        text, folder=tmp_path, signature=(store.array("float64", 0),)
    )
    assert function(np.array(2.0)) == 2
    for number in (2.0, np.float64(2), 2, np.array([2.0])):
        with pytest.raises(TypeError):
            function(number)


def test_wrong_number_of_arguments(text: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        load(text, tmp_path)(np.ones(3), np.ones(3))
