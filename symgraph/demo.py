"""The main job in one file: a two-layer network that learns to read handwritten digits.

Written as a user would write it, with the public API only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import symgraph as sg
import symgraph.tensor as T
from symgraph.data import Labelled, digits
from symgraph.dataclass import dataclass
from symgraph.errors import InputError

FLOAT = "float32"
PIXELS, CLASSES = 64, 10
RATE, MOMENTUM, DECAY = 0.1, 0.9, 5e-4


@dataclass(frozen=True)
class Settings:
    """What `symgraph demo` can be told."""

    epochs: int = 40
    hidden: int = 128
    batch: int = 20
    seed: int = 0
    mode: str | None = None
    device: str | None = None
    out: Path = Path("symgraph-demo.svg")


@dataclass(frozen=True)
class Report:
    """What a demo found out."""

    accuracy: float
    steps: int
    seconds_per_step: float
    compile_seconds: float
    out: Path


def network(x: Any, hidden: int, seed: int) -> tuple[Any, list[Any]]:
    """Class probabilities for the rows of `x`, and the parameters they depend on."""
    rng = np.random.default_rng(seed)
    W1 = sg.shared(glorot(rng, PIXELS, hidden), name="W1")
    b1 = sg.shared(np.zeros(hidden, FLOAT), name="b1")
    W2 = sg.shared(glorot(rng, hidden, CLASSES), name="W2")
    b2 = sg.shared(np.zeros(CLASSES, FLOAT), name="b2")
    h = T.nnet.relu(T.dot(x, W1) + b1)
    return T.nnet.softmax(T.dot(h, W2) + b2), [W1, b1, W2, b2]


def glorot(rng: np.random.Generator, rows: int, columns: int) -> NDArray[Any]:
    """Weights that keep the scale of what passes through (Glorot and Bengio, 2010)."""
    bound = np.sqrt(6 / (rows + columns))
    return rng.uniform(-bound, bound, (rows, columns)).astype(FLOAT)


def nesterov(cost: Any, parameters: list[Any], rate: Any) -> list[tuple[Any, Any]]:
    """The updates of gradient descent with Nesterov's momentum."""
    updates = []
    for parameter, gradient in zip(parameters, T.grad(cost, parameters), strict=True):
        velocity = sg.shared(
            np.zeros_like(parameter.get_value()), name=f"{parameter.name}_velocity"
        )
        faster = MOMENTUM * velocity - rate * gradient
        updates += [
            (velocity, faster),
            (parameter, parameter + MOMENTUM * faster - rate * gradient),
        ]
    return updates


@sg.config(floatX=FLOAT)
def compiled(settings: Settings) -> tuple[sg.Function, sg.Function]:
    """One step of training, from images, labels and rate; and the share of images misread."""
    x, y, rate = T.matrix("x"), T.ivector("y"), T.scalar("rate")
    p, parameters = network(x, settings.hidden, settings.seed)
    penalty = sum((w**2).sum() for w in parameters if w.ndim == 2)
    cost = T.nnet.categorical_crossentropy(p, y).mean() + DECAY * penalty
    updates = nesterov(cost, parameters, rate)
    mode, device = settings.mode, settings.device
    step = sg.function([x, y, rate], cost, updates=updates, mode=mode, device=device, name="step")
    errors = T.mean(T.neq(T.argmax(p, axis=1), y))
    return step, sg.function([x, y], errors, mode=mode, device=device, name="errors")


def batches(data: Labelled, settings: Settings) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Every epoch in its own random order, cut into batches of one size."""
    rng = np.random.default_rng(settings.seed)
    count = len(data.images) // settings.batch
    for _ in range(settings.epochs):
        order = rng.permutation(len(data.images))[: count * settings.batch]
        for rows in order.reshape(count, settings.batch):
            yield data.images[rows], data.labels[rows]


def train(
    step: Callable[..., Any], data: Labelled, settings: Settings, console: Console
) -> list[float]:
    """Run all steps under a falling rate; how long each took, in seconds."""
    total = settings.epochs * (len(data.images) // settings.batch)
    columns = TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    seconds = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("training", total=total)
        for n, (images, labels) in enumerate(batches(data, settings)):
            start = time.perf_counter()
            step(images, labels, RATE * (1 - n / total))
            seconds.append(time.perf_counter() - start)
            progress.advance(bar)
    return seconds


@sg.config(floatX=FLOAT)
def run(settings: Settings, console: Console) -> Report:
    """Compile, write the compiled graph to a file, train, and test."""
    learn, test = digits()
    if settings.batch > len(learn.images):
        raise InputError(f"a batch of {settings.batch} is more than the {len(learn.images)} images")
    start = time.perf_counter()
    step, errors = compiled(settings)
    compile_seconds = time.perf_counter() - start
    sg.export(step, str(settings.out))
    seconds = train(step, learn, settings, console)
    accuracy = 1 - float(errors(test.images, test.labels))
    return Report(accuracy, len(seconds), median(seconds), compile_seconds, settings.out)
