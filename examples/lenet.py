"""A convolutional network in the form of LeNet that reads handwritten digits.

Two layers of convolution, bias, activation and pooling, then a hidden layer and a softmax (LeCun
et al., Gradient-based learning applied to document recognition, 1998), made small for images of 8
by 8. It reads about 98 of 100 test images.

    python examples/lenet.py
"""

import argparse

import numpy as np

import symgraph as sg
import symgraph.tensor as T
from symgraph.data import digits


def parameter(rng, shape, fan_in, name):
    """A shared variable of random weights, whose layer keeps the variance of its inputs."""
    weights = rng.normal(scale=np.sqrt(2 / fan_in), size=shape)
    return sg.shared(weights.astype(sg.config.floatX), name=name)


class Convolution:
    """The largest of each 2 by 2 places of relu(x * W + b)."""

    def __init__(self, rng, x, inputs, outputs, name):
        self.W = parameter(rng, (outputs, inputs, 3, 3), inputs * 9, f"W_{name}")
        self.b = sg.shared(np.zeros(outputs, sg.config.floatX), name=f"b_{name}")
        maps = T.nnet.conv2d(x, self.W, border_mode="half") + self.b.dimshuffle("x", 0, "x", "x")
        self.output = T.nnet.relu(T.signal.pool.pool_2d(maps, (2, 2), ignore_border=True))
        self.parameters = [self.W, self.b]


class Dense:
    """x . W + b."""

    def __init__(self, rng, x, inputs, outputs, name):
        self.W = parameter(rng, (inputs, outputs), inputs, f"W_{name}")
        self.b = sg.shared(np.zeros(outputs, sg.config.floatX), name=f"b_{name}")
        self.output = T.dot(x, self.W) + self.b
        self.parameters = [self.W, self.b]


def adam_updates(cost, parameters, rate, decay=0.9, decay_of_squares=0.999):
    """Steps in units of the gradient's usual size (Kingma and Ba, Adam, 2015)."""
    count = sg.shared(np.asarray(0, sg.config.floatX), name="count")
    now = count + 1
    scale = rate * T.sqrt(1 - decay_of_squares**now) / (1 - decay**now)
    updates = [(count, now)]
    for p, gradient in zip(parameters, T.grad(cost, parameters), strict=True):
        mean, square = (
            sg.shared(np.zeros_like(p.get_value()), name=f"{word}_{p.name}")
            for word in ("mean", "square")
        )
        new_mean = decay * mean + (1 - decay) * gradient
        new_square = decay_of_squares * square + (1 - decay_of_squares) * gradient**2
        step = scale * new_mean / (T.sqrt(new_square) + 1e-8)
        updates += [(mean, new_mean), (square, new_square), (p, p - step)]
    return updates


def main(epochs: int = 20, batch: int = 50, rate: float = 0.003, seed: int = 0) -> float:
    """Train for `epochs` passes over the images; the share of test images read rightly."""
    learn, test = digits()
    rng = np.random.default_rng(seed)

    x, y = T.matrix("x"), T.ivector("y")
    images = x.reshape((x.shape[0], 1, 8, 8))
    first = Convolution(rng, images, 1, 16, "first")
    second = Convolution(rng, first.output, 16, 32, "second")
    flat = second.output.flatten(2)  # 32 maps of 2 by 2 places
    hidden = Dense(rng, T.nnet.dropout(flat, 0.25, sg.RandomStream(seed)), 128, 64, "hidden")
    scores = Dense(rng, T.nnet.relu(hidden.output), 64, 10, "scores")
    layers = [first, second, hidden, scores]

    p = T.nnet.softmax(scores.output)
    cost = T.nnet.categorical_crossentropy(p, y).mean()
    parameters = [p for layer in layers for p in layer.parameters]
    step = sg.function([x, y], cost, updates=adam_updates(cost, parameters, rate))

    # The same network without dropout: what it masks is replaced by what it was made from.
    whole = sg.clone(p, replace={hidden.output: T.dot(flat, hidden.W) + hidden.b})
    accuracy = sg.function([x, y], T.eq(T.argmax(whole, axis=1), y).mean())

    for epoch in range(epochs):
        order = rng.permutation(len(learn.images))[: len(learn.images) // batch * batch]
        costs = [step(learn.images[rows], learn.labels[rows]) for rows in order.reshape(-1, batch)]
        if epoch % 5 == 0:
            print(f"epoch {epoch:3d}: mean cost {np.mean(costs):.4f}")

    share = float(accuracy(test.images, test.labels))
    print(f"{share:.1%} of the test images read rightly")
    return share


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=20)
    options.add_argument("--device", default="cpu", help="where to compute: cpu, cuda, cuda:1")
    chosen = options.parse_args()
    with sg.config(device=chosen.device):
        main(chosen.epochs)
