"""Connectionist temporal classification: what the ops of ops/ctc.py call.

The forward-backward algorithm of Graves et al. (2006) in logarithms, over the labels with blanks
before, between and behind them. Beside each logarithm goes its derivative along a direction, which
gives the gradient's derivative exactly.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symgraph.backends.numba.compiler import helper, kernel
from symgraph.backends.numba.launch import launch
from symgraph.backends.numba.pointers import data, offset
from symgraph.backends.numba.standalone import standalone
from symgraph.backends.numba.support import hold

BLANK = 0
COST, GRADIENT, CURVATURE = 0, 1, 2  # what is wanted
SHARES = 64


@helper
def _log_sum(a: Any, b: Any, c: Any, da: Any, db: Any, dc: Any) -> Any:
    """log(exp(a) + exp(b) + exp(c)) and its derivative."""
    top = max(a, b, c)
    if top == -math.inf:
        return top, 0.0
    ea, eb, ec = math.exp(a - top), math.exp(b - top), math.exp(c - top)
    total = ea + eb + ec
    return top + math.log(total), (ea * da + eb * db + ec * dc) / total


@helper
def _label(labels: Any, state: Any) -> Any:
    return labels[state // 2] if state % 2 else BLANK


@helper
def _may_skip(labels: Any, state: Any) -> Any:
    """Whether a state may follow the one before the blank in front of it."""
    return state >= 2 and state % 2 == 1 and labels[state // 2] != labels[state // 2 - 1]


@helper
def _log_softmax(
    out: Any, slope: Any, x: Any, v: Any, steps: Any, stride: Any, classes: Any, order: Any
) -> None:
    """Logarithms of the probabilities of each step, and their derivatives along `v`."""
    for t in range(steps):
        row = t * stride
        top = float(x[row])
        for c in range(1, classes):
            top = max(top, float(x[row + c]))
        total, mean = 0.0, 0.0
        for c in range(classes):
            e = math.exp(x[row + c] - top)
            total += e
            if order == CURVATURE:
                mean += e * v[row + c]
        for c in range(classes):
            out[t * classes + c] = x[row + c] - top - math.log(total)
            slope[t * classes + c] = v[row + c] - mean / total if order == CURVATURE else 0.0


@helper
def _forward(
    alpha: Any, slope: Any, logs: Any, d_logs: Any, labels: Any, steps: Any, states: Any,
    classes: Any,
) -> None:  # fmt: skip
    """alpha[t, s]: all ways to be in state s at step t."""
    for t in range(steps):
        for s in range(states):
            c = t * classes + _label(labels, s)
            if t == 0:
                value, d_value = (0.0, 0.0) if s < 2 else (-math.inf, 0.0)
            else:
                at = (t - 1) * states + s
                a, da = alpha[at], slope[at]
                b, db = (alpha[at - 1], slope[at - 1]) if s >= 1 else (-math.inf, 0.0)
                skip = _may_skip(labels, s)
                e, de = (alpha[at - 2], slope[at - 2]) if skip else (-math.inf, 0.0)
                value, d_value = _log_sum(a, b, e, da, db, de)
            alpha[t * states + s] = value + logs[c]
            slope[t * states + s] = d_value + d_logs[c] if value > -math.inf else 0.0


@helper
def _backward_step(
    beta: Any, slope: Any, logs: Any, d_logs: Any, labels: Any, last: Any, states: Any
) -> None:
    """beta[s] one step earlier: all ways to the end from state s; `logs` are of the later step."""
    for s in range(states):
        if last:
            beta[s], slope[s] = (0.0 if s >= states - 2 else -math.inf), 0.0
            continue
        c = _label(labels, s)
        a, da = beta[s] + logs[c], slope[s] + d_logs[c]
        b, db, e, de = -math.inf, 0.0, -math.inf, 0.0
        if s + 1 < states:
            c = _label(labels, s + 1)
            b, db = beta[s + 1] + logs[c], slope[s + 1] + d_logs[c]
        if s + 2 < states and _may_skip(labels, s + 2):
            c = _label(labels, s + 2)
            e, de = beta[s + 2] + logs[c], slope[s + 2] + d_logs[c]
        beta[s], slope[s] = _log_sum(a, b, e, da, db, de)


@helper
def _whole(alpha: Any, d_alpha: Any, end: Any, states: Any) -> Any:
    """The logarithm of the labels' probability, and its derivative."""
    before, d_before = (alpha[end - 1], d_alpha[end - 1]) if states > 1 else (-math.inf, 0.0)
    return _log_sum(alpha[end], before, -math.inf, d_alpha[end], d_before, 0.0)


@helper
def _gradient(
    out: Any, logs: Any, d_logs: Any, alpha: Any, d_alpha: Any, labels: Any, length: Any,
    states: Any, classes: Any, stride: Any, order: Any,
) -> None:  # fmt: skip
    """Probabilities less those that the labels give, or the derivatives of both."""
    beta, d_beta = offset(alpha, length * states), offset(d_alpha, length * states)
    whole, d_whole = _whole(alpha, d_alpha, length * states - 1, states)
    if whole == -math.inf:
        return
    for back in range(length):
        t = length - 1 - back
        later = (t + 1) * classes
        _backward_step(
            beta, d_beta, offset(logs, later), offset(d_logs, later), labels, back == 0, states
        )
        row = offset(out, t * stride)
        for c in range(classes):
            p = math.exp(logs[t * classes + c])
            row[c] = p if order == GRADIENT else p * d_logs[t * classes + c]
        for s in range(states):
            at = t * states + s
            posterior = math.exp(alpha[at] + beta[s] - whole)
            if order == CURVATURE:
                posterior *= d_alpha[at] + d_beta[s] - d_whole
            row[_label(labels, s)] -= posterior


@kernel
def transcribe(
    lo: Any, hi: Any, share: Any, out: Any, x: Any, labels: Any, lengths: Any, v: Any,
    scratch: Any, area: Any, steps: Any, batch: Any, classes: Any, width: Any, order: Any,
    slots: Any,
) -> None:  # fmt: skip
    """Costs of some sequences, or their gradients, or the derivatives of these along `v`."""
    logs = offset(scratch, share * area)
    d_logs = offset(logs, steps * classes)
    alpha = offset(d_logs, steps * classes)
    d_alpha = offset(alpha, (steps + 1) * (2 * width + 1))
    stride = batch * classes
    for n in range(lo * batch // slots, hi * batch // slots):
        own, number, length = offset(labels, n * width), 0, max(0, min(lengths[n], steps))
        while number < width and own[number] >= 0:
            number += 1
        states, first = 2 * number + 1, n * classes
        direction = offset(v, first if order == CURVATURE else 0)
        _log_softmax(logs, d_logs, offset(x, first), direction, length, stride, classes, order)
        _forward(alpha, d_alpha, logs, d_logs, own, length, states, classes)
        if order == COST:
            none = 0.0 if number == 0 else math.inf
            whole = _whole(alpha, d_alpha, length * states - 1, states)[0] if length else -none
            out[n] = -whole
            continue
        for t in range(steps):
            for c in range(classes):
                out[t * stride + first + c] = 0
        if length:
            _gradient(
                offset(out, first), logs, d_logs, alpha, d_alpha, own, length, states, classes,
                stride, order,
            )  # fmt: skip


@standalone
def transcribe_all(out: Any, x: Any, labels: Any, lengths: Any, v: Any, sizes: Any) -> Any:
    """All sequences; `sizes` are steps, batch, classes, width of the labels, and what is wanted."""
    steps, batch, classes, width = sizes[0], sizes[1], sizes[2], sizes[3]
    most = 2 * width + 1
    slots = min(batch, SHARES)
    area = 2 * steps * classes + 2 * (steps + 1) * most
    scratch = np.empty(slots * area, np.float64)
    work = batch * steps * (classes + most) * 200
    launch(
        slots, work, transcribe, out, x, labels, lengths, v, data(scratch), area, steps, batch,
        classes, width, sizes[4], slots,
    )  # fmt: skip
    hold(scratch)
    return 0


@helper
def _run(out: Any, x: Any, labels: Any, lengths: Any, v: Any, order: Any) -> None:
    sizes = np.empty(5, np.int64)
    sizes[0], sizes[1], sizes[2] = x.shape
    sizes[3], sizes[4] = labels.shape[1], order
    transcribe_all(data(out), data(x), data(labels), data(lengths), data(v), data(sizes))
    hold(sizes)


@helper
def ctc(out: Any, x: Any, labels: Any, lengths: Any) -> None:
    """The cost of each sequence."""
    _run(out, x, labels, lengths, x, COST)


@helper
def ctc_gradient(out: Any, x: Any, labels: Any, lengths: Any) -> None:
    """The costs' gradients by the activations."""
    _run(out, x, labels, lengths, x, GRADIENT)


@helper
def ctc_curvature(out: Any, x: Any, labels: Any, lengths: Any, v: Any) -> None:
    """The gradients' derivatives along `v`."""
    _run(out, x, labels, lengths, v, CURVATURE)
