"""Theano's own published times of its tutorials' programs, and ours for the same work.

`python -m bench.published` prints the table of docs/guides/theano_users.md; names of programs
choose some. The published times are those that the Deep Learning Tutorials expect of a machine of
theirs (lisa-lab/DeepLearningTutorials, code/test.py, function `speed`): seconds inside compiled
functions, float32, on one thread of an Intel i7-920 at 2.67 GHz, and on a GeForce GTX 580. Here the
classes of tests/compat/programs make the same calls, of the same sizes, on random images. Times are
processor time on one thread, compiling not counted; a long run is estimated from its first calls.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from symgraph import compat, config

BUDGET = 2.0  # seconds to measure a function in
Calls = Iterator[tuple[Callable[[int], Any], int]]  # a function of a batch's number, how many


class Data:
    """Images and labels of the sizes of MNIST, and functions of their batches."""

    def __init__(self) -> None:
        self.theano = importlib.import_module("theano")
        self.T = importlib.import_module("theano.tensor")
        self.rng = np.random.RandomState(1)
        images = self.rng.uniform(size=(50_000, 784)).astype("float32")
        self.images = self.theano.shared(images, borrow=True)
        self.labels = self.theano.shared(self.rng.randint(0, 10, 50_000).astype("int32"))
        self.index = self.T.lscalar("index")
        self.x, self.y = self.T.matrix("x"), self.T.ivector("y")

    def program(self, name: str) -> Any:
        return importlib.import_module(f"tests.compat.programs.{name}")

    def function(self, size: int, result: Any, updates: Any = None, given: Any = None) -> Any:
        """A function of the number of a batch."""
        x, y = given or (self.x, self.y)
        window = slice(self.index * size, (self.index + 1) * size)
        givens = {x: self.images[window], y: self.labels[window]}
        return self.theano.function([self.index], result, updates=updates, givens=givens)

    def fitted(
        self, size: int, params: Any, cost: Any, errors: Any, passes: int, given: Any = None
    ) -> Calls:
        """Passes of descent, each followed by one over 10,000 images to validate, one to test."""
        slopes = zip(params, self.theano.grad(cost, params), strict=True)
        step = self.function(size, cost, [(p, p - 0.01 * g) for p, g in slopes], given)
        check = self.function(size, errors, None, given)
        for _ in range(passes):
            yield step, 50_000 // size
            yield check, 2 * (10_000 // size)


def logistic_regression(data: Data) -> Calls:
    model = data.program("logistic_regression").LogisticRegression(data.x, 784, 10)
    cost, errors = model.negative_log_likelihood(data.y), model.errors(data.y)
    return data.fitted(600, model.params, cost, errors, 30)


def multilayer_perceptron(data: Data) -> Calls:
    model = data.program("multilayer_perceptron").MLP(data.rng, data.x, 784, 500, 10)
    cost = model.regression.negative_log_likelihood(data.y) + 0.0001 * model.L2_sqr
    return data.fitted(20, model.params, cost, model.regression.errors(data.y), 5)


def lenet(data: Data) -> Calls:
    lenet, dense = data.program("lenet"), data.program("multilayer_perceptron")
    images = data.x.reshape((500, 1, 28, 28))
    first = lenet.LeNetConvPoolLayer(data.rng, images, (5, 1, 5, 5), (500, 1, 28, 28))
    second = lenet.LeNetConvPoolLayer(data.rng, first.output, (5, 5, 5, 5), (500, 5, 12, 12))
    hidden = dense.HiddenLayer(data.rng, second.output.flatten(2), 5 * 4 * 4, 500)
    top = dense.LogisticRegression(hidden.output, 500, 10)
    params = [p for layer in (top, hidden, second, first) for p in layer.params]
    return data.fitted(500, params, top.negative_log_likelihood(data.y), top.errors(data.y), 5)


def denoising_auto_encoder(data: Data) -> Calls:
    for corruption in (0.0, 0.3):
        da = data.program("autoencoders").dA(data.rng, None, data.x, 784, 500)
        cost, updates = da.get_cost_updates(corruption, 0.1)
        window = data.images[data.index * 20 : (data.index + 1) * 20]
        step = data.theano.function([data.index], cost, updates=updates, givens={data.x: window})
        for _ in range(2):
            yield step, 2500


def stacked_auto_encoder(data: Data) -> Calls:
    sda = data.program("autoencoders").SdA(data.rng, 784, [1000, 1000, 1000], 10)
    for function, level in zip(
        sda.pretraining_functions(data.images, 300), (0.1, 0.2, 0.3), strict=True
    ):
        yield lambda k, f=function, c=level: f(k, c, 0.001), 166
    yield from data.fitted(300, sda.params, sda.finetune_cost, sda.errors, 2, given=(sda.x, sda.y))


def boltzmann_machine(data: Data) -> Calls:
    rbm = data.program("boltzmann").RBM(data.x, 784, 500)
    chain = data.theano.shared(np.zeros((300, 500), "float32"))
    cost, updates = rbm.get_cost_updates(0.1, chain, 15)
    window = data.images[data.index * 300 : (data.index + 1) * 300]
    step = data.theano.function([data.index], cost, updates=updates, givens={data.x: window})
    yield step, 166


class Published(NamedTuple):
    """A program, what it does, and the seconds that Theano took for it: on a CPU, on a GPU."""

    calls: Callable[[Data], Calls]
    what: str
    cpu: float
    gpu: float


PROGRAMS = [
    Published(logistic_regression, "784-10, batches of 600, 30 passes", 6.4, 2.9),
    Published(multilayer_perceptron, "784-500-10, batches of 20, 5 passes", 42.5, 19.0),
    Published(lenet, "5 and 5 maps of 5 x 5, batches of 500, 5 passes", 66.5, 5.8),
    Published(denoising_auto_encoder, "784-500, batches of 20, twice 2 passes", 71.0, 19.2),
    Published(stacked_auto_encoder, "784-3x1000-10, batches of 300, 1 and 2 passes", 191.2, 11.2),
    Published(boltzmann_machine, "784-500, batches of 300, 15 Gibbs steps, 1 pass", 201.9, 122.0),
]  # fmt: skip


def seconds(calls: Calls) -> float:
    """The processor time of all calls, from as many of each function as fit into `BUDGET`."""
    spent, known = 0.0, dict[Any, float]()
    for function, count in calls:
        if function not in known:
            known[function] = _each(function, count)
        spent += known[function] * count
    return spent


def _each(function: Callable[[int], Any], count: int) -> float:
    """The processor time of a call: a first one is not counted."""
    function(0)
    start, done = time.process_time(), 0
    while done < count and time.process_time() - start < BUDGET:
        function(done)
        done += 1
    return (time.process_time() - start) / done


def main(names: list[str]) -> None:
    """Measure programs, and print a row of the table for each."""
    compat.install()
    print("| program | calls | Theano, i7-920 | Theano, GTX 580 | symgraph | i7-920 / symgraph |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    with config(threads=1, floatX="float32"):
        for entry in PROGRAMS:
            title = entry.calls.__name__.replace("_", " ")
            if not names or entry.calls.__name__ in names:
                own = seconds(entry.calls(Data()))
                cells = f"{entry.cpu} s | {entry.gpu} s | {own:.1f} s | {entry.cpu / own:.1f}"
                print(f"| {title} | {entry.what} | {cells} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
