"""A recurrent network that learns to spell: it reads sonnets letter by letter, then writes.

Each step looks a letter up, mixes it with what the network remembers (a gated recurrent unit, K.
Cho et al., 2014), and foretells the next one. `sg.scan` makes the steps one compiled loop, and its
gradient another.

    python examples/character_network.py
"""

import argparse

import numpy as np

import symgraph as sg
import symgraph.tensor as T
from symgraph.data import sonnets


class Network:
    """A table of letters, one recurrent unit, and scores of the letter to come."""

    def __init__(self, rng, letters, hidden):
        def weights(rows, columns, name):
            values = rng.normal(scale=rows**-0.5, size=(rows, columns))
            return sg.shared(values.astype("float32"), name=name)

        self.hidden = hidden
        self.table = weights(letters, hidden, "table")  # what each letter gives to the gates
        self.gates = weights(hidden, 2 * hidden, "gates")
        self.table_of_gates = weights(letters, 2 * hidden, "table_of_gates")
        self.recall = weights(hidden, hidden, "recall")
        self.out = weights(hidden, letters, "out")
        self.bias = sg.shared(np.zeros(letters, "float32"), name="bias")
        self.parameters = [
            *(self.table, self.table_of_gates, self.gates, self.recall, self.out, self.bias)
        ]

    def step(self, letter, gates, memory):
        """What is remembered after one more letter, given by what it adds to both sums."""
        both = T.nnet.sigmoid(gates + T.dot(memory, self.gates))
        forget, keep = both[:, : self.hidden], both[:, self.hidden :]
        new = T.tanh(letter + T.dot(forget * memory, self.recall))
        return keep * memory + (1 - keep) * new

    def scores(self, letters, memory):
        """For letters (time, batch) the scores of the next ones, and the last memory."""
        rows = [self.table[letters], self.table_of_gates[letters]]
        memories, _ = sg.scan(self.step, rows, memory, name="reading")
        return T.dot(memories, self.out) + self.bias, memories[-1]


def adam(cost, parameters, rate, slow=0.999, fast=0.9):
    """Steps as long as the mean gradient is large beside its spread (D. Kingma, J. Ba, 2014)."""
    count = sg.shared(np.float32(1), name="count")
    updates = [(count, count + 1)]
    for parameter, gradient in zip(parameters, T.grad(cost, parameters), strict=True):
        zeros = np.zeros_like(parameter.get_value())
        mean, square = sg.shared(zeros), sg.shared(zeros)
        m = fast * mean + (1 - fast) * gradient
        s = slow * square + (1 - slow) * gradient**2
        length = rate * T.sqrt(1 - slow**count) / (1 - fast**count)
        updates += [
            (mean, m),
            (square, s),
            (parameter, parameter - length * m / (T.sqrt(s) + 1e-6)),
        ]
    return updates


def main(epochs: int = 60, hidden: int = 128, time: int = 40, seed: int = 0) -> float:
    """Read the sonnets `epochs` times; the mean cost of a letter in nats, over the last time."""
    text = sonnets()
    alphabet = sorted(set(text))
    codes = np.array([alphabet.index(letter) for letter in text], "int32")
    rng = np.random.default_rng(seed)
    network = Network(rng, len(alphabet), hidden)

    letters, following = T.imatrix("letters"), T.imatrix("following")
    nothing = T.zeros((letters.shape[1], hidden), dtype="float32")
    scores, _ = network.scores(letters, nothing)
    rows = scores.reshape((-1, len(alphabet)))
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(rows), following.flatten()).mean()
    learn = sg.function(
        [letters, following], cost, updates=adam(cost, network.parameters, rate=np.float32(0.01))
    )

    mean = np.inf
    for epoch in range(epochs):
        starts = rng.permutation(np.arange(rng.integers(time), len(codes) - time - 1, time))
        costs = []
        for some in np.array_split(starts, max(len(starts) // 16, 1)):
            places = some[None, :] + np.arange(time)[:, None]
            costs.append(learn(codes[places], codes[places + 1]))
        mean = float(np.mean(costs))
        if epoch % 10 == 0:
            print(f"epoch {epoch:3d}: {mean:.2f} nats a letter")

    print(f"{mean:.2f} nats a letter after {epochs} epochs; it writes:\n")
    print(written(network, alphabet, rng))
    return mean


def written(network, alphabet, rng, start="When ", count=200):
    """Letters drawn one after the other, each from the scores that those before it give."""
    letters, memory = T.imatrix("letters"), T.fmatrix("memory")
    scores, after = network.scores(letters, memory)
    foretell = sg.function([letters, memory], [T.nnet.softmax(scores[-1]), after])
    text, memory_now = start, np.zeros((1, network.hidden), "float32")
    fresh = text
    for _ in range(count):
        codes = np.array([[alphabet.index(letter)] for letter in fresh], "int32")
        chances, memory_now = foretell(codes, memory_now)
        fresh = alphabet[np.searchsorted(np.cumsum(chances[0]), rng.random() * 0.9999)]
        text += fresh
    return text


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--device", default="cpu", help="where to compute: cpu, cuda, cuda:1")
    chosen = options.parse_args()
    with sg.config(device=chosen.device):
        main(chosen.epochs)
