"""Kernels of matrix products whose second factor is gathered: convolutions without a patch matrix.

A block of threads computes a tile of the result. It goes along what is summed over in steps, puts
that much of both factors into shared memory, and adds products to accumulators in registers. What
an element of a factor is, a form says (`gathered.py`): only the tile is ever stored of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from symgraph.kernel import INT, Buffer, Kernel, Name

Lines = Iterator[str]


class Tile(NamedTuple):
    """The threads of a block along columns and rows, the results of each, the length of a step."""

    across: int
    down: int
    columns: int
    rows: int
    depth: int

    @property
    def threads(self) -> int:
        """The threads of a block."""
        return self.across * self.down

    @property
    def width(self) -> int:
        """The columns of a tile."""
        return self.across * self.columns

    @property
    def height(self) -> int:
        """The rows of a tile."""
        return self.down * self.rows


class Form(ABC):
    """What the elements of two factors are, and where those of the result belong.

    Texts see the numbers of the row `m`, the column `n`, the element `k` that is summed over, of
    the group, and the parameters.
    """

    along: ClassVar[bool] = False  # whether the second factor lies along what is summed over

    @property
    @abstractmethod
    def sizes(self) -> tuple[str, ...]:
        """The integers the kernel takes besides those that all take."""

    @abstractmethod
    def column(self) -> Lines:
        """What is known of a column."""

    @abstractmethod
    def element(self) -> Lines:
        """What is known of an element that is summed over."""

    @abstractmethod
    def first(self) -> str:
        """The element of the first factor in row `m`."""

    @abstractmethod
    def second(self) -> Lines:
        """Set `value` to the element of the second factor in column `n`, if it is not 0."""

    @abstractmethod
    def place(self) -> tuple[str, str]:
        """Where the result of row 0 and column `n` is stored, and how far further each row is."""


# Rows, elements summed over, columns; tiles along rows and columns, groups; elements of a part.
COMMON = ("height", "length", "width", "tiles_down", "tiles_across", "groups", "share")


def kernel_of(form: Form, dtype: str) -> Kernel:
    """The name and parameters of a kernel; its body is text."""
    arrays = tuple(Buffer(name, dtype) for name in ("out", "a", "b"))
    numbers = tuple(Name(name, INT) for name in (*COMMON, *form.sizes))
    return Kernel("product", (*arrays, Buffer("table", INT), *numbers), ())


def text_of(form: Form, tile: Tile, dtype: str) -> str:
    """The kernel as a function of Python, in the words of `words.py`."""
    kernel = kernel_of(form, dtype)
    names = [p.name if isinstance(p, Buffer) else p.id for p in kernel.params]
    head = f"@kernel\ndef {kernel.name}({', '.join(['extent', *names])}):"
    memory = f"tile_of_block = room({tile.depth * (tile.height + tile.width + 2)}, {dtype})\n\n"
    return "\n".join([memory, head, *_indented(_body(form, tile, dtype))]) + "\n"


def _indented(lines: Lines) -> Lines:
    return (f"    {line}" for line in lines)


def _body(form: Form, tile: Tile, dtype: str) -> Lines:
    yield f"across, down = member(), team() % {tile.down}"
    yield f"block, here = team() // {tile.down}, (team() % {tile.down}) * {tile.across} + member()"
    yield "tile_across, rest = block % tiles_across, block // tiles_across"
    yield "tile_down, rest = rest % tiles_down, rest // tiles_down"
    yield "group, part = rest % groups, rest // groups"
    yield f"top, left = tile_down * {tile.height}, tile_across * {tile.width}"
    yield "tile = tile_of_block()"
    for i in range(tile.rows):
        for j in range(tile.columns):
            yield f"sum_{i}_{j} = {dtype}(0)"
    if not form.along:
        yield f"n = left + here % {tile.width}"
        yield from form.column()
    yield "start = part * share"
    yield "end = min(start + share, length)"
    yield "while start < end:"
    yield from _indented(_firsts(form, tile, dtype))
    yield from _indented(_seconds(form, tile, dtype))
    yield "    block_sync()"
    yield f"    for step in range({tile.depth}):"
    yield from _indented(_indented(_sums(tile)))
    yield "    block_sync()"
    yield f"    start += {tile.depth}"
    yield from _stores(form, tile)


def _firsts(form: Form, tile: Tile, dtype: str) -> Lines:
    """The first factor's part of a step: its elements lie along what is summed over."""
    rows = tile.threads // tile.depth
    yield f"k = start + here % {tile.depth}"
    if form.along:
        yield from form.element()
    yield f"for number in range({tile.height // rows}):"
    yield f"    m = top + here // {tile.depth} + number * {rows}"
    yield f"    value = {dtype}(0)"
    yield "    if m < height and k < end:"
    yield f"        value = {form.first()}"
    yield f"    tile[here % {tile.depth} * {tile.height + 1} + m - top] = value"


def _seconds(form: Form, tile: Tile, dtype: str) -> Lines:
    """The second factor's part of a step."""
    wide, deep = (tile.depth, tile.width) if form.along else (tile.width, tile.depth)
    further = tile.threads // wide
    other = f"here // {wide} + number * {further}"
    yield f"for number in range({deep // further}):"
    yield f"    n = left + {other}" if form.along else f"    k = start + {other}"
    yield f"    value = {dtype}(0)"
    yield "    if n < width and k < end:"
    yield from _indented(_indented(form.second()))
    yield f"    tile[{_behind(tile)} + (k - start) * {tile.width + 1} + n - left] = value"


def _sums(tile: Tile) -> Lines:
    for i in range(tile.rows):
        yield f"a_{i} = tile[step * {tile.height + 1} + down + {i * tile.down}]"
    for j in range(tile.columns):
        place = f"step * {tile.width + 1} + across + {j * tile.across}"
        yield f"b_{j} = tile[{_behind(tile)} + {place}]"
    for i in range(tile.rows):
        for j in range(tile.columns):
            yield f"sum_{i}_{j} = fma(a_{i}, b_{j}, sum_{i}_{j})"


def _behind(tile: Tile) -> int:
    """Where the second factor's part of a tile begins.

    One number is left free behind each run, so that threads which store a column use all banks.
    """
    return tile.depth * (tile.height + 1)


def _stores(form: Form, tile: Tile) -> Lines:
    start, pitch = form.place()
    for j in range(tile.columns):
        yield f"n = left + across + {j * tile.across}"
        yield "if n < width:"
        yield f"    place = {start}"
        for i in range(tile.rows):
            yield f"    m = top + down + {i * tile.down}"
            yield "    if m < height:"
            yield f"        out[place + m * {pitch}] = sum_{i}_{j}"
