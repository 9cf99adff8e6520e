from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from symgraph.backends import threads
from symgraph.backends.numba import store

EXAMPLE = (Path(__file__).parent / "dense_example.py").read_text()
SIGNATURE = (
    store.array("int64", 1),
    store.array("uint8", 1),
    *(store.array("float32", n) for n in (2, 2, 1)),
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """No pool, whatever functions compiled by other tests left behind."""
    threads.set_threads(1)


@pytest.fixture
def two_threads(one_thread: None) -> Iterator[None]:
    """A pool of two threads that hands out any launch at all."""
    threads.set_threads(2)
    yield
    threads.set_threads(1)


@pytest.fixture
def example(tmp_path: Path) -> Callable[..., Any]:
    """The dense layer of dense_example.py."""
    return store.load(EXAMPLE, folder=tmp_path, signature=SIGNATURE)


@pytest.fixture
def example_text() -> str:
    return EXAMPLE


@pytest.fixture
def example_signature() -> tuple[Any, ...]:
    return SIGNATURE
