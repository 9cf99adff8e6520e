"""How a driver measures itself: the words it counts in, and the instructions that count.

The clock is read once behind each step. Times are gathered in the call's own words and added to
those all calls share at its end, where the GIL is held, so no addition has to be atomic. Of the
runs of a loop one in four is measured; `profile.py` shares out the loop's whole time by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from symgraph.backends.llvm import clock
from symgraph.backends.llvm.body import Body
from symgraph.kernel import INT
from symgraph.lower.program import Bind, Repeat, Step, every, is_work
from symgraph.memory import Plan

# Of a loop's runs those are measured whose number times the golden ratio has a fraction below 1/4:
# few, so that short steps cost little more, and in no rhythm that a loop may have too.
GOLDEN, SAMPLE_BITS = 0x9E3779B97F4A7C15 - 2**64, 2


class Words:
    """What each word stands for: times of steps, runs of loops, then facts of the call."""

    def __init__(self, plan: Plan) -> None:
        inside = tuple(every(plan.body))
        self.steps = tuple(step for step in inside if is_work(step))
        self.loops = tuple(step for step in inside if isinstance(step, Repeat))
        self._time = {id(step): n for n, step in enumerate(self.steps)}
        self._runs = {id(step): n for n, step in enumerate(self.loops, len(self.steps))}
        self.head = len(self.steps) + len(self.loops)  # the time before the first step
        self.calls = self.head + 1
        self.added = self.calls + 1  # the words so far are sums over all calls
        self.arena = self.added  # the most bytes of temporaries
        self.sizes = self.arena + 1  # of the last call, by `names`
        self.names = named_sizes(plan)
        self.count = self.sizes + len(self.names)

    def time(self, step: Step) -> int | None:
        """The word of a step's time, if it has one."""
        return self._time.get(id(step))

    def runs(self, loop: Repeat) -> int:
        """The word that counts how often the body of a loop ran."""
        return self._runs[id(loop)]


def named_sizes(plan: Plan) -> tuple[str, ...]:
    """The integers the driver gives names: sizes of the arguments, and what follows from them."""
    given = [name for p in plan.program.parameters for name in p.sizes]
    bound = (s for s in (*plan.head, *plan.body) if isinstance(s, Bind) and s.value.dtype == INT)
    return tuple(dict.fromkeys([*given, *(step.name for step in bound)]))


class Meter:
    """Writes what a driver needs to measure itself."""

    def __init__(self, body: Body, plan: Plan, counts: str) -> None:
        """Set the words to 0 and read the clock; `counts` is where the shared words lie."""
        self.body, self.words, self.counts = body, Words(plan), counts
        self.left_out: str | None = None  # whether this run of the innermost loop is not measured
        body.needs.declared[clock.READ] = f"declare i64 {clock.READ}()"
        self.before = body.get("alloca i64")
        self.own = body.get(f"alloca [{self.words.added} x i64]")
        zero = ("i8", "0"), ("i64", str(8 * self.words.added)), ("i1", "false")
        body.run("@llvm.memset.p0.i64", ("ptr", self.own), *zero)
        body.do(f"store i64 1, ptr {self._own(self.words.calls)}")
        body.do(f"store i64 {self._now()}, ptr {self.before}")

    def begin(self) -> None:
        """Here the first step begins."""
        self._charge(self.words.head)

    def charge(self, step: Step) -> None:
        """Here a step ends: the time since the clock was last read is its own."""
        place = self.words.time(step)
        if place is None:
            return
        if self.left_out is None:
            self._charge(place)
        else:
            with self.body.unless(self.left_out, "charge"):
                self._charge(place)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """The steps written meanwhile are part of another, which began where they begin."""
        left_out, start = self.left_out, self.body.get(f"load i64, ptr {self.before}")
        yield
        self.left_out = left_out
        self.body.do(f"store i64 {start}, ptr {self.before}")

    def run(self, index: str) -> None:
        """Here run number `index` of a loop begins."""
        body = self.body
        place = body.get(f"lshr i64 {body.get(f'mul i64 {index}, {GOLDEN}')}, {64 - SAMPLE_BITS}")
        self.left_out = body.get(f"icmp ne i64 {place}, 0")
        with body.unless(self.left_out, "start"):
            body.do(f"store i64 {self._now()}, ptr {self.before}")

    def ran(self, loop: Repeat, runs: str) -> None:
        """Here a loop ends that ran so often."""
        self._add(self.words.runs(loop), runs)

    def most(self, arena: str) -> None:
        """The bytes of temporaries of this call."""
        at = self._shared(self.words.arena)
        self.body.get(f"atomicrmw max ptr {at}, i64 {arena} monotonic")

    def end(self) -> None:
        """With the GIL held: add what was counted to the shared words, and leave the sizes."""
        body, words = self.body, self.words
        body.run(
            f"@{clock.TALLY}", ("ptr", self.counts), ("ptr", self.own), ("i64", str(words.added))
        )
        for number, name in enumerate(words.names, words.sizes):
            body.do(f"store i64 {body.values[name]}, ptr {self._shared(number)}")

    # --- words -------------------------------------------------------------------------------

    def _now(self) -> str:
        return self.body.get(f"call i64 {clock.READ}()")

    def _charge(self, place: int) -> None:
        now, last = self._now(), self.body.get(f"load i64, ptr {self.before}")
        self._add(place, self.body.get(f"sub i64 {now}, {last}"))
        self.body.do(f"store i64 {now}, ptr {self.before}")

    def _add(self, place: int, number: str) -> None:
        at = self._own(place)
        whole = self.body.get(f"add i64 {self.body.get(f'load i64, ptr {at}')}, {number}")
        self.body.do(f"store i64 {whole}, ptr {at}")

    def _own(self, place: int) -> str:
        return self.body.get(f"getelementptr i64, ptr {self.own}, i64 {place}")

    def _shared(self, place: int) -> str:
        return self.body.get(f"getelementptr i64, ptr {self.counts}, i64 {place}")
