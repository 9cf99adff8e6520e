"""Time to the first result, in new processes, and memory: of steps that other rows measure, and of
large graphs."""

from functools import partial

import numpy as np

from bench.measure import growth, imports, peak, startup
from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH_COMPILE
from bench.row import step_row
from bench.rows import convolution, loops, training, transformer

WIDTH, CASES = 8, 4
LAYER = 17.6  # nodes of a graph for each layer, with its gradient and updates
COMPILERS = SYMGRAPH, PYTENSOR, JAX, TORCH_COMPILE


def deep(count):
    """Cases, and the matrices and vectors of many small layers."""

    def draw(rng):
        layers = [
            (rng.normal(scale=1 / count, size=s) for s in ((WIDTH, WIDTH), (WIDTH,)))
            for _ in range(count)
        ]
        arrays = [rng.normal(size=(CASES, WIDTH)), *(array for pair in layers for array in pair)]
        return [array.astype("f4") for array in arrays]

    return draw


def cost(lib, x, *parameters):
    for W, b in zip(parameters[::2], parameters[1::2], strict=True):
        x = x + lib.m.tanh(x @ W + b)
    return (x**2).mean()


def slopes(x, *parameters):
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    kept = []
    for W, b in layers:
        h = np.tanh(x @ W + b)
        kept.append((x, h))
        x = x + h
    d, found = 2 * x / x.size, []
    for (W, _), (before, h) in zip(reversed(layers), reversed(kept), strict=True):
        inner = d * (1 - h**2)
        found = [before.T @ inner, inner.sum(0), *found]
        d = d + inner @ W.T
    return (x**2).mean(), found


def graph(name, nodes, peers, limit):
    """A network so deep that its step has so many nodes."""
    layers = round(nodes / LAYER)
    return step_row(
        name,
        f"step of {layers} layers, {nodes:,} nodes",
        deep(layers),
        cost,
        slopes,
        [1 / layers] * 2 * layers,
        peers,
        tolerance=1e-4,
        measure=partial(startup, limit=limit),
    )


MLP, LSTM = training.STEP, loops.STEP
ROWS = [
    MLP.measured("import", "import", imports),
    MLP.measured("start", MLP.title, startup),
    LSTM.measured("start-lstm", LSTM.title, startup),
    convolution.LENET.measured("start-lenet", convolution.LENET.title, startup),
    transformer.ENCODER.measured("start-encoder", transformer.ENCODER.title, startup),
    # Only those take part that have a chance to be done within the limit.
    graph("graph-300", 300, COMPILERS, 25),
    graph("graph-3000", 3_000, (SYMGRAPH, JAX), 25),
    graph("graph-30000", 30_000, (SYMGRAPH,), 60),
    LSTM.measured("peak", f"peak of the process: {LSTM.title}", peak),
    MLP.measured("memory", f"rise of the peak over 10,000 steps: {MLP.title}", growth),
]
