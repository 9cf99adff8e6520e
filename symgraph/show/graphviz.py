"""The layout of Graphviz's `dot`, where that program is installed: https://graphviz.org."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from symgraph.errors import ExportError
from symgraph.show.dot import quoted
from symgraph.show.layout import Box, Layout, Point, Size, Wire
from symgraph.show.view import View

INCH = 72.0  # `dot` measures boxes in inches; one of our units is a point
MOST = 150  # boxes; beyond it `dot` takes longer than people wait
PATIENCE = 10  # seconds


def has_dot() -> bool:
    """Whether the program is there."""
    return shutil.which("dot") is not None


def dot_layout(view: View, size: Size) -> Layout:
    """The view as `dot` places it.

    Raises
    ------
    ExportError
        The program is not installed, or fails.
    """
    program = shutil.which("dot")
    if program is None:
        raise ExportError("Graphviz's dot is not installed; leave layout='dot' out")
    try:
        answer = subprocess.run(
            [program, "-Tplain"],
            input=_question(view, size),
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ExportError(f"Graphviz's dot failed: {error}; pass layout='own'") from error
    return _read(view, answer.stdout.splitlines())


def _question(view: View, size: Size) -> str:
    lines = ["digraph {", '  node [shape=box fixedsize=true label=""];']
    for node in view.nodes:
        width, height = (length / INCH for length in size(node))
        lines.append(f"  {node.id} [width={width:.3f} height={height:.3f}];")
    lines += [f"  {e.source} -> {e.target} [label={quoted('')}];" for e in view.edges]
    return "\n".join([*lines, "}"])


def _read(view: View, lines: Sequence[str]) -> Layout:
    boxes: list[Box] = []
    wires: list[Wire] = []
    nodes = {node.id: node for node in view.nodes}
    edges = {(e.source, e.target): e for e in reversed(view.edges)}
    width = height = 0.0
    for line in lines:
        kind, *words = line.split()
        if kind == "graph":
            width, height = (float(word) * INCH for word in words[1:3])
        elif kind == "node":
            x, y, wide, high = (float(word) * INCH for word in words[1:5])
            boxes.append(Box(nodes[words[0]], x, height - y, wide, high))
        elif kind == "edge":
            edge, count = edges[words[0], words[1]], int(words[2])
            numbers = [float(word) * INCH for word in words[3 : 3 + 2 * count]]
            wires.append(Wire(edge, _knots(numbers, height)))
    return Layout(tuple(boxes), tuple(wires), width, height)


def _knots(numbers: Sequence[float], height: float) -> tuple[Point, ...]:
    """The points a chain of cubic curves runs through: every third of its control points."""
    points = [(x, height - y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    return tuple(points[::3])
