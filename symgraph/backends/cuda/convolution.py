"""Convolutions on a device: launches of what `tiled.py` writes for the forms of `gathered.py`.

Results do not depend on anything but sizes and the device: what is summed over is cut only for the
cotangent of filters, which has few results of many terms, and its parts are added in order.
"""

from __future__ import annotations

from functools import cache, partial
from itertools import product
from math import prod
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from symgraph.backends.cuda.device import Device
from symgraph.backends.cuda.gathered import ByFilters, ByImages, Forward, Gathered
from symgraph.backends.cuda.handmade import Handmade
from symgraph.backends.cuda.tiled import Tile, kernel_of, text_of
from symgraph.ops.convolution import Conv, ConvInputs, ConvWeights

Convolution = Conv | ConvInputs | ConvWeights
Dims = tuple[int, ...]
FORMS: dict[type, type[Gathered]] = {Conv: Forward, ConvInputs: ByImages, ConvWeights: ByFilters}
LEAST_STEPS = 8  # of a part, in steps of a tile


class Sizes(NamedTuple):
    """The sizes of a convolution: images, filters and places, without batch and groups."""

    batch: int
    groups: int
    channels: int  # of a group
    filters: int  # of a group
    image: tuple[int, ...]
    kernel: tuple[int, ...]
    places: tuple[int, ...]
    lows: tuple[int, ...]

    @property
    def as_product(self) -> dict[type, tuple[int, int, int]]:
        """Rows, elements summed over and columns of each form."""
        area, spots, taps = map(prod, (self.image, self.places, self.kernel))
        return {
            Forward: (self.filters, self.channels * taps, self.batch * spots),
            ByImages: (self.channels, self.filters * taps, self.batch * area),
            ByFilters: (self.filters, self.batch * spots, self.channels * taps),
        }


def sizes_of(op: Convolution, image: Any, filters: Any, out: Any) -> Sizes:
    """From the shapes of images, filters and output."""
    kernel = tuple(filters[2:])
    lows = tuple(op.zeros(axis, size)[0] for axis, size in enumerate(kernel))
    groups = op.groups
    return Sizes(
        image[0], groups, filters[1], filters[0] // groups,
        tuple(image[2:]), kernel, tuple(out[2:]), lows,
    )  # fmt: skip


def convolve(device: Device, op: Conv, out: Any, x: Any, w: Any) -> None:
    """The convolution of images with filters."""
    _run(device, op, sizes_of(op, x.shape, w.shape, out.shape), out, w, x)


def by_images(device: Device, op: ConvInputs, out: Any, w: Any, given: Any) -> None:
    """The cotangent of images."""
    _run(device, op, sizes_of(op, out.shape, w.shape, given.shape), out, w, given)


def by_filters(device: Device, op: ConvWeights, out: Any, x: Any, given: Any) -> None:
    """The cotangent of filters."""
    _run(device, op, sizes_of(op, x.shape, out.shape, given.shape), out, given, x)


def _run(device: Device, op: Convolution, sizes: Sizes, out: Any, a: Any, b: Any) -> None:
    """Launch a form's kernel for each tile, group and part."""
    kind, dtype = FORMS[type(op)], out.dtype.name
    height, length, width = sizes.as_product[kind]
    if not (out.size and length):
        out[...] = 0
        return
    tile = _tile(device, height)
    down, across = -(-height // tile.height), -(-width // tile.width)
    tiles = down * across * sizes.groups
    parts, share = _parts(device, tiles, length, tile) if kind is ByFilters else (1, length)
    whole = out if parts == 1 else device.empty((parts, *out.shape), dtype)
    arrays = (x.reshape(-1) for x in (whole, a, b))
    table = _table(device, op, sizes.channels, sizes.filters, sizes.kernel)
    common = (height, length, width, down, across, sizes.groups, share)
    args = (tiles * parts, *arrays, table, *common, *_numbers(sizes))
    kernel = _loaded(device, kind(op.stride), tile, dtype)
    device.launch(kernel, tiles * parts, (tile.across, tile.down), args)
    if parts > 1:
        device.tools.xp.sum(whole, axis=0, out=out)


def _tile(device: Device, height: int) -> Tile:
    """The tile of a device, no higher than the result needs."""
    tile = device.tile
    while tile.rows > 1 and (tile.rows // 2) * tile.down >= height:
        tile = tile._replace(rows=tile.rows // 2)
    return tile


def _parts(device: Device, tiles: int, length: int, tile: Tile) -> tuple[int, int]:
    """In how many parts to sum, so that there are blocks enough, and the length of one."""
    steps = -(-length // tile.depth)
    wanted = min(-(-device.most_blocks // tiles), -(-steps // LEAST_STEPS))
    share = -(-steps // max(wanted, 1))
    return -(-steps // share), share * tile.depth


def _numbers(sizes: Sizes) -> tuple[int, ...]:
    """What `Gathered.sizes` names."""
    each = zip(sizes.image, sizes.places, sizes.lows, strict=True)
    taps, area, spots = map(prod, (sizes.kernel, sizes.image, sizes.places))
    return (sizes.channels, sizes.filters, taps, area, spots, *(n for axis in each for n in axis))


@cache
def _loaded(device: Device, form: Gathered, tile: Tile, dtype: str) -> Any:
    """A kernel as the device launches it."""
    named = kernel_of(form, dtype)
    kernel = Handmade(named.name, named.params, (), text=text_of(form, tile, dtype))
    return device.load(partial(module_of, form, tile, dtype), [kernel])[kernel.name]


def module_of(form: Gathered, tile: Tile, dtype: str) -> ModuleType:
    """The module of a kernel's text."""
    text = f"from symgraph.backends.cuda.words import *\n\n\n{text_of(form, tile, dtype)}"
    made = ModuleType(f"convolution_{type(form).__name__}_{dtype}")
    exec(compile(text, f"<{made.__name__}>", "exec"), made.__dict__)
    return made


@cache
def _table(device: Device, op: Convolution, channels: int, filters: int, kernel: Dims) -> Any:
    """What `gathered.py` says of it. It is small, and kept: recorded calls go on reading it."""
    taps = np.array(list(product(*map(range, kernel))), np.int64).reshape(-1, len(kernel))
    away = (np.array(kernel) - 1 - taps if op.flip else taps) * np.array(op.dilation)
    of_images = isinstance(op, ConvInputs)
    many = np.arange(filters if of_images else channels)[:, None] + 0 * taps[:, 0]
    stored = many * channels * len(taps) + np.arange(len(taps))
    axes = (np.broadcast_to(column, many.shape) for column in away.T)
    columns = [stored, many, *axes] if of_images else [many, *axes]
    rows = np.stack([np.ravel(column) for column in columns], axis=1)
    return device.put(rows).reshape(-1)
