"""Logistic regression, which tells odd from even handwritten digits.

The smallest complete program: an expression, its gradient, one compiled step, a loop.

    python examples/logistic_regression.py
"""

import argparse

import numpy as np

import symgraph as sg
import symgraph.tensor as T
from symgraph.data import digits


def main(steps: int = 500, rate: float = 1.0) -> float:
    """Train for `steps` steps; the share of test images answered rightly."""
    learn, test = digits()

    # Inputs of the expression. A matrix holds one image a row; answers are 0 (even) or 1 (odd).
    x = T.matrix("x")
    odd = T.vector("odd")

    # Shared variables keep their value between calls. A linear model may start at zero.
    w = sg.shared(np.zeros(learn.images.shape[1]), name="w")
    b = sg.shared(0.0, name="b")

    # The model: how likely each image shows an odd digit, and how wrong that is on average.
    # The cross-entropy of a sigmoid is rewritten to a form that cannot overflow.
    p = T.nnet.sigmoid(T.dot(x, w) + b)
    cost = T.nnet.binary_crossentropy(p, odd).mean()

    # Gradients are expressions too. One call of `step` computes the cost and stores the updates.
    dw, db = T.grad(cost, [w, b])
    step = sg.function([x, odd], cost, updates=[(w, w - rate * dw), (b, b - rate * db)])
    right = sg.function([x, odd], T.mean(T.eq(p > 0.5, odd > 0.5)))

    for n in range(steps):
        value = step(learn.images, learn.labels % 2)
        if n % 100 == 0:
            print(f"step {n:4d}: cost {float(value):.4f}")

    share = float(right(test.images, test.labels % 2))
    print(f"{share:.1%} of the test images answered rightly")
    return share


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=500)
    options.add_argument("--device", default="cpu", help="where to compute: cpu, cuda, cuda:1")
    chosen = options.parse_args()
    with sg.config(device=chosen.device):
        main(chosen.steps)
