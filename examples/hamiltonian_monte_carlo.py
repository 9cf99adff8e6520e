"""Hamiltonian Monte Carlo: samples of a distribution that is known by its energy alone.

Many chains run side by side. Each step gives a chain a random momentum, follows the laws of motion
for a while, and keeps where it arrived with a probability that makes the distribution right
(R. Neal, MCMC using Hamiltonian dynamics, 2011). The forces are gradients of the energy, so another
distribution is another `energy`; here it is a normal one, of which mean and covariance are known.
The first samples also set the size of a step: it follows the share of steps that are kept.

    python examples/hamiltonian_monte_carlo.py
"""

import argparse

import numpy as np

import symgraph as sg
import symgraph.tensor as T

MEAN = np.array([1.0, -2.0])
COVARIANCE = np.array([[1.0, 0.9], [0.9, 1.5]])
PRECISION = np.linalg.inv(COVARIANCE)
KEPT = 0.8  # the share of steps that should be kept
LEAPS = 10


def energy(q):
    """Minus the logarithm of the density, up to a constant, for each row of q."""
    away = q - MEAN
    return 0.5 * (T.dot(away, PRECISION) * away).sum(axis=1)


def force(q):
    """What pulls each row of q to where the energy is lower."""
    return -T.grad(energy(q).sum(), q)


def leapfrog(q, p, step):
    """Where motion leads from positions q with momenta p: half a push, leaps, half a push."""
    p = p + 0.5 * step * force(q)
    for leap in range(LEAPS):
        q = q + step * p
        p = p + (step if leap < LEAPS - 1 else 0.5 * step) * force(q)
    return q, p


def total(q, p):
    """Energy of position and of motion."""
    return energy(q) + 0.5 * (p**2).sum(axis=1)


def sampler(chains, seed):
    """A function that moves all chains by one step, and adapts the size of leaps at a rate."""
    stream = sg.RandomStream(seed)
    q = sg.shared(np.zeros((chains, len(MEAN))), name="q")
    step = sg.shared(0.1, name="step")
    p = stream.normal(q.shape)
    new_q, new_p = leapfrog(q, p, step)
    kept = stream.uniform((chains,)) < T.exp(total(q, p) - total(new_q, new_p))
    share = kept.mean(dtype="float64")
    rate = T.dscalar("rate")
    updates = [
        (q, T.switch(kept.dimshuffle(0, "x"), new_q, q)),
        (step, step * T.exp(rate * (share - KEPT))),
    ]
    return sg.function([rate], share, updates=updates, name="hmc"), q


def main(chains: int = 100, steps: int = 1000, seed: int = 0) -> float:
    """Draw chains * steps samples; the largest error of their mean and covariance."""
    move, q = sampler(chains, seed)
    for number in range(200):
        move(0.5 / (1 + number) ** 0.5)
    shares, samples = [], []
    for _ in range(steps):
        shares.append(move(0.0))
        samples.append(q.get_value())
    rows = np.concatenate(samples)
    mean, covariance = rows.mean(axis=0), np.cov(rows.T)
    error = max(np.abs(mean - MEAN).max(), np.abs(covariance - COVARIANCE).max())
    print(f"{len(rows)} samples, {np.mean(shares):.0%} of the steps kept")
    print(f"mean {mean.round(3)}, covariance {covariance.round(3).tolist()}")
    print(f"the moments are off by {error:.3f} at most")
    return float(error)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=1000)
    options.add_argument("--device", default="cpu", help="where to compute: cpu, cuda, cuda:1")
    chosen = options.parse_args()
    with sg.config(device=chosen.device):
        main(steps=chosen.steps)
