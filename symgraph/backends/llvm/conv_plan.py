"""Plans of convolutions: which taps lie over what, where outputs are gathered from.

The sizes a plan is made from are, in this order: images and channels of the image, rows and
channels of the filters, images and channels of the output; then for each of three axes the size of
image, kernel and output; then groups, flip, and for each axis stride, dilation, zeros in front
(-1 for as many as keep the size, -2 for as many as the kernel reaches).

A plan gathers a target from a source. Place p of the target is under tap t, along each axis, at
p * step + at[t] of the source. Gathered backwards, with a stride s, only every s-th place is under
a tap: places are then done in phases, one for each remainder, and no inserted zero is multiplied.

A source image is copied to a block of memory, in which coordinates that differ by a multiple of the
step are neighbours: so adjacent places read adjacent elements. `offsets` says for each channel and
tap where in the block the first place reads, phase after phase.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.backends.llvm.notation import Code, Words, greater, smaller
from symgraph.kernel import Expr, Name, compare, lit, select

AXES = "dhw"
# What the shares of a launch know. Of the target: its sizes out_*; of the source: in_*, the steps
# in it, the first coordinate read, how many a block holds of each remainder, `each` channel too.
GEOMETRY = (
    "images groups rows channels places out_d out_h out_w in_d in_h in_w step_d step_h step_w"
    " low_d low_h low_w held_d held_h held_w each taps phase_count parts tasks chunks"
    " row_step channel_step offsets weights phases target source filters packed".split()
)
PHASE = "start_d start_h start_w step_d step_h step_w count_d count_h count_w first taps".split()


class Plan:
    """Writes a plan: forward, or backward from the output to the images."""

    def __init__(
        self, code: Code, sizes: str, backward: bool = False, by_weight: bool = False
    ) -> None:
        self.code, self.sizes, self.backward = code, sizes, backward
        self.by_weight = by_weight  # whether offsets stand in the order of weights, not of taps
        code.do(f"%g = alloca [{len(GEOMETRY)} x i64], align 16")
        self.g = Words(code, "%g", GEOMETRY)
        code.do("%bounds = alloca [6 x i64], align 16")  # first coordinate and end, by axis
        self.image, self.kernel, self.out = (self._three(k) for k in (6, 9, 12))
        self.stride, self.dilation, low = ([self._word(k + 3 * a) for a in range(3)]
                                           for k in (17, 18, 19))  # fmt: skip
        self.zeros = [self._zeros(*words) for words in zip(low, self.kernel, self.dilation,
                                                           strict=True)]  # fmt: skip

    def _word(self, place: int) -> Name:
        return self.code.item(self.sizes, lit(place))

    def _three(self, place: int) -> list[Name]:
        return [self._word(place + axis) for axis in range(3)]

    def _zeros(self, side: Name, size: Name, dilation: Name) -> Name:
        reach = (size - 1) * dilation
        half = (reach + 1) // 2
        inferred = select(compare("eq", side, lit(-1)), half, reach)
        return self.code.let(select(side >= lit(0), side, inferred))

    def write(self) -> None:
        """The geometry, taps and phases; `drop` gives their memory back."""
        code, g = self.code, self.g
        filters, own, groups = self._word(2), self._word(3), self._word(15)
        rows = code.let(filters // groups)
        if self.backward:
            rows, own = own, rows
        taps = code.let(self.kernel[0] * self.kernel[1] * self.kernel[2])
        target, source = (self.image, self.out) if self.backward else (self.out, self.image)
        one = [lit(1)] * 3
        steps: Sequence[Expr] = one if self.backward else self.stride
        strides = self.stride[0] * self.stride[1] * self.stride[2]
        phases = code.let(strides) if self.backward else lit(1)
        g.put(images=self._word(0), groups=groups, rows=rows, channels=own, taps=taps,
              phase_count=phases, places=target[0] * target[1] * target[2],
              row_step=taps if self.backward else own * taps,
              channel_step=rows * taps if self.backward else taps)  # fmt: skip
        for axis, name in enumerate(AXES):
            g.put(**{f"out_{name}": target[axis], f"in_{name}": source[axis],
                     f"step_{name}": steps[axis]})  # fmt: skip
        # Each tap: its place along each axis, then which weight it is.
        self.memory = code.make((taps * 5 + taps * own + phases * len(PHASE)) * 8)
        self.places = self.memory
        offsets = code.place(self.memory, taps * 4, "int64")
        weights = code.place(self.memory, taps * 4 + taps * own, "int64")
        self.phases = code.place(self.memory, taps * 5 + taps * own, "int64")
        g.point(offsets=offsets, weights=weights, phases=self.phases)
        self._taps(target, phases, taps, weights)
        self._reach(steps, taps)
        self._offsets(steps, offsets, own, phases)

    def drop(self) -> None:
        """Give the memory back."""
        self.code.drop(self.memory)

    def _taps(self, target: list[Name], phases: Expr, taps: Name, weights: str) -> None:
        """Phases, and for each its taps."""
        code = self.code
        code.do("%found = alloca i64")
        code.do("store i64 0, ptr %found")
        for axis in range(3):
            code.set_item("%bounds", lit(2 * axis), lit(0))
            code.set_item("%bounds", lit(2 * axis + 1), lit(0))
        with code.loop(lit(0), phases) as phase:
            record = Words(code, code.place(self.phases, phase * len(PHASE), "int64"), PHASE)
            rest: Expr = phase
            starts: list[Expr] = [lit(0)] * 3
            for axis in (2, 1, 0):
                step = self.stride[axis] if self.backward else lit(1)
                start = code.let(rest % step)
                rest = code.let(rest // step)
                count = greater((target[axis] - start + step - 1) // step, lit(0))
                name = AXES[axis]
                starts[axis] = start
                record.put(**{f"start_{name}": start, f"step_{name}": step,
                              f"count_{name}": count})  # fmt: skip
            before = code.item("%found", lit(0))
            record.put(first=before)
            with code.loop(lit(0), taps) as flat:
                self._tap(flat, starts, record, taps, weights)
            record.put(taps=code.item("%found", lit(0)) - before)

    def _tap(
        self, flat: Name, starts: Sequence[Expr], record: Words, taps: Name, weights: str
    ) -> None:
        """Add a tap to a phase unless it lies over inserted zeros only."""
        code, kernel = self.code, self.kernel
        along = [flat // (kernel[1] * kernel[2]), flat // kernel[2] % kernel[1], flat % kernel[2]]
        places: list[Name] = []
        whole: Expr = lit(True, "bool")
        for axis, tap in enumerate(along):
            at = code.let(tap * self.dilation[axis] - self.zeros[axis])
            if self.backward:
                at = code.let(starts[axis] - at)
                whole = whole & compare("eq", at % self.stride[axis], lit(0))
                at = code.let(at // self.stride[axis])
            places.append(at)
        with code.when(code.let(whole)):
            number = code.item("%found", lit(0))
            for axis, at in enumerate(places):
                code.set_item(self.places, number * 4 + axis, at)
                self._extend(axis, at, record, compare("eq", number, lit(0)))
            flip = compare("ne", self._word(16), lit(0))
            code.set_item(weights, number, select(flip, taps - 1 - flat, flat))
            code.set_item("%found", lit(0), number + 1)

    def _extend(self, axis: int, at: Expr, record: Words, first: Expr) -> None:
        """Widen the range of coordinates that are read."""
        code = self.code
        step = lit(1) if self.backward else self.stride[axis]
        count = record.size(f"count_{AXES[axis]}")
        end = code.let(at + greater(count - 1, lit(0)) * step + 1)
        low, high = (code.item("%bounds", lit(2 * axis + k)) for k in range(2))
        code.set_item("%bounds", lit(2 * axis), select(first, at, smaller(low, at)))
        code.set_item("%bounds", lit(2 * axis + 1), select(first, end, greater(high, end)))

    def _reach(self, steps: Sequence[Expr], taps: Name) -> None:
        code = self.code
        each: Expr = lit(1)
        for axis, name in enumerate(AXES):
            low, end = (code.item("%bounds", lit(2 * axis + k)) for k in range(2))
            held = code.let(greater((end - low + steps[axis] - 1) // steps[axis], lit(0)))
            self.g.put(**{f"low_{name}": low, f"held_{name}": held})
            each = code.let(each * held * steps[axis])
        self.g.put(each=each)

    def _offsets(self, steps: Sequence[Expr], offsets: str, channels: Expr, phases: Expr) -> None:
        """For each phase, channel and tap where the first place reads."""
        code, g = self.code, self.g
        each = g.size("each")
        low, held = ([g.size(f"{what}_{name}") for name in AXES] for what in ("low", "held"))
        with code.loop(lit(0), phases) as phase:
            record = Words(code, code.place(self.phases, phase * len(PHASE), "int64"), PHASE)
            first, count = record.size("first"), record.size("taps")
            with code.loop(lit(0), count) as tap:
                remainder: Expr = lit(0)
                place: Expr = lit(0)
                for axis in range(3):
                    at = code.item(self.places, (first + tap) * 4 + axis) - low[axis]
                    remainder = code.let(remainder * steps[axis] + at % steps[axis])
                    place = code.let(place * held[axis] + at // steps[axis])
                start = code.let(remainder * (held[0] * held[1] * held[2]) + place)
                with code.loop(lit(0), channels) as c:
                    number = code.item(g.pointer("weights"), tap) if self.by_weight else tap
                    row = first * channels + c * count + number
                    code.set_item(offsets, row, start + c * each)
