"""Object code of LLVM modules: known by content, shared, kept on disk, compiled side by side."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from symgraph.backends import disk
from symgraph.backends.llvm import machine
from symgraph.backends.llvm.kernels import LOOPS, kernel_text
from symgraph.backends.llvm.machine import Module, begin, link
from symgraph.config import config
from symgraph.errors import CacheError
from symgraph.kernel import HI, LO, Buffer, Expr, Kernel, Load, Loop, Name, Store, call, lit


def counting(number: int) -> Module:
    """A module whose function `count` returns a number."""
    return Module(f"define i64 @count{number}() {{\n  ret i64 {number}\n}}\n")


def result(folder: Path | None, *numbers: int) -> list[int]:
    """What the functions of such modules return, linked together."""
    names = [f"count{n}" for n in numbers]
    code = link([counting(n) for n in numbers], folder, names, {})
    return [ctypes.CFUNCTYPE(ctypes.c_int64)(code.address(name))() for name in names]


@pytest.fixture(autouse=True)
def nothing_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_objects", {})
    monkeypatch.setattr(machine, "_pending", {})


def forget() -> None:
    machine._objects.clear()


def test_a_module_is_compiled_once(tmp_path: Path) -> None:
    before = disk.stats()
    assert result(tmp_path, 7) == [7]
    assert result(tmp_path, 7) == [7]
    forget()
    assert result(tmp_path, 7) == [7]
    after = disk.stats()
    assert after["misses"] == before["misses"] + 1
    assert after["hits"] == before["hits"] + 1


def test_many_modules_side_by_side(tmp_path: Path) -> None:
    numbers = range(40)
    assert result(tmp_path, *numbers) == list(numbers)
    assert len(disk.files(tmp_path)) == len(numbers)


def test_a_damaged_file_is_compiled_anew(tmp_path: Path) -> None:
    result(tmp_path, 3)
    (file,) = disk.files(tmp_path)
    file.write_bytes(file.read_bytes()[:-9])
    forget()
    misses = disk.stats()["misses"]
    assert result(tmp_path, 3) == [3]
    assert disk.stats()["misses"] == misses + 1
    forget()
    assert result(tmp_path, 3) == [3]
    assert disk.stats()["misses"] == misses + 1


def test_a_folder_or_file_that_others_can_write_is_refused(tmp_path: Path) -> None:
    result(tmp_path, 3)
    (file,) = disk.files(tmp_path)
    forget()
    file.chmod(0o666)
    with pytest.raises(CacheError, match="can be written by other users"):
        result(tmp_path, 3)
    file.chmod(0o600)
    tmp_path.chmod(0o777)
    with pytest.raises(CacheError, match="can be written by other users"):
        result(tmp_path, 3)


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    assert result(None, 1, 2) == [1, 2]
    assert not disk.files(tmp_path)


def mapped(source: str, target: str, index: str, times: int) -> Kernel:
    """A kernel that takes the exponential of each element several times."""
    x, out = Buffer(source, "float64"), Buffer(target, "float64")
    value: Expr = Load(x, Name(index))
    for _ in range(times):
        value = call("exp", value)
    return Kernel(source, (x, out), (Loop(index, LO, HI, (Store(out, Name(index), value),)),))


def test_names_make_no_difference() -> None:
    assert kernel_text(mapped("x", "y", "i", 1)) == kernel_text(mapped("a", "b", "n", 1))
    assert kernel_text(mapped("x", "y", "i", 1)).name != kernel_text(mapped("x", "y", "i", 2)).name


def test_the_address_of_a_row_is_a_step_of_its_own() -> None:
    """Else LLVM 20 gathers the elements of a part of a row, which takes five times as long."""
    x, out = Buffer("x", "float32"), Buffer("out", "float32")
    i, j = Name("i"), Name("j")
    row = Store(out, i * 128 + j, Load(x, i * 512 + (j + 256)))
    loops = Loop("i", LO, HI, (Loop("j", lit(0), lit(128), (row,)),))
    text = kernel_text(Kernel("part", (x, out), (loops,))).text
    assert text.count("getelementptr inbounds float") == 4
    back = Store(out, j, Load(x, 128 * i + (-1 + j)))
    loops = Loop("i", LO, HI, (Loop("j", lit(1), lit(128), (back,)),))
    text = kernel_text(Kernel("back", (x, out), (loops,))).text
    assert text.count("getelementptr inbounds float") == 2  # x - 1 lies outside


def test_only_long_loops_go_without_interleaving() -> None:
    for times, alone in (1, False), (3, True):
        text = kernel_text(mapped("x", "y", "i", times)).text
        marks = [LOOPS[True, apart] for apart in (False, True)]
        assert any(f"{mark}\n" in text for mark in marks) == alone


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of the modules that are compiled from now on."""
    texts, real = [], machine._compiled

    def noted(module: Module) -> bytes:
        texts.append(module.text)
        return real(module)

    monkeypatch.setattr(machine, "_compiled", noted)
    return texts


def test_what_was_begun_is_compiled_once(tmp_path: Path, compiled: list[str]) -> None:
    with config(threads=2):
        for _ in range(2):
            begin([counting(n) for n in (1, 2)], tmp_path)
        assert machine._pending.keys() == {counting(n).key for n in (1, 2)}
        assert result(tmp_path, 1, 2, 3) == [1, 2, 3]
        assert not machine._pending
        begin([counting(n) for n in (1, 2, 3)], tmp_path)  # all there
        forget()
        begin([counting(n) for n in (1, 2, 3)], tmp_path)  # on disk
        assert not machine._pending
    assert sorted(compiled) == sorted(counting(n).text for n in (1, 2, 3))


def test_one_thread_begins_nothing(tmp_path: Path, compiled: list[str]) -> None:
    with config(threads=1):
        begin([counting(4)], tmp_path)
        assert not machine._pending
        assert not compiled
        assert result(tmp_path, 4, 5) == [4, 5]
    assert len(compiled) == 2


def test_an_error_of_what_was_begun_is_raised_where_it_is_linked(tmp_path: Path) -> None:
    wrong = Module("define i64 @wrong() { nonsense }")
    with config(threads=2):
        begin([wrong], tmp_path)
        for _ in range(2):  # and again, not waited for for ever
            with pytest.raises(RuntimeError, match=r"nonsense|expected instruction"):
                link([wrong], tmp_path, ["wrong"], {})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_child_links_what_its_parent_had_begun(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from symgraph.backends.llvm.machine import Module, begin, link, _pending\n"
        "import symgraph; symgraph.config.threads = 2\n"
        "m = Module('define i64 @f() {\\n  ret i64 7\\n}\\n')\n"
        "begin([m], None); assert _pending\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    link([m], None, ['f'], {}); os._exit(3)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3\n"
        "link([m], None, ['f'], {})"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)
