"""Native routines of draws that reject: `(out, report, key, draw, parameters...)`.

Each element tries candidates until one is accepted. Candidate `trial` of element `place` is made of
Philox's 128 bits for the counter (place + 2**48 trial, draw), so it depends on no other element.
A parameter holds one number for all elements, or one for each. `report` gets the number, from 1, of
an element whose parameters lie outside their domain, or 0.

`ops/draws.py` and `ops/counts.py` say the same in NumPy, and name the papers.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symgraph.backends.numba.compiler import helper

LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
A, B = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
STEP_0, STEP_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
ROUNDS = 10
TRIALS = np.uint64(48)  # the bit of the counter where trials begin
ONE = np.uint64(1)
TAU = 2 * math.pi
LEAST_MASS = 1e-20  # what lies beyond cannot be told from rounding errors
MOST = 1_000_000_000  # things of a kind that are drawn from


@helper
def random_words(key: Any, draw: Any, place: Any, trial: Any) -> Any:
    """Two words of 64 random bits."""
    counter = np.uint64(place) | np.uint64(trial) << TRIALS
    x0, x1, x2, x3 = counter & LOW, counter >> HALF, draw & LOW, draw >> HALF
    k0, k1 = key & LOW, key >> HALF
    for _ in range(ROUNDS):
        a, b = x0 * A, x2 * B
        x0, x1, x2, x3 = b >> HALF ^ x1 ^ k0, b & LOW, a >> HALF ^ x3 ^ k1, a & LOW
        k0, k1 = (k0 + STEP_0) & LOW, (k1 + STEP_1) & LOW
    return x0 | x1 << HALF, x2 | x3 << HALF


@helper
def fraction(word: Any) -> Any:
    """A uniform number in (0, 1], of 63 bits."""
    return (np.float64(word >> ONE) + 0.5) * 2.0**-63


@helper
def short_fraction(word: Any) -> Any:
    """A uniform number in (0, 1), of 32 bits."""
    return (np.float64(word & LOW) + 0.5) * 2.0**-32


@helper
def normal_of(word: Any) -> Any:
    """A standard normal number of one word."""
    radius = math.sqrt(-2 * math.log(short_fraction(word)))
    return radius * math.cos(TAU * short_fraction(word >> HALF))


@helper
def step_of(parameter: Any, out: Any) -> Any:
    """How far apart the values of a parameter lie for adjacent elements."""
    return 1 if parameter.size == out.size else 0


@helper
def accepted_cube(key: Any, draw: Any, place: Any, d: Any) -> Any:
    """The first cube (1 + x / sqrt(9d))**3 that is accepted, as a gamma number over d."""
    c, trial = 1 / math.sqrt(9 * d), 0
    while True:
        first, second = random_words(key, draw, place, trial)
        x = normal_of(first)
        v = (1 + c * x) ** 3
        if v > 0 and math.log(fraction(second)) < 0.5 * x * x + d * (1 - v + math.log(v)):
            return v
        trial += 1


@helper
def gamma(out: Any, report: Any, key: Any, draw: Any, shape: Any) -> None:
    """Standard gamma numbers of shapes from 1 on."""
    flat, a, step = out.ravel(), shape.ravel(), step_of(shape, out)
    report[0] = 0
    for k in range(flat.size):
        d = a[k * step] - 1 / 3
        if 2 / 3 <= d < math.inf:
            flat[k] = d * accepted_cube(key[()], draw[()], k, d)
        else:
            report[0] = k + 1


@helper
def poisson_of(key: Any, draw: Any, place: Any, rate: Any) -> Any:
    """A Poisson number: by its distribution function below 10, else PTRS."""
    if rate < 10:
        u, p, k = fraction(random_words(key, draw, place, 0)[0]), math.exp(-rate), 0
        while u > p and p > 0:
            u -= p
            k += 1
            p *= rate / k
        return k
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = 0.02483 * b - 0.059
    inverse_alpha, v_r = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)
    trial = 0
    while True:
        first, second = random_words(key, draw, place, trial)
        u, v = fraction(first) - 0.5, fraction(second)
        us = 0.5 - abs(u)
        x = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= v_r:
            return int(x)
        if x >= 0 and (us >= 0.013 or v <= us):
            height = math.log(v * inverse_alpha / (a / (us * us) + b))
            if height <= x * math.log(rate) - rate - math.lgamma(x + 1):
                return int(x)
        trial += 1


@helper
def poisson(out: Any, report: Any, key: Any, draw: Any, rates: Any) -> None:
    """Poisson numbers."""
    flat, rate, step = out.ravel(), rates.ravel(), step_of(rates, out)
    report[0] = 0
    for k in range(flat.size):
        r = rate[k * step]
        if 0 <= r < 1e18:
            flat[k] = poisson_of(key[()], draw[()], k, r)
        else:
            report[0] = k + 1


@helper
def rarer_binomial(key: Any, draw: Any, place: Any, n: Any, p: Any) -> Any:
    """A binomial number, p <= 1/2: by its distribution function below a mean of 10, else BTRS."""
    if n * p < 10:
        u, k = fraction(random_words(key, draw, place, 0)[0]), 0
        mass, odds = math.exp(n * math.log1p(-p)), p / (1 - p)
        while u > mass and k < n and mass > 0:
            u -= mass
            k += 1
            mass *= odds * (n - k + 1) / k
        return k
    spread = math.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = 0.0248 * b + 0.01 * p - 0.0873
    v_r, alpha, m = 0.92 - 4.2 / b, (2.83 + 5.1 / b) * spread, math.floor((n + 1) * p)
    top = math.lgamma(m + 1) + math.lgamma(n - m + 1)
    trial = 0
    while True:
        first, second = random_words(key, draw, place, trial)
        u, v = fraction(first) - 0.5, fraction(second)
        us = 0.5 - abs(u)
        x = math.floor((2 * a / us + b) * u + n * p + 0.5)
        if us >= 0.07 and v <= v_r:
            return int(x)
        if 0 <= x <= n:
            height = math.log(v * alpha / (a / (us * us) + b))
            slope = (x - m) * math.log(p / (1 - p))
            if height <= top - math.lgamma(x + 1) - math.lgamma(n - x + 1) + slope:
                return int(x)
        trial += 1


@helper
def binomial_of(key: Any, draw: Any, place: Any, n: Any, p: Any) -> Any:
    """A binomial number, that of the rarer outcome drawn."""
    if p <= 0.5:
        return rarer_binomial(key, draw, place, n, p)
    return n - rarer_binomial(key, draw, place, n, 1 - p)


@helper
def binomial(out: Any, report: Any, key: Any, draw: Any, counts: Any, chances: Any) -> None:
    """Binomial numbers."""
    flat, n, p = out.ravel(), counts.ravel(), chances.ravel()
    n_step, p_step = step_of(counts, out), step_of(chances, out)
    report[0] = 0
    for k in range(flat.size):
        count, chance = n[k * n_step], p[k * p_step]
        if count >= 0 and 0 <= chance <= 1:
            flat[k] = binomial_of(key[()], draw[()], k, count, chance)
        else:
            report[0] = k + 1


@helper
def hypergeometric_of(key: Any, draw: Any, place: Any, good: Any, bad: Any, taken: Any) -> Any:
    """A hypergeometric number: masses from the likeliest one outwards, up to a uniform number."""
    low, high = max(0, taken - bad), min(taken, good)
    mode = min(max(int((taken + 1.0) * (good + 1.0) / (good + bad + 2.0)), low), high)
    height = math.lgamma(good + 1.0) - math.lgamma(mode + 1.0) - math.lgamma(good - mode + 1.0)
    rest = taken - mode
    height += math.lgamma(bad + 1.0) - math.lgamma(rest + 1.0) - math.lgamma(bad - rest + 1.0)
    height -= math.lgamma(good + bad + 1.0)
    height += math.lgamma(taken + 1.0) + math.lgamma(good + bad - taken + 1.0)
    above = below = math.exp(height)
    up, down = mode, mode
    u = fraction(random_words(key, draw, place, 0)[0]) - above
    while u > 0 and above + below > LEAST_MASS:
        above *= (good - up) * (taken - up + 0.0) / ((up + 1.0) * (bad - taken + up + 1.0))
        up, u = up + 1, u - above
        if u <= 0:
            return up
        below *= down * (bad - taken + down + 0.0) / ((good - down + 1.0) * (taken - down + 1.0))
        down, u = down - 1, u - below
        if u <= 0:
            return down
    return mode


@helper
def hypergeometric(
    out: Any, report: Any, key: Any, draw: Any, goods: Any, bads: Any, sizes: Any
) -> None:
    """Hypergeometric numbers."""
    flat, good, bad, taken = out.ravel(), goods.ravel(), bads.ravel(), sizes.ravel()
    steps = step_of(goods, out), step_of(bads, out), step_of(sizes, out)
    report[0] = 0
    for k in range(flat.size):
        a, b, n = good[k * steps[0]], bad[k * steps[1]], taken[k * steps[2]]
        if 0 <= a < MOST and 0 <= b < MOST and 0 <= n <= a + b:
            flat[k] = hypergeometric_of(key[()], draw[()], k, a, b, n)
        else:
            report[0] = k + 1


@helper
def multinomial(out: Any, report: Any, key: Any, draw: Any, counts: Any, chances: Any) -> None:
    """Rows of multinomial numbers: one binomial number after the other, of what is left."""
    width = out.shape[-1]
    flat, n, p = out.ravel(), counts.ravel(), chances.ravel()
    rows = flat.size // max(width, 1)
    n_step, p_step = 1 if n.size == rows else 0, 1 if p.size == flat.size else 0
    report[0] = 0
    for row in range(rows):
        left, mass, start = n[row * n_step], 1.0, row * width * p_step
        fine = left >= 0
        for j in range(width):
            fine &= 0 <= p[start + j] <= 1
        if not fine:
            report[0], left = row + 1, 0
        for j in range(width - 1):
            share = min(p[start + j] / mass, 1.0) if fine and mass > 0 else 0.0
            count = binomial_of(key[()], draw[()], row * width + j, left, share)
            flat[row * width + j] = count
            left -= count
            mass -= p[start + j]
        if width:
            flat[row * width + width - 1] = left


@helper
def truncated_of(key: Any, draw: Any, place: Any, low: Any, high: Any) -> Any:
    """A standard normal number in [low, high], where low is no larger in size than high."""
    root = math.sqrt(low * low + 4) if low < 1e150 else low
    rate = (low + root) / 2
    tail = low > 0 and high - low > math.exp((low * low - low * root + 2) / 4) / rate
    flat = not tail and high - low < math.sqrt(TAU)
    trial = 0
    while True:
        first, second = random_words(key, draw, place, trial)
        u, v = fraction(first), math.log(fraction(second))
        if tail:
            x = low - math.log(u) / rate
            fine = v <= -((x - rate) ** 2) / 2
        elif flat:
            x = low + (high - low) * u
            fine = v <= (max(low, 0.0) ** 2 - x * x) / 2
        else:
            x = math.sqrt(-2 * v) * math.cos(TAU * u)
            fine = x >= low
        if fine and x <= high:
            return x
        trial += 1


@helper
def truncated_normal(out: Any, report: Any, key: Any, draw: Any, lows: Any, highs: Any) -> None:
    """Standard normal numbers between bounds."""
    flat, low, high = out.ravel(), lows.ravel(), highs.ravel()
    low_step, high_step = step_of(lows, out), step_of(highs, out)
    report[0] = 0
    for k in range(flat.size):
        a, b = low[k * low_step], high[k * high_step]
        if not a < b:
            report[0] = k + 1
        elif abs(b) < abs(a):
            flat[k] = -truncated_of(key[()], draw[()], k, -b, -a)
        else:
            flat[k] = truncated_of(key[()], draw[()], k, a, b)


@helper
def von_mises_of(key: Any, draw: Any, place: Any, kappa: Any) -> Any:
    """An angle about 0 (D. Best, N. Fisher, 1979)."""
    root = 1 + math.sqrt(1 + 4 * kappa * kappa)
    rho = (root - math.sqrt(2 * root)) / (2 * kappa) if kappa > 1e-4 else kappa / 2
    r = (1 + rho * rho) / (2 * rho)
    trial = 0
    while True:
        first, second = random_words(key, draw, place, trial)
        z = math.cos(math.pi * fraction(first))
        f = (1 + r * z) / (r + z)
        c, v = kappa * (r - f), fraction(second)
        if c * (2 - c) > v or math.log(c / v) + 1 >= c:
            angle = math.acos(min(max(f, -1.0), 1.0))
            return angle if first & ONE else -angle
        trial += 1


@helper
def von_mises(out: Any, report: Any, key: Any, draw: Any, concentrations: Any) -> None:
    """Angles about 0."""
    flat, kappa, step = out.ravel(), concentrations.ravel(), step_of(concentrations, out)
    report[0] = 0
    for k in range(flat.size):
        c = kappa[k * step]
        if c > 1e-8:
            flat[k] = von_mises_of(key[()], draw[()], k, c)
        else:
            flat[k] = math.pi * (2 * fraction(random_words(key[()], draw[()], k, 0)[0]) - 1)
            if not c >= 0:
                report[0] = k + 1


@helper
def permutation(out: Any, key: Any, draw: Any) -> None:
    """Rows of the whole numbers from 0 on, each in random order."""
    width, flat = out.shape[-1], out.ravel()
    for start in range(0, flat.size, max(width, 1)):
        for j in range(width):
            bits = random_words(key[()], draw[()], start + j, 0)[0]
            bound = np.uint64(j + 1)
            high, low = (bits >> HALF) * bound, (bits & LOW) * bound
            other = np.int64(high + (low >> HALF) >> HALF)
            flat[start + j] = flat[start + other] if other < j else j
            flat[start + other] = j
