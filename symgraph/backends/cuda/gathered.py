"""Convolutions as products of matrices, of which one is gathered from images.

| | rows | columns | summed over |
| --- | --- | --- | --- |
| forward | filters | places of all images | channels and taps |
| by images | channels | elements of all images | filters and taps |
| by filters | filters | channels and taps | places of all images |

each for the channels of one group. `table` says for each channel and tap which channel it is, and
how far along each axis the tap lies from a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from symgraph.backends.cuda.tiled import Form
from symgraph.dataclass import dataclass

Lines = Iterator[str]


@dataclass(frozen=True)
class Gathered(Form):
    """What the three forms share: steps between places, along each axis."""

    stride: tuple[int, ...]
    entries: ClassVar[int] = 1  # numbers of the table in front of those of the axes

    @property
    def axes(self) -> range:
        """The axes of an image."""
        return range(len(self.stride))

    @property
    def sizes(self) -> tuple[str, ...]:
        """Channels or filters of a group, sizes of an image, of the places, of the border."""
        each = (f"{name}_{d}" for d in self.axes for name in ("size", "places", "low"))
        return ("channels", "filters", "taps", "area", "spots", *each)

    def split(self, number: str, of: str) -> Lines:
        """The image that a number counts up to, and the index along each axis."""
        yield f"rest = {number}"
        for d in reversed(self.axes):
            yield f"at_{d}, rest = rest % {of}_{d}, rest // {of}_{d}"
        yield "image = rest"

    def flat(self, words: Sequence[str], of: str) -> str:
        """The row-major number of an index."""
        text = words[0]
        for d, word in enumerate(words[1:], 1):
            text = f"({text}) * {of}_{d} + {word}"
        return text

    def entry(self, row: str, number: int) -> str:
        """A number of the table."""
        width = self.entries + len(self.stride)
        return f"table[{row} * {width} + {number}]"

    def corner(self) -> Lines:
        """Where a place begins, and the images of its group."""
        for d in self.axes:
            yield f"at_{d} = at_{d} * {self.stride[d]} - low_{d}"
        yield "base = (image * groups + group) * channels * area"

    def under(self, row: str) -> Lines:
        """Set `value` to what lies under a tap, if that is in the image."""
        for d in self.axes:
            yield f"near_{d} = at_{d} + {self.entry(row, self.entries + d)}"
        tests = (f"near_{d} >= 0 and near_{d} < size_{d}" for d in self.axes)
        yield f"if {' and '.join(tests)}:"
        here = self.flat([f"near_{d}" for d in self.axes], "size")
        yield f"    value = b[base + {self.entry(row, 0)} * area + {here}]"


class Forward(Gathered):
    """The convolution: filters by what lies under each place."""

    def column(self) -> Lines:
        """A place."""
        yield from self.split("n", "places")
        yield from self.corner()

    def element(self) -> Lines:
        """Nothing: the table says all."""
        yield from ()

    def first(self) -> str:
        """A filter's."""
        return "a[(group * height + m) * length + k]"

    def second(self) -> Lines:
        """What lies under a tap."""
        yield from self.under("k")

    def place(self) -> tuple[str, str]:
        """By images, filters, places."""
        return "(n // spots * groups + group) * height * spots + n % spots", "spots"


class ByImages(Gathered):
    """The cotangent of images: filters by the places which an element lies under."""

    entries: ClassVar[int] = 2

    def column(self) -> Lines:
        """An element of an image, counted from where the border begins."""
        yield from self.split("n", "size")
        for d in self.axes:
            yield f"at_{d} += low_{d}"
        yield "base = (image * groups + group) * filters * spots"

    def element(self) -> Lines:
        """Nothing: the table says all."""
        yield from ()

    def first(self) -> str:
        """A filter's."""
        return f"a[group * filters * height * taps + {self.entry('k', 0)} + m * taps]"

    def second(self) -> Lines:
        """The cotangent at the place whose tap lies on the element, if there is one."""
        tests = []
        for d, step in enumerate(self.stride):
            yield f"from_{d} = at_{d} - {self.entry('k', self.entries + d)}"
            tests.append(f"from_{d} >= 0 and from_{d} < places_{d} * {step}")
            if step > 1:
                tests.append(f"from_{d} % {step} == 0")
        places = [f"from_{d} // {step}" if step > 1 else f"from_{d}"
                  for d, step in enumerate(self.stride)]  # fmt: skip
        yield f"if {' and '.join(tests)}:"
        here = self.flat(places, "places")
        yield f"    value = b[base + {self.entry('k', 1)} * spots + {here}]"

    def place(self) -> tuple[str, str]:
        """By images, channels, elements."""
        return "(n // area * groups + group) * height * area + n % area", "area"


class ByFilters(Gathered):
    """The cotangent of filters: cotangents by what lies under each tap, over all places."""

    along: ClassVar[bool] = True

    def column(self) -> Lines:
        """Nothing: the table says all."""
        yield from ()

    def element(self) -> Lines:
        """A place."""
        yield from self.split("k", "places")
        spot = self.flat([f"at_{d}" for d in self.axes], "places")
        yield f"given = (image * groups + group) * height * spots + {spot}"
        yield from self.corner()

    def first(self) -> str:
        """The cotangent's."""
        return "a[given + m * spots]"

    def second(self) -> Lines:
        """What lies under a tap."""
        yield from self.under("n")

    def place(self) -> tuple[str, str]:
        """By parts, filters, channels and taps."""
        return "(part * groups + group) * height * width + n", "width"
