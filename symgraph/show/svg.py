"""A drawing that needs nothing to be looked at: SVG, light or dark as the reader's screen is."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from symgraph.show.layout import Box, Layout, Point, Wire, layout
from symgraph.show.view import Cluster, Node, View
from symgraph.show.words import shortened

LONGEST = 40  # characters of a line in a box; the whole is in its tooltip
EM, SMALL_EM = 7.9, 6.7  # the width of a letter of the two monospace sizes, a little generous
MARGIN, HEAD = 24.0, 34.0
LEGEND_ROW, LEGEND_LEAST = 24.0, 560.0
HUES = 12  # colours of kernels; the step of 5 keeps neighbours apart
ROUND = {"input": 16, "shared": 16, "output": 16, "update": 16, "constant": 4, "op": 5, "scope": 9}

# Fill and stroke of each kind of box.
LIGHT_BOXES = {
    "op": ("#f4f6f9", "#a9b5c2"),
    "input": ("#e0f3e1", "#5fa668"),
    "shared": ("#fdf0d5", "#d0973a"),
    "constant": ("#ffffff", "#c5ced8"),
    "scope": ("#ece6f8", "#8a6fc0"),
    "output": ("#dfeafb", "#4d84cf"),
    "update": ("#fbdfbd", "#c9742a"),
}
DARK_BOXES = {
    "op": ("#1b232c", "#4c5a68"),
    "input": ("#17301c", "#5fa668"),
    "shared": ("#362a12", "#d0973a"),
    "constant": ("#0f141a", "#3a4653"),
    "scope": ("#2a2140", "#9c82d4"),
    "output": ("#15273f", "#5b93de"),
    "update": ("#41260d", "#d9853a"),
}
PAPER, INK, FAINT_INK, WIRE = "#ffffff", "#1d2733", "#5d6b7a", "#93a1b0"
LIGHT = f"""\
.page{{fill:{PAPER}}}
text{{fill:{INK};font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}}
.t{{font-size:11px;fill:{FAINT_INK}}}
.h{{font-size:15px;font-weight:600}}
.w{{fill:none;stroke:{WIRE};stroke-width:1.3}}
.a{{fill:{WIRE}}}
rect{{stroke-width:1.2}}
g:hover>rect{{stroke-width:2.4}}
"""
DARK = """\
.page{fill:#0f141a}
text{fill:#e3e9f0}
.t{fill:#93a1b0}
.w{stroke:#5c6b7b}
.a{fill:#5c6b7b}
"""


def svg_text(view: View, placed: Layout | None = None) -> str:
    """The view as an SVG document; tooltips tell whole labels, types and the users' lines."""
    placed = placed or layout(view, box_size)
    kernels = {member: n for n, c in enumerate(view.clusters) for member in c.members}
    lines = [*_header(view, placed), *map(_wire, placed.wires)]
    lines += [_box(box, kernels.get(box.node.id)) for box in placed.boxes]
    lines += ["</g>", *_legend(view.clusters, placed), "</svg>"]
    return "\n".join(lines) + "\n"


def box_size(node: Node) -> tuple[float, float]:
    """The width and height a node's text needs."""
    first, second = box_texts(node)
    width = max(len(first) * EM, len(second) * SMALL_EM)
    return round(width + 22, 1), 42.0 if second else 28.0


def box_texts(node: Node) -> tuple[str, str]:
    """The two lines in a box."""
    named = f"{node.name} = {node.label}" if node.name and node.kind == "op" else node.label
    type_line = "" if node.kind == "constant" else node.type
    return shortened(named, LONGEST), shortened(type_line, LONGEST)


# --- parts of the document -----------------------------------------------------------------


def _header(view: View, placed: Layout) -> Iterator[str]:
    inner = max(_legend_width(placed) if view.clusters else placed.width, len(title_of(view)) * 9.5)
    rows = len(_legend_rows(view.clusters, placed))
    legend = rows * LEGEND_ROW + (MARGIN if rows else 0)
    width, height = inner + 2 * MARGIN, HEAD + placed.height + legend + 2 * MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    title = escape(title_of(view))
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">'
    yield f"<style>\n{_style(len(view.clusters))}</style>"
    yield '<rect class="page" width="100%" height="100%"/>'
    yield f'<text class="h" x="{MARGIN:.0f}" y="{MARGIN + 10:.0f}">{title}</text>'
    yield f'<g transform="translate({(width - placed.width) / 2:.1f},{MARGIN + HEAD:.1f})">'


def title_of(view: View) -> str:
    """The headline of a drawing: the name, and how much there is."""
    count = sum(node.kind == "op" for node in view.nodes)
    text = f"{shortened(view.name, LONGEST)}: {count} operation{'s' * (count != 1)}"
    kernels = len(view.clusters)
    return f"{text} in {kernels} kernel{'s' * (kernels != 1)}" if kernels else text


def _style(clusters: int) -> str:
    hues = range(min(clusters, HUES))
    light = LIGHT_BOXES | {f"k{n}": kernel_colours(n) for n in hues}
    dark = DARK_BOXES | {f"k{n}": (_colour(n, 0.17, 0.4), _colour(n, 0.6, 0.5)) for n in hues}
    night = f"@media(prefers-color-scheme:dark){{\n{DARK}{_rules(dark)}}}\n"
    return f"{LIGHT}{_rules(light)}{night}"


def _rules(colours: Mapping[str, tuple[str, str]]) -> str:
    return "".join(f".{k}{{fill:{fill};stroke:{line}}}\n" for k, (fill, line) in colours.items())


def kernel_colours(number: int) -> tuple[str, str]:
    """Fill and stroke of the boxes of a kernel, on white."""
    return _colour(number, 0.93, 0.75), _colour(number, 0.55, 0.5)


def _colour(number: int, lightness: float, saturation: float) -> str:
    hue = ((number * 5 % HUES) / HUES + 0.58) % 1
    channels = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)


def _box(box: Box, kernel: int | None) -> str:
    node, left, top = box.node, box.x - box.width / 2, box.y - box.height / 2
    style = node.kind if kernel is None else f"op k{kernel % HUES}"
    first, second = box_texts(node)
    tip = "\n".join(filter(None, (node.name, node.label, node.type, node.place)))
    baseline = box.y + (-2.5 if second else 4.5)
    parts = [
        f"<g><title>{escape(tip)}</title>",
        f'<rect class="{style}" x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}"'
        f' height="{box.height:.1f}" rx="{min(ROUND[node.kind], box.height / 2):.0f}"/>',
        f'<text x="{box.x:.1f}" y="{baseline:.1f}" text-anchor="middle">{escape(first)}</text>',
    ]
    if second:
        parts.append(
            f'<text class="t" x="{box.x:.1f}" y="{box.y + 13:.1f}" text-anchor="middle">'
            f"{escape(second)}</text>"
        )
    return "".join([*parts, "</g>"])


def _wire(wire: Wire) -> str:
    x, y = wire.points[-1]
    line = curve((*wire.points[:-1], (x, y - 5)))
    return f'<path class="w" d="{line}"/><path class="a" d="M{x:.1f} {y:.1f}l-3.5 -7h7z"/>'


def curve(points: Sequence[Point]) -> str:
    """A smooth path over points: Catmull and Rom's spline, its ends running downwards.

    >>> curve([(0, 0), (10, 20)])
    'M0.0 0.0C0.0 10.0 10.0 10.0 10.0 20.0'
    """
    slopes = slopes_of(points)
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (dx, dy), (x1, y1), (dx1, dy1) in zip(
        points, slopes, points[1:], slopes[1:], strict=False
    ):
        path += f"C{x + dx:.1f} {y + dy:.1f} {x1 - dx1:.1f} {y1 - dy1:.1f} {x1:.1f} {y1:.1f}"
    return path


def slopes_of(points: Sequence[Point]) -> list[Point]:
    """A third of the spline's derivative at every point."""
    return [_slope(points, n) for n in range(len(points))]


def _slope(points: Sequence[Point], n: int) -> Point:
    """A third of the spline's derivative at a point: half a segment down at the ends."""
    last = len(points) - 1
    if n in (0, last):
        return 0.0, (points[max(n, 1)][1] - points[max(n, 1) - 1][1]) / 2
    before, after = points[n - 1], points[n + 1]
    return (after[0] - before[0]) / 6, (after[1] - before[1]) / 6


# --- which colour is which kernel --------------------------------------------------------------


def _legend_width(placed: Layout) -> float:
    return max(placed.width, LEGEND_LEAST)


def _legend_rows(clusters: Sequence[Cluster], placed: Layout) -> list[list[tuple[int, float]]]:
    """The rows of the legend: numbers of clusters, each with where it begins."""
    rows: list[list[tuple[int, float]]] = []
    room = _legend_width(placed)
    end = room
    for number, cluster in enumerate(clusters):
        width = 44 + len(_entry(cluster)) * SMALL_EM
        if end + width > room:
            rows.append([])
            end = 0.0
        rows[-1].append((number, end))
        end += width
    return rows


def _entry(cluster: Cluster) -> str:
    return shortened(f"{cluster.name} ({len(cluster.members)})", LONGEST)


def _legend(clusters: Sequence[Cluster], placed: Layout) -> Iterator[str]:
    for place, row in enumerate(_legend_rows(clusters, placed)):
        y = HEAD + placed.height + 2 * MARGIN + place * LEGEND_ROW
        for number, left in row:
            cluster, x = clusters[number], MARGIN + left
            tip = "\n".join([cluster.name, *cluster.notes])
            yield (
                f'<g><title>{escape(tip)}</title><rect class="op k{number % HUES}" x="{x:.1f}"'
                f' y="{y:.1f}" width="18" height="14" rx="3"/><text class="t" x="{x + 25:.1f}"'
                f' y="{y + 11:.1f}">{escape(_entry(cluster))}</text></g>'
            )
