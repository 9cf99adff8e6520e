"""Linear regression by Newton's method, with a Hessian nobody had to derive.

A gradient says which way is down; the Hessian also says how far. A squared error is a parabola in
the weights, so one Newton step from anywhere lands on the minimum: a second one only confirms it.

    python examples/newton_linear_regression.py
"""

import argparse

import numpy as np

import symgraph as sg
import symgraph.tensor as T


def measurements(count, seed=0):
    """Points on a plane in four dimensions, measured with noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3)) @ np.diag([1.0, 5.0, 0.2])  # scales that slow gradient descent
    y = x @ [2.0, -1.0, 0.5] + 3.0 + rng.normal(scale=0.1, size=count)
    return np.column_stack([x, np.ones(count)]), y


def main(count: int = 1000, steps: int = 2) -> float:
    """Fit `count` points; the distance from the weights that NumPy's least squares finds."""
    points, values = measurements(count)
    X, y = T.matrix("X"), T.vector("y")
    w = sg.shared(np.zeros(points.shape[1]), name="w")
    cost = ((T.dot(X, w) - y) ** 2).mean()

    # `hessian` is the gradient of each entry of the gradient: an expression like any other.
    slope, curvature = T.grad(cost, w), T.hessian(cost, w)
    look = sg.function([X, y], [cost, slope, curvature])

    for n in range(steps):
        value, g, H = look(points, values)
        print(f"step {n}: cost {float(value):9.6f}, length of the gradient {np.linalg.norm(g):.2e}")
        w.set_value(w.get_value() - np.linalg.solve(H, g))

    best = np.linalg.lstsq(points, values, rcond=None)[0]
    distance = float(np.abs(w.get_value() - best).max())
    print(f"weights {np.round(w.get_value(), 3)}, off the least-squares fit by {distance:.1e}")
    return distance


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--device", default="cpu", help="where to compute: cpu, cuda, cuda:1")
    chosen = options.parse_args()
    with sg.config(device=chosen.device):
        main(chosen.count)
