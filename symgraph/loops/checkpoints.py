"""A scan whose gradient keeps few steps and computes the others again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.loops.scan import Request, build
from symgraph.loops.slots import many, read_outputs, read_sequences, step_count
from symgraph.loops.updates import OrderedUpdates
from symgraph.ops.arith import int_div, minimum
from symgraph.ops.create import alloc, arange
from symgraph.ops.join import join
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import shape_i
from symgraph.types import Tensor, as_tensor_variable, constant


def scan_checkpoints(
    fn: Callable[..., Any],
    sequences: Any = (),
    outputs_info: Any = None,
    non_sequences: Any = (),
    name: str = "checkpointscan_fn",
    n_steps: Any = None,
    save_every_N: int = 10,
    padding: bool = True,
) -> tuple[Any, OrderedUpdates]:
    """A scan that gives every N-th step and the last, whose gradient needs memory for few steps.

    The steps run in rounds of N, of which the last may be shorter. Only what the rounds begin with
    is kept; the gradient runs a round again before it goes back through it. So for n steps it
    keeps n / N + N of them.

    Parameters
    ----------
    fn, non_sequences, n_steps, name
        As of `scan`.
    sequences
        Tensors, without taps.
    outputs_info
        For each output its value before the first step, without taps, or None.
    save_every_N
        How many steps a round has.
    padding
        Whether sequences whose length is no multiple of N are copied, and filled up with rows that
        no step reads; if not, such a length is a `ShapeError` when the function runs.

    Returns
    -------
    outputs, updates
        For each output its values after every N steps, and after the last.

    >>> import symgraph.tensor as T
    >>> x = T.constant([1.0, 2.0, 3.0, 4.0, 5.0])
    >>> sums, updates = scan_checkpoints(lambda row, total: total + row, x, 0.0, save_every_N=2)
    >>> sums.eval()
    array([ 3., 10., 15.])
    """
    infos = many(outputs_info)
    states = [info for info in read_outputs(infos) if info is not None]
    if any(info.state.lags != (1,) for info in states):
        raise GraphTypeError("scan_checkpoints takes no taps of outputs; use scan")
    slots = read_sequences(list(sequences) if isinstance(sequences, tuple) else sequences)
    if any(slot.taps != (0,) for slot in slots):
        raise GraphTypeError("scan_checkpoints takes no taps of sequences; use scan")
    count = step_count(n_steps, slots)
    rounds = int_div(count + (save_every_N - 1 if padding else 0), save_every_N)
    missing = rounds * save_every_N - count if padding else None
    chunks = [_chunked(slot.whole[:count], missing, rounds, save_every_N) for slot in slots]
    lengths = minimum(save_every_N, count - save_every_N * arange(rounds))
    others = [as_tensor_variable(item) for item in many(non_sequences)]

    def round_of_steps(length: Tensor, *arguments: Tensor) -> Any:
        rows = arguments[: len(chunks)]
        lagged = iter(arguments[len(chunks) : len(chunks) + len(states)])
        starts = [None if info is None else next(lagged) for info in infos]
        steps = length if padding else save_every_N
        outputs, updates = build(
            Request(fn, list(rows), starts, others, steps, options={"label": name})
        )
        return [out[-1] for out in outputs], updates

    options = {"label": f"{name} rounds", "recompute": True}
    outputs, updates = build(
        Request(round_of_steps, [lengths, *chunks], infos, others, rounds, options=options)
    )
    return (outputs[0] if len(outputs) == 1 else outputs), updates


def _chunked(whole: Tensor, missing: Tensor | None, rounds: Tensor, size: int) -> Tensor:
    """The rows of a sequence by rounds, filled up with as many rows of zeros as are missing."""
    sizes = [shape_i(whole, axis) for axis in range(1, whole.type.ndim)]
    if missing is not None:
        zero = constant(0, dtype=whole.type.dtype)
        whole = join(0, whole, alloc(zero, missing, *sizes))
    return reshape(whole, [rounds, size, *sizes])
