"""Kernels of convolutions as PTX, for which no GPU is needed."""

from __future__ import annotations

import re

import pytest

from symgraph.backends.cuda import ptx, ptx_store
from symgraph.backends.cuda.convolution import module_of
from symgraph.backends.cuda.device import Card
from symgraph.backends.cuda.gathered import ByFilters, ByImages, Forward, Gathered
from symgraph.backends.cuda.tiled import kernel_of

BLOCK = 48 * 1024  # bytes that a block may share on any card


@pytest.mark.parametrize("kind", [Forward, ByImages, ByFilters])
def test_products_are_summed_in_registers_from_shared_memory(kind: type[Gathered]) -> None:
    form, tile = kind((1, 2)), Card.tile
    library = ptx.library_of(module_of(form, tile, "float32"), kernel_of(form, "float32"))
    for capability in (ptx.AMPERE, ptx.HOPPER):
        text = ptx.ptx_of(library, capability)
        assert ptx_store.entry_of(text)
        assert not re.search(r"\.local|__local_depot|\bcall\b", text)
        assert not re.search(r"\.f64", text)
        sums = tile.rows * tile.columns
        assert len(re.findall(r"fma\.rn\.f32", text)) % sums == 0
        assert len(re.findall(r"ld\.shared", text)) % (tile.rows + tile.columns) == 0
        (size,) = re.findall(r"\.shared .*\[(\d+)\]", text)
        assert 2 * int(size) <= BLOCK  # of float64 it would be twice as much


def test_threads_share_the_loads_of_a_step() -> None:
    tile = Card.tile
    assert tile.threads % tile.depth == 0 == tile.threads % tile.width
    assert tile.height * tile.depth % tile.threads == 0 == tile.width * tile.depth % tile.threads
