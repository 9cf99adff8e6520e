"""A restricted Boltzmann machine that learns how digits look, by persistent contrastive divergence.

Visible units are the pixels of an image, black or white; hidden units find what goes together. The
cost is the free energy of images less that of samples of the machine (T. Tieleman, Training
restricted Boltzmann machines using approximations to the likelihood gradient, 2008). The samples
come from Gibbs chains that go on from step to step: where they arrived is an update like another.

    python examples/restricted_boltzmann_machine.py

How much it learned is measured by the pixels of test images, each guessed from all others: the
mean of minus the logarithm of the probability of a whole image (the pseudo-likelihood). Pixels by
themselves reach 24.6, the machine 15.9.
"""

import argparse

import numpy as np

import symgraph as sg
import symgraph.tensor as T
from symgraph.data import digits

PIXELS = 64


class Machine:
    """Energy -v.W.h - b.v - c.h of visible units v and hidden units h, all of them 0 or 1."""

    def __init__(self, hidden, seed):
        rng, kind = np.random.default_rng(seed), sg.config.floatX
        self.stream = sg.RandomStream(seed)
        self.W = sg.shared(rng.normal(scale=0.05, size=(PIXELS, hidden)).astype(kind), name="W")
        self.b = sg.shared(np.zeros(PIXELS, kind), name="b")
        self.c = sg.shared(np.zeros(hidden, kind), name="c")
        self.parameters = [self.W, self.b, self.c]

    def free_energy(self, v):
        """Minus the log-probability of v, the hidden units summed out, up to a constant."""
        return -T.dot(v, self.b) - T.nnet.softplus(T.dot(v, self.W) + self.c).sum(axis=-1)

    def gibbs(self, v, steps):
        """The visible units after some steps: hidden units drawn given visible ones, and back."""
        for _ in range(steps):
            h = self.draw(T.dot(v, self.W) + self.c)
            v = self.draw(T.dot(h, self.W.T) + self.b)
        return v

    def draw(self, scores):
        """Units that are 1 with the probability sigmoid(scores)."""
        return self.stream.bernoulli(T.nnet.sigmoid(scores), dtype=sg.config.floatX)

    def surprise(self, v):
        """For each image the sum over pixels of -log p(pixel | all others)."""
        flipped = abs(v.dimshuffle(0, "x", 1) - T.eye(PIXELS))
        change = self.free_energy(flipped) - self.free_energy(v).dimshuffle(0, "x")
        return T.nnet.softplus(-change).sum(axis=1)


def pixels_alone(learn, test):
    """The surprise of test images if pixels are guessed by how often each is white."""
    p = (learn.sum(axis=0) + 1) / (len(learn) + 2)
    return -(test * np.log(p) + (1 - test) * np.log(1 - p)).sum(axis=1).mean()


def main(epochs: int = 60, hidden: int = 100, batch: int = 20, gibbs: int = 5) -> float:
    """Train for `epochs` passes over the images; the mean surprise of test images."""
    learn, test = ((part.images > 0.5).astype(sg.config.floatX) for part in digits())
    machine = Machine(hidden, seed=0)
    images, chains = sg.shared(learn, name="images"), sg.shared(learn[:batch], name="chains")

    v, rate = T.matrix("v"), T.scalar("rate")
    arrived = machine.gibbs(chains, gibbs)
    cost = machine.free_energy(v).mean() - machine.free_energy(arrived).mean()
    gradients = T.grad(cost, machine.parameters, consider_constant=[arrived])
    updates = [(p, p - rate * g) for p, g in zip(machine.parameters, gradients, strict=True)]
    updates.append((chains, arrived))
    start = T.lscalar("start")
    step = sg.function(
        [start, rate], cost, updates=updates, givens={v: images[start : start + batch]}
    )
    surprise = sg.function([v], machine.surprise(v).mean())

    for epoch in range(epochs):
        if epoch % 10 == 0:
            print(f"epoch {epoch:3d}: test images surprise by {surprise(test):.1f}")
        for first in range(0, len(learn) - batch + 1, batch):
            step(first, 0.05 * (1 - epoch / epochs))
    found, alone = float(surprise(test)), pixels_alone(learn, test)
    print(f"test images surprise by {found:.1f}, where pixels by themselves reach {alone:.1f}")
    return found


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--device", default="cpu", help="where to compute: cpu, cuda, cuda:1")
    chosen = options.parse_args()
    with sg.config(device=chosen.device):
        main(chosen.epochs)
