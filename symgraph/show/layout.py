"""Where the boxes of a view go: rows from inputs to outputs, few crossings, straight wires.

The method is that of Sugiyama, Tagawa and Toda (1981): rows by longest paths, long edges led
through pins, the order in a row by barycentres, and places as close to the neighbours' mean
as widths allow, which is isotonic regression (pool adjacent violators).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from itertools import pairwise

from symgraph.dataclass import dataclass
from symgraph.show.view import Edge, Node, View

LEAVES = ("input", "shared", "constant")
GAP, ROW_GAP, PIN = 18.0, 34.0, 6.0  # between boxes, between rows, the width of a pin
SWEEPS = 8
MOST_PINS = 4  # for each box, on average; edges past that run straight
Size = Callable[[Node], tuple[float, float]]
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A node with its centre and sizes; a leaf may have several boxes, each near a reader."""

    node: Node
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Wire:
    """An edge from the foot of a box over pins to the head of another."""

    edge: Edge
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """A placed view; all coordinates are positive."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    width: float
    height: float


@dataclass
class _Net:
    """Things on rows, by number: first the boxes, then the pins."""

    sizes: list[tuple[float, float]] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)

    def add(self, row: int, size: tuple[float, float]) -> int:
        self.sizes.append(size)
        self.row.append(row)
        self.above.append([])
        self.below.append([])
        return len(self.row) - 1

    def join(self, upper: int, lower: int) -> None:
        self.below[upper].append(lower)
        self.above[lower].append(upper)


def layout(view: View, size: Size) -> Layout:
    """Place the boxes of a view, whose widths and heights `size` tells."""
    rows = rows_of(view)
    net = _Net()
    nodes, number = _add_boxes(view, rows, net, size)
    routes = _add_wires(view.edges, rows, number, net)
    order = _ordered(net)
    x = _places(net, order)
    y = _heights(net, order)
    boxes = tuple(Box(n, x[k], y[net.row[k]], *net.sizes[k]) for k, n in enumerate(nodes))
    wires = tuple(_wire(edge, route, boxes, net, x, y) for edge, route in routes)
    right = max((x[k] + width / 2 for k, (width, _) in enumerate(net.sizes)), default=0.0)
    foot = max((box.y + box.height / 2 for box in boxes), default=0.0)
    return Layout(boxes, wires, right, foot)


# --- rows --------------------------------------------------------------------------------


def rows_of(view: View) -> dict[str, int]:
    """The row of every box but leaves, which stand right above each of their readers."""
    feeds, reads = defaultdict(list), defaultdict(list)
    inner = [node.id for node in view.nodes if node.kind not in LEAVES]
    known = set(inner)
    for edge in view.edges:
        if edge.source in known:
            reads[edge.target].append(edge.source)
            feeds[edge.source].append(edge.target)
    rows: dict[str, int] = {}
    for box in inner:
        rows[box] = 1 + max((rows[source] for source in reads[box]), default=0)
    for box in reversed(inner):
        if len(reads[box]) < len(feeds[box]):
            rows[box] = min(rows[reader] for reader in feeds[box]) - 1
    return rows


def _add_boxes(
    view: View, rows: dict[str, int], net: _Net, size: Size
) -> tuple[list[Node], dict[tuple[str, int], int]]:
    """All boxes, and the number of each by its node and row."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for edge in view.edges:
        if edge.source not in rows:
            wanted[edge.source].add(rows[edge.target] - 1)
    nodes, number = [], {}
    for node in view.nodes:
        for row in sorted(wanted[node.id]) or [rows.get(node.id, 0)]:
            nodes.append(node)
            number[node.id, row] = net.add(row, size(node))
    return nodes, number


# --- wires -------------------------------------------------------------------------------


def _add_wires(
    edges: Sequence[Edge], rows: dict[str, int], number: dict[tuple[str, int], int], net: _Net
) -> list[tuple[Edge, list[int]]]:
    """For each edge the numbers of the boxes at its ends and of the pins between them."""
    budget = MOST_PINS * len(net.row) + 100
    routes: list[tuple[Edge, list[int]]] = []
    for edge in edges:
        low = rows[edge.target]
        high = rows.get(edge.source, low - 1)
        between = range(high + 1, low) if low - high - 1 <= budget else range(0)
        budget -= len(between)
        pins = [net.add(row, (PIN, 0.0)) for row in between]
        route = [number[edge.source, high], *pins, number[edge.target, low]]
        if pins or low - high == 1:
            for upper, lower in pairwise(route):
                net.join(upper, lower)
        routes.append((edge, route))
    return routes


def _wire(
    edge: Edge,
    route: Sequence[int],
    boxes: Sequence[Box],
    net: _Net,
    x: Sequence[float],
    y: Sequence[float],
) -> Wire:
    first, last = boxes[route[0]], boxes[route[-1]]
    count = max(len(net.above[route[-1]]), edge.position + 1)
    entry = last.x + last.width * ((edge.position + 1) / (count + 1) - 0.5) * 0.8
    start = (first.x, first.y + first.height / 2)
    pins = [(x[pin], y[net.row[pin]]) for pin in route[1:-1]]
    return Wire(edge, (start, *pins, (entry, last.y - last.height / 2)))


# --- the order in a row --------------------------------------------------------------------


def _ordered(net: _Net) -> list[list[int]]:
    """The rows, each from left to right, so that few wires cross."""
    rows: list[list[int]] = [[] for _ in range(max(net.row, default=-1) + 1)]
    for item in _walk_up(net):
        rows[net.row[item]].append(item)
    place = [0.0] * len(net.row)
    for row in rows:
        _number(row, place)
    for _ in range(SWEEPS):
        _sort(rows, net.above, place)
        _sort(reversed(rows), net.below, place)
    _sort(rows, net.above, place)
    return rows


def _walk_up(net: _Net) -> Iterable[int]:
    """Everything, depth first from the last row up, a node's operands from left to right."""
    seen: set[int] = set()
    stack = sorted(range(len(net.row)), key=lambda item: (net.row[item], -item))
    while stack:
        item = stack.pop()
        if item not in seen:
            seen.add(item)
            yield item
            stack.extend(reversed(net.above[item]))


def _sort(rows: Iterable[list[int]], beside: Sequence[list[int]], place: list[float]) -> None:
    for row in rows:
        row.sort(key=lambda item: _mean([place[other] for other in beside[item]], place[item]))
        _number(row, place)


def _number(row: Sequence[int], place: list[float]) -> None:
    for position, item in enumerate(row):
        place[item] = (position + 0.5) / len(row)


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


# --- places --------------------------------------------------------------------------------


def _places(net: _Net, rows: Sequence[Sequence[int]]) -> list[float]:
    """The centre of every item along its row; the leftmost box touches 0."""
    x = [0.0] * len(net.row)
    beside = [above + below for above, below in zip(net.above, net.below, strict=True)]
    for sweep in range(2 * SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            near = net.above if down else net.below
            _settle(net, row, near if sweep < 2 * SWEEPS - 2 else beside, x)
    left = min((x[k] - w / 2 for k, (w, _) in enumerate(net.sizes)), default=0.0)
    return [place - left for place in x]


def _settle(net: _Net, row: Sequence[int], near: Sequence[list[int]], x: list[float]) -> None:
    """Move a row's items to their neighbours' mean, in order and without overlaps."""
    offsets, edge = [], 0.0
    for item in row:
        width = net.sizes[item][0]
        offsets.append(edge + width / 2)
        edge += width + GAP
    wishes = [
        _mean([x[other] for other in near[item]], x[item]) - offset
        for item, offset in zip(row, offsets, strict=True)
    ]
    for item, place, offset in zip(row, isotonic(wishes), offsets, strict=True):
        x[item] = place + offset


def isotonic(values: Sequence[float]) -> list[float]:
    """The non-decreasing sequence closest to `values` in squares: pool adjacent violators.

    >>> isotonic([1.0, 3.0, 2.0, 4.0])
    [1.0, 2.5, 2.5, 4.0]
    """
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            other, more = pools.pop()
            mean = (mean * count + other * more) / (count + more)
            count += more
        pools.append((mean, count))
    return [mean for mean, count in pools for _ in range(count)]


def _heights(net: _Net, rows: Sequence[Sequence[int]]) -> list[float]:
    """The middle of every row."""
    middles, head = [], 0.0
    for row in rows:
        height = max((net.sizes[item][1] for item in row), default=0.0)
        middles.append(head + height / 2)
        head += height + ROW_GAP
    return middles
