"""Running sums and their kin along the rows of an array, on the device.

A team goes along a tile of a row, as many elements at a time as it has members. They put theirs
together by exchanges, step by step twice as far: each member holds what is up to its own element,
and what the group of members holds that has exchanged (G. E. Blelloch, Prefix sums and their
applications, 1990). Long rows have several tiles: first what each of them comes to, then the
running fold of that, then every tile from where the ones before it end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from symgraph.backends.cuda.handmade import Handmade, handmade, in_memory
from symgraph.backends.numba.text import expression
from symgraph.kernel import Buffer, Expr, Let, Name, binary, call, compare, select

TILE = 2048  # elements, at least, that one team goes along; no team has more members
MOST_TILES = 1024  # of a row
MANY_ROWS = 512  # rows that keep a device busy without being cut

TOTAL = """
    place = team()
    while place < extent:
        if (place + 1) % tiles > 0:
            at = place // tiles * width + place % tiles * tile + member()
            total = x[at]
            taken = member() + members()
            while taken < tile:
                at += members()
                taken += members()
                total = {total_and_next}
            step = members() // 2
            while step > 0:
                theirs = exchange(total, step)
                total = {total_and_theirs}
                step = step // 2
            if member() == 0:
                totals[place] = total
        place += teams()
"""

SCAN = """
    place = team()
    while place < extent:
        row = place // tiles * width
        low = place % tiles * tile
        high = min(low + tile, width)
        carried = place % tiles > 0
        carry = totals[place - 1 if carried else 0]
        at = low
        while at < high:
            mine = at + member()
            value = x[row + min(mine, high - 1)]
            total = value
            step = 1
            while step < members():
                theirs = exchange(total, step)
                if (member() & step) > 0:
                    value = {theirs_and_value}
                total = {total_and_theirs}
                step = step * 2
            if carried:
                value = {carry_and_value}
                total = {carry_and_total}
            if mine < high:
                out[row + mine] = value
            carry = total
            carried = True
            at += members()
        place += teams()
"""


def _log_of_sum(a: Expr, b: Expr) -> Expr:
    """log(exp(a) + exp(b))."""
    high, low = binary("maximum", a, b), binary("minimum", a, b)
    same = compare("eq", high, low) & call("isinf", high, dtype="bool")
    return select(same, high, high + call("log1p", call("exp", low - high)))


COMBINE: dict[str, Callable[[Expr, Expr], Expr]] = {
    "cumsum": lambda a, b: binary("add", a, b),
    "cumprod": lambda a, b: binary("mul", a, b),
    "cummax": lambda a, b: binary("maximum", a, b),
    "cummin": lambda a, b: binary("minimum", a, b),
    "logcumsumexp": _log_of_sum,
}


class Scanner(NamedTuple):
    """The kernels of one running fold of a dtype."""

    total: Handmade
    scan: Handmade


def scanner(fold: str, dtype: str) -> Scanner:
    """The kernels for one of `COMBINE` and a dtype."""
    kind = in_memory(dtype)
    pairs = [("total", "next"), ("total", "theirs"), ("theirs", "value"), ("carry", "value")]
    pairs.append(("carry", "total"))
    combined = {f"{a}_and_{b}": COMBINE[fold](Name(a, kind), Name(b, kind)) for a, b in pairs}
    words = {key: expression(expr) for key, expr in combined.items()}
    words["total_and_next"] = words["total_and_next"].replace("next", "x[at]")
    used = tuple(Let(key, expr) for key, expr in combined.items())
    sizes = [Name("width"), Name("tile"), Name("tiles")]
    x, totals, out = (Buffer(name, kind) for name in ("x", "totals", "out"))
    stem = f"{fold}_of_{kind}"
    total = handmade(f"total_{stem}", [*sizes, x, totals], TOTAL.format(**words))
    scan = handmade(f"scan_{stem}", [*sizes, totals, x, out], SCAN.format(**words))
    return Scanner(*(Handmade(k.name, k.params, used, text=k.text) for k in (total, scan)))


def fold_rows(run: Any, scanner: Any, out: Any, x: Any) -> None:
    """The running folds of the rows of `x`; `scanner` are the kernels as the device has them."""
    width, flat, to = int(x.shape[-1]), x.reshape(-1), out.reshape(-1)
    if not flat.size:
        return
    rows = flat.size // width
    tile = width if rows >= MANY_ROWS else max(TILE, _multiple(-(-width // MOST_TILES), TILE))
    tiles = max(1, -(-width // max(tile, 1)))
    if tiles == 1:
        run.launch(scanner.scan, rows, width, width, width, 1, flat, flat, to)
        return
    totals, sums = (run.new(rows * tiles, x.dtype.name) for _ in range(2))
    run.launch(scanner.total, rows * tiles, tile, width, tile, tiles, flat, totals)
    run.launch(scanner.scan, rows, tiles, tiles, tiles, 1, totals, totals, sums)
    run.launch(scanner.scan, rows * tiles, tile, width, tile, tiles, sums, flat, to)


def _multiple(size: int, of: int) -> int:
    return -(-size // of) * of
