"""A network with one hidden layer that reads handwritten digits.

Layers are plain Python objects which build expressions. The data live in shared variables, and
`givens` cuts each minibatch out of them, so a call of the step carries a single number.

    python examples/multilayer_network.py
"""

import argparse

import numpy as np

import symgraph as sg
import symgraph.tensor as T
from symgraph.data import digits


class Layer:
    """y = activation(x . W + b)."""

    def __init__(self, rng, x, inputs, outputs, activation):
        bound = np.sqrt(6 / (inputs + outputs))
        weights = rng.uniform(-bound, bound, (inputs, outputs))
        self.W = sg.shared(weights.astype(sg.config.floatX), name=f"W_{inputs}_{outputs}")
        self.b = sg.shared(np.zeros(outputs, sg.config.floatX), name=f"b_{outputs}")
        self.output = activation(T.dot(x, self.W) + self.b)
        self.parameters = [self.W, self.b]


def momentum_updates(cost, parameters, rate, momentum=0.9):
    """Gradient descent that keeps some of its speed: one velocity for each parameter."""
    updates = []
    for parameter, gradient in zip(parameters, T.grad(cost, parameters), strict=True):
        velocity = sg.shared(np.zeros_like(parameter.get_value()), name=f"v_{parameter.name}")
        faster = momentum * velocity - rate * gradient
        updates += [(velocity, faster), (parameter, parameter + faster)]
    return updates


def main(epochs: int = 30, batch: int = 20, rate: float = 0.05, seed: int = 0) -> float:
    """Train for `epochs` passes over the images; the share of test images read rightly."""
    learn, test = digits()
    rng = np.random.default_rng(seed)
    images = sg.shared(learn.images, name="images")
    labels = sg.shared(learn.labels, name="labels")

    x, y = T.matrix("x"), T.ivector("y")
    hidden = Layer(rng, x, 64, 100, T.tanh)
    probabilities = Layer(rng, hidden.output, 100, 10, T.nnet.softmax)
    parameters = hidden.parameters + probabilities.parameters

    # Small weights generalise better, so their squares are part of the cost.
    penalty = 1e-4 * sum((layer.W**2).sum() for layer in (hidden, probabilities))
    cost = T.nnet.categorical_crossentropy(probabilities.output, y).mean() + penalty

    # `givens` puts rows of the shared images in the place of `x` when the function is compiled.
    start = T.lscalar("start")
    rows = slice(start, start + batch)
    step = sg.function(
        [start],
        cost,
        updates=momentum_updates(cost, parameters, rate),
        givens={x: images[rows], y: labels[rows]},
    )
    accuracy = sg.function([x, y], T.mean(T.eq(T.argmax(probabilities.output, axis=1), y)))

    starts = np.arange(0, len(learn.images) - batch + 1, batch)
    for epoch in range(epochs):
        costs = [step(first) for first in rng.permutation(starts)]
        if epoch % 5 == 0:
            print(f"epoch {epoch:3d}: mean cost {np.mean(costs):.4f}")

    share = float(accuracy(test.images, test.labels))
    print(f"{share:.1%} of the test images read rightly")
    return share


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=30)
    options.add_argument("--device", default="cpu", help="where to compute: cpu, cuda, cuda:1")
    chosen = options.parse_args()
    with sg.config(device=chosen.device):
        main(chosen.epochs)
