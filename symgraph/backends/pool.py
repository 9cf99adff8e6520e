"""The native half of the thread pool: sharing out a range, waiting, waking.

All state is in one block of int64 words (see the constants). A launch packs `ticket`, number of
shares and next free share into the word STATE; whoever adds one to it owns that share. The ticket
makes a worker that woke up late fail to take a share of a newer launch with old parameters. The
launching thread takes shares like any worker and waits only for shares that others have begun, so
a worker that never gets a core costs nothing.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

from numba import njit, types

from symgraph.backends.atomics import (
    add,
    call_share,
    exchange_if,
    load,
    place,
    pool_words,
    spin_hint,
    store,
)

# Words that are written by different threads lie in different cache lines (8 words).
MIN_WORK, RUN, MAX_SHARES, GRAIN, SPIN, WAKE_WORK = 0, 1, 2, 3, 4, 5
STATE = 8
LEFT = 16
BUSY, FUNCTION, DATA, EXTENT, MISSED = 24, 25, 26, 27, 28
SLEEPERS, STOP, WAITING = 32, 33, 34
MUTEX, WAKE, DONE = 40, 48, 56
WORDS = 64
PATIENCE = 10  # how much longer a launch looks for its last shares than a worker for new ones

lock = types.ExternalFunction("pthread_mutex_lock", types.int32(types.int64))
unlock = types.ExternalFunction("pthread_mutex_unlock", types.int32(types.int64))
wait = types.ExternalFunction("pthread_cond_wait", types.int32(types.int64, types.int64))
broadcast = types.ExternalFunction("pthread_cond_broadcast", types.int32(types.int64))


OPTIONS = {"nogil": True, "error_model": "numpy"}


@njit(**OPTIONS)
def _has_shares(state: Any) -> Any:
    return state & 0xFFFF < (state >> 16) & 0xFFFF


@njit(**OPTIONS)
def _run_share(function: Any, data: Any, n: Any, share: Any, shares: Any) -> None:
    call_share(function, data, n * share // shares, n * (share + 1) // shares, share)


@njit(**OPTIONS)
def _wake_up(pool: Any, sleepers: Any, condition: Any) -> None:
    if load(pool, sleepers) > 0:
        lock(place(pool, MUTEX))
        broadcast(place(pool, condition))
        unlock(place(pool, MUTEX))


@njit(**OPTIONS)
def _take_shares(pool: Any) -> None:
    state = load(pool, STATE)
    while _has_shares(state):
        function, data, n = load(pool, FUNCTION), load(pool, DATA), load(pool, EXTENT)
        if exchange_if(pool, STATE, state, state + 1):
            _run_share(function, data, n, state & 0xFFFF, (state >> 16) & 0xFFFF)
            if add(pool, LEFT, -1) == 1:
                _wake_up(pool, WAITING, DONE)
        state = load(pool, STATE)


@njit(**OPTIONS)
def _wait_for_shares(pool: Any) -> None:
    looks = load(pool, SPIN)
    while looks > 0:
        if _has_shares(load(pool, STATE)) or load(pool, STOP):
            return
        # While a launch is under way the next one is near: falling asleep then would cost a
        # wake-up at each launch of a sequence of long ones.
        looks -= 1 - load(pool, BUSY)
        spin_hint()
    lock(place(pool, MUTEX))
    add(pool, SLEEPERS, 1)
    while not (_has_shares(load(pool, STATE)) or load(pool, STOP)):
        wait(place(pool, WAKE), place(pool, MUTEX))
    add(pool, SLEEPERS, -1)
    unlock(place(pool, MUTEX))


@njit(**OPTIONS)
def _wait_for_others(pool: Any) -> None:
    for _ in range(load(pool, SPIN) * PATIENCE):
        if load(pool, LEFT) == 0:
            return
        spin_hint()
    lock(place(pool, MUTEX))
    add(pool, WAITING, 1)
    while load(pool, LEFT) != 0:
        wait(place(pool, DONE), place(pool, MUTEX))
    add(pool, WAITING, -1)
    unlock(place(pool, MUTEX))


@njit(**OPTIONS)
def _worth_waking(pool: Any, work: Any) -> Any:
    """Whether the work done without the sleeping workers has come to be worth a wake-up."""
    missed = load(pool, MISSED) + work
    due = missed >= load(pool, WAKE_WORK)
    store(pool, MISSED, 0 if due else missed)
    return due


@njit(**OPTIONS)
def work() -> None:
    """Work until STOP is set: what a worker thread does."""
    pool = pool_words()
    while load(pool, STOP) == 0:
        _take_shares(pool)
        _wait_for_shares(pool)


@njit(**OPTIONS)
def run(function: Any, data: Any, n: Any, work: Any) -> Any:
    """Run `function(data, lo, hi, share)` over range(n); return the number of shares.

    The shares depend on n, work and the size of the pool only, so results that depend on them do
    not change when another thread keeps the workers busy.
    """
    pool = pool_words()
    shares = min(n, load(pool, MAX_SHARES), work // load(pool, GRAIN) + 1)
    if not exchange_if(pool, BUSY, 0, 1):
        for share in range(shares):
            _run_share(function, data, n, share, shares)
        return shares
    store(pool, FUNCTION, function)
    store(pool, DATA, data)
    store(pool, EXTENT, n)
    store(pool, LEFT, shares)
    ticket = (load(pool, STATE) >> 32) + 1
    store(pool, STATE, ticket << 32 | shares << 16)
    if load(pool, SLEEPERS) > 0 and _worth_waking(pool, work):
        _wake_up(pool, SLEEPERS, WAKE)
    _take_shares(pool)
    _wait_for_others(pool)
    store(pool, BUSY, 0)
    return shares
