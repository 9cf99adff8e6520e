"""What is made of `scan`: map, reduce, foldl, foldr."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgraph.loops.scan import scan
from symgraph.loops.updates import OrderedUpdates

Result = tuple[Any, OrderedUpdates]


def map(
    fn: Callable[..., Any],
    sequences: Any,
    non_sequences: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> Result:
    """`fn` of the rows of sequences, each step by itself; outputs and updates as of `scan`.

    >>> import symgraph.tensor as T
    >>> squares, updates = map(lambda row: row**2, T.constant([1.0, 2.0, 3.0]))
    >>> squares.eval()
    array([1., 4., 9.])
    """
    return scan(
        fn,
        sequences,
        non_sequences=non_sequences,
        truncate_gradient=truncate_gradient,
        go_backwards=go_backwards,
        mode=mode,
        name=name,
    )


def reduce(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> Result:
    """The last outputs of a scan, whose earlier values are not kept.

    >>> import symgraph.tensor as T
    >>> total, updates = reduce(lambda row, sum: sum + row, T.constant([1.0, 2.0, 3.0]), 0.0)
    >>> total.eval()
    array(6.)
    """
    outputs, updates = scan(
        fn,
        sequences,
        outputs_info,
        non_sequences,
        go_backwards=go_backwards,
        mode=mode,
        name=name,
        return_list=True,
    )
    last = [out[-1] for out in outputs or ()]
    return (last[0] if len(last) == 1 else last), updates


def foldl(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> Result:
    """`reduce` from the first row to the last.

    >>> import symgraph.tensor as T
    >>> result, updates = foldl(lambda row, acc: row - acc, T.constant([1.0, 2.0, 4.0]), 0.0)
    >>> result.eval()
    array(3.)
    """
    return reduce(fn, sequences, outputs_info, non_sequences, False, mode, name)


def foldr(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> Result:
    """`reduce` from the last row to the first.

    >>> import symgraph.tensor as T
    >>> result, updates = foldr(lambda row, acc: row - acc, T.constant([1.0, 2.0, 4.0]), 0.0)
    >>> result.eval()
    array(3.)
    """
    return reduce(fn, sequences, outputs_info, non_sequences, True, mode, name)
