"""Folders of compiled code: private, written without locks, never trusted when damaged.

Files appear by atomic rename, so processes share a folder without locks. Object code is run, so a
folder that others could write to is refused. Machine code stands behind its checksum; a file that
does not match is as good as none.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections import Counter
from pathlib import Path

from symgraph.errors import CacheError
from symgraph.later import Later

PREFIX = "symgraph_"
SUFFIXES = (".py", ".bin", ".obj", ".lib", ".fun", ".ptx", ".tmp")
DIGEST_SIZE = hashlib.sha256().digest_size
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

tempfile = Later("tempfile")
log = logging.getLogger(__name__)
counts: Counter[str] = Counter()
_warned: set[str] = set()


def stats() -> dict[str, int]:
    """Count the modules this process read from disk (`hits`) and had to compile (`misses`)."""
    return {"hits": counts["hits"], "misses": counts["misses"]}


def files(folder: Path) -> list[Path]:
    """The files of compiled code in a folder."""
    return [p for p in folder.glob(f"{PREFIX}*") if p.suffix in SUFFIXES and p.is_file()]


def clear(folder: Path) -> int:
    """Delete compiled code in `folder`; return how many files there were."""
    found = files(folder)
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)


def usable(folder: Path | None) -> Path | None:
    """`folder`, made if need be; None if it cannot be made."""
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_foreign(folder)
    except CacheError:
        raise
    except OSError as error:
        warn(f"compiled code is not kept on disk: {error}")
        return None
    return folder


def refuse_foreign(path: Path) -> None:
    """Raise `CacheError` if `path` belongs to another user, or others may write to it."""
    if not hasattr(os, "geteuid"):
        return
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise CacheError(
            f"{path} belongs to another user; machine code from it could do anything. "
            "Set config.cache_dir to a folder of your own, or config.cache to False"
        )
    if found.st_mode & WRITABLE_BY_OTHERS:
        raise CacheError(
            f"{path} can be written by other users; machine code from it could do anything. "
            f"Run `chmod go-w {path}`, or set config.cache_dir to another folder"
        )


def warn(message: str) -> None:
    """Log a warning once."""
    if message not in _warned:
        _warned.add(message)
        log.warning(message)


def write(file: Path, content: bytes) -> None:
    """Make `file` appear with its whole content, or not at all."""
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=file.parent, prefix=PREFIX, suffix=".tmp", delete=False
        ) as stream:
            temporary = Path(stream.name)
            stream.write(content)
        temporary.replace(file)
    except OSError as error:
        warn(f"compiled code is not kept on disk: {error}")
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def keep(file: Path, content: bytes) -> None:
    """Write `content` behind its checksum."""
    write(file, hashlib.sha256(content).digest() + content)


def kept(file: Path | None) -> bytes | None:
    """What `keep` wrote; None if there is nothing, or something else."""
    if file is None or not file.exists():
        return None
    refuse_foreign(file)
    try:
        stored = file.read_bytes()
    except OSError as error:
        warn(f"compiled code cannot be read: {error}")
        return None
    digest, content = stored[:DIGEST_SIZE], stored[DIGEST_SIZE:]
    return content if hashlib.sha256(content).digest() == digest else None
