"""Routines that have kernels of ours on the device: running folds, sorting, what is found by them.

`OWN` is the one place that says which: by the name of the routine that a step calls. What is there
neither leaves the device nor is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symgraph.backends.cuda.handmade import Handmade, handmade, in_memory
from symgraph.backends.cuda.ordering import Sorter, sort, sorter
from symgraph.backends.cuda.running_folds import COMBINE, Scanner, fold_rows, scanner
from symgraph.dataclass import dataclass
from symgraph.kernel import Buffer
from symgraph.lower.program import Routine

ORDER_OF_PLACES = "cuda:order_of_places"  # of scatters (scatter.py)
CUMULATIVE = "symgraph.backends.routines.cumulative:"
SORTING = "symgraph.backends.routines.sort:"
SEARCH = "symgraph.backends.routines.search:"

Kernels = tuple[Handmade, ...]
FLAGS = """
    place = thread()
    while place < extent:
        flags[place] = int64(mask[place] != 0)
        place += threads()
"""
POSITIONS = """
    place = thread()
    while place < extent:
        if mask[place] != 0:
            positions[counts[place] - 1] = place
        place += threads()
"""
ENDS = """
    place = thread()
    while place < extent:
        value = keys[place]
        low = place
        high = extent
        while low < high:
            half = (low + high) // 2
            if keys[half] <= value:
                low = half + 1
            else:
                high = half
        ends[place] = low
        place += threads()
"""


@dataclass(frozen=True)
class Own:
    """A routine of ours: the kernels for a step, and what launches them.

    `call` is given the call in progress, the kernels as the device has them, the settings of the
    step, and its arrays, outputs first.
    """

    kernels: Callable[[Routine], Kernels]
    call: Callable[..., None]


def own_routine(name: str) -> Own | None:
    """What does a routine's work by kernels of ours."""
    return OWN.get(name)


def _dtype(step: Routine) -> str:
    return step.inputs[0][0].dtype


def _fold(name: str) -> Own:
    def call(run: Any, kernels: Kernels, settings: Sequence[int], out: Any, x: Any) -> None:
        fold_rows(run, Scanner(*kernels), out, x)

    return Own(lambda step: tuple(scanner(name, _dtype(step))), call)


def _sorted(run: Any, kernels: Kernels, settings: Sequence[int], out: Any, x: Any) -> None:
    sort(run, Sorter(*kernels), out, None, x)


def _order(run: Any, kernels: Kernels, settings: Sequence[int], order: Any, x: Any) -> None:
    sort(run, Sorter(*kernels), run.new(x.size, x.dtype.name), order, x)


def _best(run: Any, kernels: Kernels, settings: Sequence[int], chosen: Any, x: Any) -> None:
    """The start of the order of each row."""
    count = int(chosen.shape[-1])
    if not count or not x.size:
        return
    order = run.new(x.size, "int64").reshape(x.shape)
    sort(run, Sorter(*kernels), run.new(x.size, x.dtype.name), order, x, count)
    chosen[...] = order[..., :count]


def _nonzero(run: Any, kernels: Kernels, settings: Sequence[int], found: Any, mask: Any) -> None:
    """Each place counts those up to it."""
    flags, positions, *scan = kernels
    flat = mask.reshape(-1)
    if not flat.size or not found.size:
        return
    marked, counts = (run.new(flat.size, "int64") for _ in range(2))
    run.launch(flags, flat.size, 1, flat, marked)
    fold_rows(run, Scanner(*scan), counts, marked)
    run.launch(positions, flat.size, 1, flat, counts, found)


def _nonzero_kernels(step: Routine) -> Kernels:
    mask = Buffer("mask", in_memory(_dtype(step)))
    flags, counts, positions = (Buffer(n, "int64") for n in ("flags", "counts", "positions"))
    return (
        handmade("flags_of_mask", [mask, flags], FLAGS),
        handmade("positions_of_mask", [mask, counts, positions], POSITIONS),
        *scanner("cumsum", "int64"),
    )


def _places(run: Any, kernels: Kernels, settings: Sequence[int], *arrays: Any) -> None:
    """Keys in order, where each comes from, and where the stretch of its equals ends."""
    ordered, order, ends, keys = arrays
    sort(run, Sorter(*kernels[:2]), ordered, order, keys)
    run.launch(kernels[2], keys.size, 1, ordered, ends)


def _places_kernels(step: Routine) -> Kernels:
    keys, ends = Buffer("keys", "int64"), Buffer("ends", "int64")
    return *sorter("int64"), handmade("ends_of_keys", [keys, ends], ENDS)


OWN: dict[str, Own] = {
    **{CUMULATIVE + name: _fold(name) for name in COMBINE},
    SORTING + "sort": Own(lambda step: tuple(sorter(_dtype(step), ordered=False)), _sorted),
    SORTING + "argsort": Own(lambda step: tuple(sorter(_dtype(step))), _order),
    SORTING + "argtopk": Own(
        lambda step: tuple(sorter(_dtype(step), falling=bool(step.settings[0]))), _best
    ),
    SEARCH + "nonzero": Own(_nonzero_kernels, _nonzero),
    ORDER_OF_PLACES: Own(_places_kernels, _places),
}
