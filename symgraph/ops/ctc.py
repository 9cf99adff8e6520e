"""Connectionist temporal classification (Graves et al., 2006): costs of unaligned sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from symgraph.absent import grad_not_implemented
from symgraph.dataclass import dataclass
from symgraph.errors import GraphTypeError
from symgraph.families import Example, Library, Sample
from symgraph.ops.arith import mul
from symgraph.ops.cast import cast
from symgraph.ops.shape import dimshuffle
from symgraph.types import (
    COMPLEX,
    DISCRETE,
    Arg,
    Dims,
    Tensor,
    Tensors,
    as_tensor_variable,
    unify,
    upgrade_to_float,
)

__all__ = ["ctc"]

STEP = 1e-30  # of differences along the imaginary axis, which lose no digits


@dataclass(frozen=True, repr=False)
class _Transcription(Library):
    """Inputs: activations (steps, batch, classes), labels (batch, width), lengths (batch,)."""

    def prepare(self, *inputs: Any) -> Tensors:
        """Floats, and integers as int32."""
        x, labels, lengths, *more = map(as_tensor_variable, inputs)
        ranks = (x.type.ndim, labels.type.ndim, lengths.type.ndim)
        if ranks != (3, 2, 1) or x.type.dtype in COMPLEX:
            raise GraphTypeError(
                "ctc takes activations (steps, batch, classes), labels (batch, width) and lengths"
                f" (batch,), not {x.type}, {labels.type} and {lengths.type}"
            )
        if labels.type.dtype not in DISCRETE or lengths.type.dtype not in DISCRETE:
            raise GraphTypeError("ctc takes labels and lengths that are integers")
        kind = upgrade_to_float(x.type.dtype)
        return [
            cast(x, kind),
            cast(labels, "int32"),
            cast(lengths, "int32"),
            *(cast(v, kind) for v in more),
        ]

    def check(self, *args: Arg) -> None:
        """Ask that all have one batch."""
        sizes = (args[0].shape[1], args[1].shape[0], args[2].shape[0])
        unify(sizes, f"{type(self).__name__}: the batch")

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Labels of several lengths, sequences cut short, nothing."""
        more = (Sample((5, 3, 4)),) if cls is CTCCurvature else ()
        inputs = (Sample((5, 3, 4), differentiable=cls is CTC), _labels((3, 2)), _labels((3,), 5))
        yield Example(cls(), (*inputs, *more))
        none = (Sample((4, 0, 3), differentiable=cls is CTC), _labels((0, 2)), _labels((0,)))
        yield Example(cls(), (*none, *((Sample((4, 0, 3)),) if more else ())))


def _labels(shape: tuple[int, ...], value: int = 1) -> Sample:
    return Sample(shape, f"value:{value}", "int32", False)


class CTC(_Transcription):
    """The cost of each sequence of the batch."""

    routine: ClassVar[str] = "symgraph.backends.routines.transcription:ctc"

    def out_shape(self, *args: Arg) -> Dims:
        """One cost a sequence."""
        self.check(*args)
        return (args[0].shape[1],)

    def reference(self, x: Any, labels: Any, lengths: Any) -> Any:
        """The forward algorithm with plain probabilities, by NumPy."""
        whole = [_Sequence(x[:, n], labels[n], lengths[n]).probability() for n in range(x.shape[1])]
        return -np.log(np.array(whole, x.dtype))

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Each cost's cotangent times its gradient."""
        slope = CTCGradient()(*inputs)
        return [mul(dimshuffle(output_grads[0], "x", 0, "x"), slope), None, None]


class CTCGradient(_Transcription):
    """The gradients of the costs by the activations, 0 where a cost is infinite."""

    routine: ClassVar[str] = "symgraph.backends.routines.transcription:ctc_gradient"

    def out_shape(self, *args: Arg) -> Dims:
        """The activations'."""
        self.check(*args)
        return args[0].shape

    def reference(self, x: Any, labels: Any, lengths: Any) -> Any:
        """Forward and backward algorithm with plain probabilities, by NumPy."""
        out = np.zeros_like(x)
        for n in range(x.shape[1]):
            out[:, n] = _Sequence(x[:, n], labels[n], lengths[n]).gradient()
        return out

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """The derivative along the cotangent: second derivatives are symmetric."""
        return [CTCCurvature()(*inputs, output_grads[0]), None, None]


class CTCCurvature(CTCGradient):
    """The derivatives of the gradients along a fourth input."""

    routine: ClassVar[str] = "symgraph.backends.routines.transcription:ctc_curvature"

    def reference(self, x: Any, labels: Any, lengths: Any, *direction: Any) -> Any:
        """A difference along the imaginary axis, by NumPy."""
        return super().reference(x + 1j * STEP * direction[0], labels, lengths).imag / STEP

    def L_op(self, inputs: Tensors, outputs: Tensors, output_grads: Tensors) -> Tensors:
        """Linear and symmetric in the direction; third derivatives are not here."""
        note = "ctc has derivatives of the first and second order"
        null = grad_not_implemented(self, 0, inputs[0], note)
        return [null, None, None, CTCCurvature()(*inputs[:3], output_grads[0])]


class _Sequence:
    """One sequence in NumPy: its labels with blanks around them, probabilities of its steps."""

    def __init__(self, x: Any, labels: Any, length: Any) -> None:
        self.count, self.length = len(x), min(int(length), len(x))
        ends = np.flatnonzero(labels < 0)
        found = labels[: ends[0]] if len(ends) else labels
        self.states = np.zeros(2 * len(found) + 1, int)
        self.states[1::2] = found
        e = np.exp(x - x.real.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        self.moves = self._moves()

    def _moves(self) -> Any:
        """1 where a state, a column, may follow another, a row."""
        count = len(self.states)
        moves = np.eye(count) + np.eye(count, k=1)
        for s in range(3, count, 2):
            moves[s - 2, s] = self.states[s] != self.states[s - 2]
        return moves

    def probability(self) -> Any:
        """Of the labels."""
        if not self.length:
            return float(len(self.states) == 1)
        return self.forward()[-1][-2:].sum()

    def forward(self) -> list[Any]:
        """For each step the probability of what was seen, by state."""
        start = np.zeros(len(self.states))
        start[:2] = 1
        rows = [start * self.p[0, self.states]]
        for t in range(1, self.length):
            rows.append((rows[-1] @ self.moves) * self.p[t, self.states])
        return rows

    def gradient(self) -> Any:
        """Of -log(probability) by the activations."""
        out, whole = np.zeros_like(self.p), self.probability()
        if not self.length or whole == 0:
            return out
        rest = np.zeros(len(self.states))
        rest[-2:] = 1
        forward = self.forward()
        for t in reversed(range(self.length)):
            out[t] = self.p[t]
            np.subtract.at(out[t], self.states, forward[t] * rest / whole)
            rest = self.moves @ (rest * self.p[t, self.states])
        return out


def ctc(activations: Any, labels: Any, input_lengths: Any) -> Tensor:
    """The cost -log p(labels) of each sequence, whatever its alignment (Graves et al., 2006).

    Parameters
    ----------
    activations
        (steps, batch, classes), before the softmax, which is part of this. Class 0 is the blank.
    labels
        (batch, width), integers; a row ends at its first negative number.
    input_lengths
        (batch,), integers: the steps of each sequence.

    Returns
    -------
    tensor
        A vector of costs, infinite where a sequence is too short for its labels; its gradient is
        0 there. There are derivatives of the first and second order.

    >>> ctc([[[0.0, 0.0]], [[0.0, 0.0]]], [[1]], [2]).eval().round(4)
    array([0.2877])
    """
    result: Tensor = CTC()(activations, labels, input_lengths)
    return result
