"""Einstein's summation: products of tensors summed over the labels that the result leaves out.

Operands are multiplied two at a time, in the order `numpy.einsum_path` finds. A pair that shares
summed labels is one (batched) matrix product; a pair that does not is an elementwise product,
which fuses with its neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from symgraph.errors import GraphTypeError, ShapeError
from symgraph.ops.arith import mul
from symgraph.ops.cast import cast
from symgraph.ops.create import arange
from symgraph.ops.index import subtensor
from symgraph.ops.linalg import products_of_pairs
from symgraph.ops.reduce import count_over
from symgraph.ops.reduce import sum as sum_over
from symgraph.ops.reshape import reshape
from symgraph.ops.shape import dimshuffle, moveaxis, shape_i, swapaxes
from symgraph.ops.specify import match_sizes
from symgraph.types import Tensor, Tensors, as_operands, promote

__all__ = ["einsum"]

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MANY = 64  # how large sizes are taken to be that are not known while an order is chosen
ANY_SIZE = 2**62  # elements that an intermediate product may have


class Term(NamedTuple):
    """A tensor with one label for each of its axes."""

    labels: str
    tensor: Tensor


def einsum(subscripts: Any, *operands: Any, optimize: Any = "optimal") -> Tensor:
    """Sums of products by labelled axes, as NumPy's einsum.

    Parameters
    ----------
    subscripts
        "ij,jk->ik"; without "->" the labels that stand once, in alphabetical order, are those of
        the result; "..." stands for axes that broadcast. Or operands and lists of integers in turn,
        `einsum(a, [0, 1], b, [1, 2], [0, 2])`.
    optimize
        How the order of products is chosen: "optimal", "greedy", or False, from left to right.

    Returns
    -------
    tensor
        Of the promoted dtype. An axis of size 1 broadcasts if its size is known to be 1.

    Raises
    ------
    GraphTypeError
        If labels and axes do not fit each other.
    ShapeError
        If axes of one label differ in size.

    >>> einsum("ij,kj->ik", [[1.0, 2.0]], [[3.0, 4.0]]).eval()
    array([[11.]])
    """
    if not isinstance(subscripts, str):
        subscripts, given = _interleaved((subscripts, *operands))
    else:
        given = list(operands)
    tensors = as_operands(given)
    common = promote(*(t.type.dtype for t in tensors))
    tensors = [cast(t, common) for t in tensors]
    inputs, output = _parse(subscripts, [t.type.ndim for t in tensors])
    terms = [_one_axis_each(Term(labels, t)) for labels, t in zip(inputs, tensors, strict=True)]
    terms = list(_without_ones(terms, output))
    for places in _path(terms, output, optimize):
        chosen = [terms.pop(place) for place in sorted(places, reverse=True)][::-1]
        needed = set(output).union(*(t.labels for t in terms))
        terms.append(_contracted(chosen, needed))
    (last,) = terms
    return _arranged(_summed(last, set(output)), output)


# --- what the text says ------------------------------------------------------------------------


def _interleaved(arguments: Sequence[Any]) -> tuple[str, list[Any]]:
    """The form in which every operand is followed by a list of integers, as text."""
    count = len(arguments) // 2
    operands = list(arguments[: 2 * count : 2])
    lists = [*arguments[1 : 2 * count : 2], *arguments[2 * count :]]
    used = sorted({k for own in lists for k in own if k is not Ellipsis})
    if any(not isinstance(k, int | np.integer) for k in used) or len(used) > len(LETTERS):
        raise GraphTypeError(f"einsum: labels are up to {len(LETTERS)} integers, not {used}")
    name = {k: LETTERS[n] for n, k in enumerate(used)}
    words = ["".join("..." if k is Ellipsis else name[k] for k in own) for own in lists]
    text = ",".join(words[:count])
    return (f"{text}->{words[count]}" if len(words) > count else text), operands


def _parse(text: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The labels of every operand and of the result, one letter for each axis."""
    left, arrow, right = text.replace(" ", "").partition("->")
    words = left.split(",")
    if len(words) != len(ranks):
        raise GraphTypeError(f"einsum: {text!r} is for {len(words)} operands, not {len(ranks)}")
    free = iter(c for c in LETTERS if c not in text)
    wide = [_axes_left(w, rank, text) for w, rank in zip(words, ranks, strict=True)]
    dots = "".join(next(free) for _ in range(max(wide)))
    inputs = [w.replace("...", dots[len(dots) - n :]) for w, n in zip(words, wide, strict=True)]
    counts = Counter("".join(inputs))
    if not arrow:
        single = sorted(c for c in counts if counts[c] == 1 and c not in dots)
        return inputs, dots + "".join(single)
    output = right.replace("...", dots)
    if "." in output or len(set(output)) < len(output) or not set(output) <= set(counts):
        raise GraphTypeError(f"einsum: {text!r} gives labels to the result that it cannot have")
    return inputs, output


def _axes_left(word: str, rank: int, text: str) -> int:
    """How many axes of an operand "..." stands for."""
    letters = word.replace("...", "", 1)
    if not all(c in LETTERS for c in letters):
        raise GraphTypeError(f"einsum: labels are letters, not as in {text!r}")
    wide = rank - len(letters)
    if wide < 0 or (wide and "..." not in word):
        raise GraphTypeError(f"einsum: {word!r} in {text!r} labels a tensor of {rank} axes")
    return wide


def _path(terms: Sequence[Term], output: str, optimize: Any) -> Iterator[Sequence[int]]:
    """Which terms are multiplied, step by step; a product takes its place at the end."""
    if len(terms) <= 2 or optimize is False:
        yield tuple(range(len(terms)))
        return
    sizes: dict[str, int] = {}
    for term in terms:
        for label, size in zip(term.labels, term.tensor.type.shape, strict=True):
            sizes[label] = size if isinstance(size, int) else sizes.get(label, MANY)
    shadows = [np.broadcast_to(np.float64(0), [sizes[c] for c in t.labels]) for t in terms]
    text = ",".join(t.labels for t in terms) + f"->{output}"
    kind = optimize if isinstance(optimize, str) else "optimal"
    yield from np.einsum_path(text, *shadows, optimize=(kind, ANY_SIZE))[0][1:]


# --- one term ------------------------------------------------------------------------------------


def _one_axis_each(term: Term) -> Term:
    """A label that stands twice means the diagonal of its axes."""
    labels, tensor = term
    for label in labels:
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            tensor = moveaxis(tensor, (first, second), (0, 1))
            labels = label + labels[:first] + labels[first + 1 : second] + labels[second + 1 :]
            tensor = match_sizes(tensor, tensor, [(1, 0)])
            places = arange(shape_i(tensor, 0))
            tensor = subtensor(tensor, (places, places))
    return Term(labels, tensor)


def _without_ones(terms: Sequence[Term], output: str) -> Iterator[Term]:
    """Axes known to have size 1 dropped where another operand has more under their label."""
    wide = {c for t in terms for c, n in zip(t.labels, t.tensor.type.shape, strict=True) if n != 1}
    for term in terms:
        shape = term.tensor.type.shape
        kept = [k for k, c in enumerate(term.labels) if shape[k] != 1 or c not in wide]
        yield Term("".join(term.labels[k] for k in kept), dimshuffle(term.tensor, *kept))


def _summed(term: Term, needed: set[str]) -> Term:
    """Labels that nothing else needs summed away."""
    gone = [k for k, c in enumerate(term.labels) if c not in needed]
    if not gone:
        return term
    labels = "".join(c for c in term.labels if c in needed)
    return Term(labels, sum_over(term.tensor, axis=gone, dtype=term.tensor.type.dtype))


def _arranged(term: Term, labels: str) -> Tensor:
    return dimshuffle(term.tensor, *(term.labels.index(c) for c in labels))


# --- two terms -----------------------------------------------------------------------------------


def _contracted(terms: Sequence[Term], needed: set[str]) -> Term:
    """The product of terms, multiplied from left to right."""
    total, *others = terms
    while others:
        later = needed.union(*(t.labels for t in others[1:]))
        following = others.pop(0)
        own = _summed(total, later | set(following.labels))
        total = _pair(own, _summed(following, later | set(own.labels)), later)
    return total


def _pair(a: Term, b: Term, needed: set[str]) -> Term:
    """The product of two terms, summed over the labels they share and nothing else needs."""
    shared = [c for c in a.labels if c in b.labels]
    _check_sizes(a, b, shared)
    inner = "".join(c for c in shared if c not in needed)
    batch = "".join(c for c in shared if c in needed)
    free_a = "".join(c for c in a.labels if c not in shared)
    free_b = "".join(c for c in b.labels if c not in shared)
    if not inner:
        return _multiplied(a, b, batch + free_a + free_b)
    if not free_a and not free_b:
        product = _multiplied(a, b, batch + inner)
        return _summed(product, set(batch))
    if len(inner) > 1:
        pairs = [(b.labels.index(c), a.labels.index(c)) for c in inner]
        b = Term(b.labels, match_sizes(b.tensor, a.tensor, pairs))
    product = products_of_pairs(
        _matrices(a, batch, free_a, inner), _matrices(b, batch, inner, free_b)
    )
    labels = batch + free_a + free_b
    sizes = _sizes((a, b))
    return Term(labels, reshape(product, [sizes[c] for c in labels]))


def _check_sizes(a: Term, b: Term, shared: Sequence[str]) -> None:
    for c in shared:
        sizes = {t.tensor.type.shape[t.labels.index(c)] for t in (a, b)}
        known = sorted(n for n in sizes if isinstance(n, int))
        if len(known) > 1:
            raise ShapeError(f"einsum: sizes {known[0]} and {known[1]} under one label differ")


def _sizes(terms: Tensors) -> Mapping[str, Tensor]:
    return {c: shape_i(t.tensor, k) for t in terms for k, c in enumerate(t.labels)}


def _multiplied(a: Term, b: Term, labels: str) -> Term:
    """The elementwise product, axes of one label side by side."""
    parts = (
        dimshuffle(t.tensor, *(t.labels.index(c) if c in t.labels else "x" for c in labels))
        for t in (a, b)
    )
    return Term(labels, mul(*parts))


def _matrices(term: Term, batch: str, rows: str, columns: str) -> Tensor:
    """Matrices for each index of the batch, transposed at the end if they lie so in memory."""
    if term.labels == batch + columns + rows and rows and columns:
        return swapaxes(_grouped(term, batch, columns, rows), -1, -2)
    return _grouped(term, batch, rows, columns)


def _grouped(term: Term, batch: str, rows: str, columns: str) -> Tensor:
    places = {c: k for k, c in enumerate(term.labels)}
    moved = _arranged(term, batch + rows + columns)
    sizes = [shape_i(term.tensor, places[c]) for c in batch]
    groups = [count_over(term.tensor, [places[c] for c in group]) for group in (rows, columns)]
    return reshape(moved, [*sizes, *groups])
