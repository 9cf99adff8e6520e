"""An auto-encoder that learns to clean images, from images it has spoiled itself.

A hidden layer sees images of which a part of the pixels was put out, and has to give the whole
ones back; the weights of the decoder are those of the encoder, transposed (Vincent et al.,
Extracting and composing robust features with denoising autoencoders, 2008). It brings the root mean
square error of test images from 0.26 down to 0.15.

    python examples/denoising_autoencoder.py
"""

import argparse

import numpy as np

import symgraph as sg
import symgraph.tensor as T
from symgraph.data import digits

PIXELS = 64


class DenoisingAutoEncoder:
    """sigmoid(W' h + c) of h = sigmoid(W x + b), x with some of its pixels at 0."""

    def __init__(self, rng, hidden, put_out):
        bound = 4 * np.sqrt(6 / (PIXELS + hidden))
        weights = rng.uniform(-bound, bound, (PIXELS, hidden))
        self.W = sg.shared(weights.astype(sg.config.floatX), name="W")
        self.b = sg.shared(np.zeros(hidden, sg.config.floatX), name="b")
        self.c = sg.shared(np.zeros(PIXELS, sg.config.floatX), name="c")
        self.parameters = [self.W, self.b, self.c]
        self.put_out = put_out
        self.stream = sg.RandomStream(seed=int(rng.integers(2**31)))

    def spoiled(self, x):
        """Images with some pixels at 0, others each time."""
        kept = self.stream.bernoulli(1 - self.put_out, size=x.shape, dtype=sg.config.floatX)
        return x * kept

    def decoded(self, x):
        """What the network makes of images."""
        code = T.nnet.sigmoid(T.dot(x, self.W) + self.b)
        return T.nnet.sigmoid(T.dot(code, self.W.T) + self.c)

    def cost(self, x):
        """The cross-entropy of whole images and those decoded from spoiled ones."""
        each = T.nnet.binary_crossentropy(self.decoded(self.spoiled(x)), x)
        return each.sum(axis=1).mean()


def main(epochs: int = 100, batch: int = 20, rate: float = 0.1, seed: int = 0) -> float:
    """Train for `epochs` passes; the root mean square error of cleaned test images."""
    learn, test = digits()
    model = DenoisingAutoEncoder(np.random.default_rng(seed), hidden=100, put_out=0.3)
    rng = np.random.default_rng(seed)

    x = T.matrix("x")
    cost = model.cost(x)
    gradients = T.grad(cost, model.parameters)
    updates = [(p, p - rate * g) for p, g in zip(model.parameters, gradients, strict=True)]
    step = sg.function([x], cost, updates=updates)

    spoiled = model.spoiled(x)
    clean = T.sqrt(T.sqr(model.decoded(spoiled) - x).mean())
    error = sg.function([x], [clean, T.sqrt(T.sqr(spoiled - x).mean())])

    for epoch in range(epochs):
        order = rng.permutation(len(learn.images))[: len(learn.images) // batch * batch]
        costs = [step(learn.images[rows]) for rows in order.reshape(-1, batch)]
        if epoch % 20 == 0:
            print(f"epoch {epoch:3d}: mean cost {np.mean(costs):.3f}")

    cleaned, before = (float(value) for value in error(test.images))
    print(f"root mean square error of test images: {before:.3f} spoiled, {cleaned:.3f} cleaned")
    return cleaned


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=100)
    options.add_argument("--device", default="cpu", help="where to compute: cpu, cuda, cuda:1")
    chosen = options.parse_args()
    with sg.config(device=chosen.device):
        main(chosen.epochs)
