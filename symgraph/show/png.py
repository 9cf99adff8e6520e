"""A drawing as pixels, by Pillow (the extra `png`)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from symgraph.errors import ExportError
from symgraph.show.layout import Box, Layout, Point, Wire
from symgraph.show.svg import (
    FAINT_INK,
    HEAD,
    HUES,
    INK,
    LIGHT_BOXES,
    MARGIN,
    PAPER,
    ROUND,
    WIRE,
    box_texts,
    kernel_colours,
    slopes_of,
    title_of,
)
from symgraph.show.view import View

try:
    from PIL import Image, ImageDraw, ImageFont
except ImportError:  # an extra: whoever asks for a PNG is told
    Image = ImageDraw = ImageFont = None

SCALE = 2.0  # pixels of a unit
MOST_PIXELS = 25e6  # a larger picture is drawn smaller
FONTS = ("DejaVuSansMono.ttf", "Menlo.ttc", "consola.ttf", "LiberationMono-Regular.ttf")
STEPS = 8  # straight pieces of a curve between two points


def png_bytes(view: View, placed: Layout) -> bytes:
    """The placed view as a PNG file, in light colours.

    Raises
    ------
    ExportError
        Pillow is not installed.
    """
    if Image is None:
        raise ExportError("a PNG needs Pillow: pip install 'symgraph[png]', or write an SVG")
    canvas = _Canvas(view, placed)
    stream = io.BytesIO()
    canvas.drawn().save(stream, "PNG")
    return stream.getvalue()


@cache
def _font(size: int) -> Any:
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


class _Canvas:
    """One picture being drawn; places are in units of the layout."""

    def __init__(self, view: View, placed: Layout) -> None:
        self.view, self.placed = view, placed
        width = max(placed.width, len(title_of(view)) * 9.5) + 2 * MARGIN
        height = placed.height + 2 * MARGIN + HEAD
        self.scale = min(SCALE, (MOST_PIXELS / (width * height)) ** 0.5)
        self.left = (width - placed.width) / 2
        size = max(1, round(width * self.scale)), max(1, round(height * self.scale))
        self.image = Image.new("RGB", size, PAPER)
        self.pen = ImageDraw.Draw(self.image)
        self.kernels = {m: n for n, c in enumerate(view.clusters) for m in c.members}

    def drawn(self) -> Any:
        """The finished picture."""
        where = (MARGIN * self.scale, MARGIN * self.scale)
        self.pen.text(where, title_of(self.view), INK, self._type(15), anchor="lm")
        for wire in self.placed.wires:
            self._wire(wire)
        for box in self.placed.boxes:
            self._box(box)
        return self.image

    def _at(self, point: Point) -> Point:
        x, y = point
        return (x + self.left) * self.scale, (y + MARGIN + HEAD) * self.scale

    def _type(self, size: float) -> Any:
        return _font(max(1, round(size * self.scale)))

    def _wire(self, wire: Wire) -> None:
        x, y = wire.points[-1]
        points = (*wire.points[:-1], (x, y - 5))
        self.pen.line([self._at(p) for p in _curve(points)], WIRE, max(1, round(1.3 * self.scale)))
        self.pen.polygon([self._at(p) for p in ((x, y), (x - 3.5, y - 7), (x + 3.5, y - 7))], WIRE)

    def _box(self, box: Box) -> None:
        kernel = self.kernels.get(box.node.id)
        fill, line = LIGHT_BOXES[box.node.kind] if kernel is None else kernel_colours(kernel % HUES)
        corners = [
            self._at((box.x - box.width / 2, box.y - box.height / 2)),
            self._at((box.x + box.width / 2, box.y + box.height / 2)),
        ]
        radius = min(ROUND[box.node.kind], box.height / 2, box.width / 2) * self.scale - 1
        width = max(1, round(1.2 * self.scale))
        if radius > 1:
            self.pen.rounded_rectangle(corners, radius, fill, line, width)
        else:
            self.pen.rectangle(corners, fill, line, width)
        first, second = box_texts(box.node)
        middle = box.y - (7 if second else 0)
        self.pen.text(self._at((box.x, middle)), first, INK, self._type(13), anchor="mm")
        if second:
            where = self._at((box.x, box.y + 9))
            self.pen.text(where, second, FAINT_INK, self._type(11), anchor="mm")


def _curve(points: tuple[Point, ...]) -> Iterator[Point]:
    """Points along the spline that the SVG draws."""
    yield points[0]
    slopes = slopes_of(points)
    for (a, da), (b, db) in pairwise(zip(points, slopes, strict=True)):
        controls = (a, (a[0] + da[0], a[1] + da[1]), (b[0] - db[0], b[1] - db[1]), b)
        for step in range(1, STEPS + 1):
            yield _cubic(controls, step / STEPS)


def _cubic(controls: tuple[Point, Point, Point, Point], t: float) -> Point:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    x = sum(w * p[0] for w, p in zip(weights, controls, strict=True))
    y = sum(w * p[1] for w, p in zip(weights, controls, strict=True))
    return x, y
