"""Philox 4x32-10: random bits as a function of a counter and a key.

A counter of four 32-bit words is mixed by ten rounds of two multiplications each

    x0, x1, x2, x3 = hi(B*x2) ^ x1 ^ k0, lo(B*x2), hi(A*x0) ^ x3 ^ k1, lo(A*x0)

while k0 and k1 are counted up (J. Salmon, M. Moraes, R. Dror, D. Shaw, Parallel random numbers: as
easy as 1, 2, 3, SC 2011). Words lie in the lower halves of 64-bit numbers. Their upper halves may
hold anything, since only factors are cut off: that is what a 32-bit multiplication does by itself.
"""

from __future__ import annotations

from symgraph.backends.elementary.scalar_function import Body, define_bits
from symgraph.kernel import Expr, call, lit

A, B = 0xD2511F53, 0xCD9E8D57
STEPS = 0x9E3779B9, 0xBB67AE85  # of the key: the golden ratio, and the square root of 3, less 1
ROUNDS = 10
LOW = 0xFFFFFFFF


def _word(value: int) -> Expr:
    return lit(value, "uint64")


def _low(x: Expr) -> Expr:
    return x & _word(LOW)


def _high(x: Expr) -> Expr:
    return call("shr", x, _word(32))


def _xor(*words: Expr) -> Expr:
    first, *others = words
    for word in others:
        first = call("xor", first, word)
    return first


def _mixed(let: Body, place: Expr, draw: Expr, key: Expr) -> list[Expr]:
    """The four words after ten rounds."""
    x: list[Expr] = [place, let("x1", _high(place)), draw, let("x3", _high(draw))]
    keys: list[Expr] = [key, let("k1", _high(key))]
    for number in range(ROUNDS):
        if number:
            keys = [let(f"k{n}", keys[n] + STEPS[n]) for n in range(2)]
        a, b = let("a", _low(x[0]) * A), let("b", _low(x[2]) * B)
        first = let("x0", _xor(_high(b), x[1], keys[0]))
        x = [first, b, let("x2", _xor(_high(a), x[3], keys[1])), a]
    return x


def _joined(low: Expr, high: Expr) -> Expr:
    return _low(low) | call("shl", high, _word(32))


@define_bits
def philox(let: Body, place: Expr, draw: Expr, key: Expr) -> Expr:
    """The first two words, the first one low, for the counter (place, draw)."""
    x = _mixed(let, place, draw, key)
    return _joined(x[0], x[1])


@define_bits
def philox_high(let: Body, place: Expr, draw: Expr, key: Expr) -> Expr:
    """The other two words, the third one low."""
    x = _mixed(let, place, draw, key)
    return _joined(x[2], x[3])
