"""A module imports only from lower floors, and never inside a function."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "symgraph"
# Lowest first; what stands on one line may be imported by what stands after it on that line.
FLOORS = [
    "dataclass errors devices config later places sources",
    "graph flat inner_graph",
    "kernel types device_array absent records interpret",
    "dtype_rules families rewrite signature",
    "ops",
    "operators variable rules shared random linalg fft nnet signal grad forward batch loops ifelse"
    " gradient loss_scale from_graph typed_list sparse tensor",
    "lower memory verify workspace footprint",
    "backends",
    "mode blame runners placement spread borders progress pipeline profile guard limit warm"
    " request inspection held function parallel show debug",
    "catalogue data __init__ demo cli compat __main__",
]
HEIGHT = {
    name: (floor, place)
    for floor, names in enumerate(FLOORS)
    for place, name in enumerate(names.split())
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(module: str) -> str:
    """The part of the package a dotted module name belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imported(path: Path) -> list[tuple[ast.stmt, str]]:
    """The symgraph modules a file imports, with the statements that do."""
    found: list[tuple[ast.stmt, str]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("symgraph"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            whole = node.module == "symgraph"
            found += [(node, name if whole else str(node.module)) for name in names]
        elif isinstance(node, ast.Import):
            found += [(node, a.name) for a in node.names if a.name.startswith("symgraph")]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    relative = path.relative_to(PACKAGE).with_suffix("")
    mine = relative.parts[0]
    assert mine in HEIGHT, f"{mine} has no floor"
    for _, module in imported(path):
        theirs = room(module)
        if theirs != mine:
            assert HEIGHT[theirs] < HEIGHT[mine], f"{relative} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_import_hides_in_a_function(path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    inner = [
        n for f in functions for n in ast.walk(f) if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    assert not inner
