"""The driver of a plan: one native function that Python calls with a function's arrays.

    PyObject *call(PyObject *owner, PyObject *const *args, Py_ssize_t count)

is what CPython calls METH_FASTCALL. `owner` is a NumPy array of objects, the first one the memory
for temporaries that the function keeps between calls. The driver checks its arguments, evaluates
formulas and guards, runs the steps, and returns a tuple of new arrays; or raises TypeError for an
argument it cannot take, Stop where a guard fails. STEPS maps each class of step to what writes it.

The GIL is released before the first step that makes it worth the while, and taken again for new
arrays whose sizes are known no earlier, and at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from symgraph.backends.llvm.body import Body, Needs
from symgraph.backends.llvm.kernels import WORD, places
from symgraph.backends.llvm.meter import Meter
from symgraph.backends.llvm.native import NATIVE
from symgraph.backends.llvm.products import product_name
from symgraph.backends.llvm.scalars import OPERATIONS
from symgraph.backends.llvm.support import ALIGNED, CONTIGUOUS, FIELDS, GIL, RELEASE_WORK, WRITEABLE
from symgraph.backends.llvm.words import TYPES
from symgraph.backends.routines.routine import RoutineCall, routine_call
from symgraph.kernel import Buffer, Expr, Kernel, Name
from symgraph.lower.program import (
    Allocate,
    Bind,
    Branch,
    Copy,
    Gemm,
    Guard,
    Launch,
    Parameter,
    Put,
    Repeat,
    Routine,
    Slice,
    Step,
    touched,
)
from symgraph.memory import ALIGNMENT, Plan, slot_size
from symgraph.types import TensorType

NAME = "call"
COUNTS = 2  # which of the owner's objects holds the words a driver counts in
KEPT = 3  # the first of those that are arrays kept for outputs, two for each
SHARED_MEMORY, TOO_LARGE = -1, -2  # codes of Stop besides the program's own failures
UINT8 = np.dtype("uint8").num


class Driver:
    """Writes the driver of a plan."""

    def __init__(
        self,
        plan: Plan,
        kernel_names: dict[Kernel, str],
        clocked: bool = False,
        borrowed: Iterable[int] = (),
    ) -> None:
        self.plan, self.program, self.kernel_names = plan, plan.program, kernel_names
        self.body = Body(Needs(), OPERATIONS)
        self.results = {r.buffer: n for n, r in enumerate(self.program.results)}
        loose = plan.dynamic_among(list(plan.steps))
        self.loose = {b: len(self.results) + n for n, b in enumerate(loose)}
        self.used = {b for step in (*plan.head, *plan.body) for b in touched(step)}
        self.depth = 0  # of the loops a step stands in
        self.clocked = clocked
        # For each result whose arrays the function keeps, where among the owner's objects.
        self.kept = {n: KEPT + 2 * k for k, n in enumerate(sorted(borrowed))}
        self.meter: Meter | None = None
        self.objects: dict[Buffer, str] = {}
        self.routines: dict[str, RoutineCall] = {}

    def text(self) -> str:
        """The driver's module."""
        body = self.body
        self._locals()
        self._check_arguments()
        if self.clocked:
            self.meter = Meter(body, self.plan, self._counts())
        for parameter, place in zip(self.program.parameters, self._arguments, strict=True):
            self._open(parameter, place)
        for step in self.plan.head:
            self.step(step)
        self._aliases()
        self._arena()
        early = [s for s in self.plan.body if self._is_early(s)]
        for step in early:
            self.step(step)
        if self.meter:
            self.meter.begin()
        for step in (s for s in self.plan.body if not self._is_early(s)):
            self.step(step)
        self._return()
        head = f"define ptr @{NAME}(ptr %owner, ptr %args, i64 %count) nounwind {{"
        return "\n".join([head, "entry:", *body.lines, "}", body.needs.text(), ""])

    @property
    def symbols(self) -> tuple[str, ...]:
        """What the module refers to."""
        return self.body.needs.foreign()

    def step(self, step: Step) -> None:
        """Write one step: the one place all of them pass through."""
        STEPS[type(step)](self, step)
        if self.meter:
            self.meter.charge(step)

    # --- beginning and end -------------------------------------------------------------------

    def _locals(self) -> None:
        body = self.body
        words = max(map(_words, self.plan.steps), default=0)
        ranks = max((len(r.dims) for r in self.program.results), default=0)
        count = len(self.results) + len(self.loose)
        body.do(f"%gil = alloca {GIL}")
        body.do(f"store {GIL} zeroinitializer, ptr %gil")
        body.do(f"%made = alloca [{count} x ptr]")
        body.do(f"%sizes = alloca [{max(ranks, 1)} x i64]")
        body.do(f"%block = alloca [{words} x i64], align 16")
        body.do("%arena.at = alloca ptr")
        body.do("store ptr null, ptr %arena.at")
        for number in range(count):
            body.do(f"store ptr null, ptr {self._made(number)}")

    def _made(self, number: int) -> str:
        """Where the reference to a new array is kept."""
        return self.body.get(f"getelementptr ptr, ptr %made, i64 {number}")

    def _check_arguments(self) -> None:
        """Refuse a call whose arguments are not the arrays the driver is written for."""
        body, count = self.body, len(self.program.parameters)
        body.branch(body.get(f"icmp eq i64 %count, {count}"), "arguments", "refused")
        body.begin("arguments")
        self._arguments: list[str] = []
        accepted = "true"
        for number, parameter in enumerate(self.program.parameters):
            at = body.get(f"getelementptr ptr, ptr %args, i64 {number}")
            self._arguments.append(body.get(f"load ptr, ptr {at}"))
            ok = self._accepted(parameter, self._arguments[-1])
            accepted = body.get(f"and i1 {accepted}, {ok}")
        body.branch(accepted, "accepted", "refused")
        body.begin("refused")
        body.run("@refuse")
        body.do("ret ptr null")
        body.begin("failed")
        body.run("@hold", ("ptr", "%gil"))
        self._leave()
        body.do("ret ptr null")
        body.begin("accepted")

    def _accepted(self, parameter: Parameter, argument: str) -> str:
        kind = parameter.variable.type
        assert isinstance(kind, TensorType)
        descr = self._descr(kind.dtype)
        flags = CONTIGUOUS | ALIGNED | (WRITEABLE if parameter in self.program.written else 0)
        words = ("ptr", argument), ("ptr", descr), ("i32", str(kind.ndim)), ("i32", str(flags))
        return self.body.call("@accept", "i1", *words)

    def _descr(self, dtype: str) -> str:
        """NumPy's description of a dtype."""
        name = f"@descr_{dtype}"
        self.body.needs.declared[name] = f"{name} = external global i8"
        return name

    def _open(self, parameter: Parameter, argument: str) -> None:
        """Read an argument's address and sizes."""
        self.body.pointers[parameter.buffer] = self._field(argument, "data")
        if parameter.sizes:
            dims = self._field(argument, "dims")
            for axis, name in enumerate(parameter.sizes):
                at = self.body.get(f"getelementptr i64, ptr {dims}, i64 {axis}")
                self.body.values[name] = self.body.get(f"load i64, ptr {at}")

    def _counts(self) -> str:
        """Where the words lie that a driver counts in which measures itself."""
        at = f"getelementptr ptr, ptr {self._field('%owner', 'data')}, i64 {COUNTS}"
        return self._field(self.body.get(f"load ptr, ptr {self.body.get(at)}"), "data")

    def _field(self, array: str, name: str) -> str:
        at = self.body.get(f"getelementptr i8, ptr {array}, i64 {FIELDS[name]}")
        return self.body.get(f"load ptr, ptr {at}")

    def _aliases(self) -> None:
        """Refuse an argument that shares memory with what is overwritten; the caller copies it."""
        written = {p: self._extent(p) for p in self.program.written}
        for number, parameter in enumerate(self.program.parameters):
            if parameter in written or parameter.buffer not in self.used or not written:
                continue
            start, end = self._extent(parameter)
            apart = "true"
            for first, last in written.values():
                before = self.body.get(f"icmp ule i64 {end}, {first}")
                behind = self.body.get(f"icmp uge i64 {start}, {last}")
                outside = self.body.get(f"or i1 {before}, {behind}")
                apart = self.body.get(f"and i1 {apart}, {outside}")
            self._stop_unless(apart, SHARED_MEMORY, (str(number),))

    def _extent(self, parameter: Parameter) -> tuple[str, str]:
        """The addresses of an argument's first byte and of the one behind its last."""
        start = self.body.get(f"ptrtoint ptr {self.body.pointers[parameter.buffer]} to i64")
        length = str(np.dtype(parameter.buffer.dtype).itemsize)
        for name in parameter.sizes:
            length = self.body.get(f"mul nuw nsw i64 {length}, {self.body.values[name]}")
        return start, self.body.get(f"add i64 {start}, {length}")

    def _arena(self) -> None:
        """One block of memory for all temporaries, grown when it is too small."""
        if not self.plan.slots:
            return
        body, place = self.body, str(ALIGNMENT)
        widths: dict[Expr, str] = {}
        offsets = []
        for sizes in self.plan.slots:
            width = slot_size(sizes)
            if width not in widths:
                widths[width] = body.position(width)
            offsets.append(place)
            place = body.get(f"add nsw i64 {place}, {widths[width]}")
        if self.meter:
            self.meter.most(place)
        arena = body.call("@take_arena", "ptr", ("ptr", "%owner"), ("i64", place))
        body.do(f"store ptr {arena}, ptr %arena.at")
        self._fail_unless(body.get(f"icmp ne ptr {arena}, null"))
        start = body.get(f"ptrtoint ptr {self._field(arena, 'data')} to i64")
        base = body.get(f"and i64 {start}, {-ALIGNMENT}")
        addresses = (body.get(f"add i64 {base}, {offset}") for offset in offsets)
        self.slots = [body.get(f"inttoptr i64 {address} to ptr") for address in addresses]

    def _leave(self) -> None:
        """Give up what the call holds."""
        body = self.body
        count = len(self.results) + len(self.loose)
        body.run("@drop", ("ptr", "%made"), ("i64", str(count)))
        self._give_arena()

    def _give_arena(self) -> None:
        arena = self.body.get("load ptr, ptr %arena.at")
        self.body.run("@give_arena", ("ptr", "%owner"), ("ptr", arena))

    def _return(self) -> None:
        """Take the GIL and return the results as a tuple."""
        body = self.body
        body.run("@hold", ("ptr", "%gil"))
        if self.meter:
            self.meter.end()
        count = len(self.results)
        tuple_ = body.call("@PyTuple_New", "ptr", ("i64", str(count)))
        self._fail_unless(body.get(f"icmp ne ptr {tuple_}, null"))
        for number, result in enumerate(self.program.results):
            words = ("ptr", tuple_), ("i64", str(number)), ("ptr", self.objects[result.buffer])
            body.call("@PyTuple_SetItem", "i32", *words)
        if self.loose:
            at = self._made(count)
            body.run("@drop", ("ptr", at), ("i64", str(len(self.loose))))
        if self.plan.slots:
            self._give_arena()
        body.do(f"ret ptr {tuple_}")

    # --- failures ----------------------------------------------------------------------------

    def _fail_unless(self, condition: str) -> None:
        """Leave with the error that is set unless a condition holds."""
        following = self.body.label("go")
        self.body.branch(condition, following, "failed")
        self.body.begin(following)

    def _stop_unless(self, condition: str, code: int, values: Sequence[str]) -> None:
        """Leave with Stop(code, values) unless a condition holds."""
        body = self.body
        wrong, following = body.label("stop"), body.label("go")
        body.branch(condition, following, wrong)
        body.begin(wrong)
        words = [str(code), *values, "0", "0"][:3]
        body.run("@stop", ("ptr", "%gil"), *(("i64", w) for w in words))
        body.jump("failed")
        body.begin(following)

    # --- steps -------------------------------------------------------------------------------

    def _is_early(self, step: Step) -> bool:
        """Whether a step makes an output whose sizes are known at once: then the GIL is held."""
        return (
            isinstance(step, Allocate)
            and step.role == "output"
            and self.plan.known_early(*self.program.results[self.results[step.buffer]].dims)
        )

    def bind(self, step: Bind) -> None:
        """Give a scalar its name."""
        self.body.values[step.name] = self.body.value(step.value)

    def guard(self, step: Guard) -> None:
        """Stop unless a condition holds."""
        condition = self.body.value(step.condition)
        values = [self.body.value(v) for v in step.values]
        self._stop_unless(condition, step.code, values)

    def allocate(self, step: Allocate) -> None:
        """Make room: a new array, or a place in the arena."""
        slot = self.plan.slot_of.get(step.buffer)
        if step.role == "output":
            number = self.results[step.buffer]
            dims = [self.body.position(d) for d in self.program.results[number].dims]
            array = self._new_array(number, dims, np.dtype(step.buffer.dtype).num)
            self.objects[step.buffer] = array
            self.body.pointers[step.buffer] = self._field(array, "data")
        elif slot is not None:
            self.body.pointers[step.buffer] = self.slots[slot]
        else:
            length = self.body.position(step.length)
            number = np.dtype(step.buffer.dtype).num
            array = self._new_array(self.loose[step.buffer], [length], number)
            self.body.pointers[step.buffer] = self._field(array, "data")

    def _new_array(self, place: int, dims: Sequence[str], kind: int) -> str:
        body = self.body
        for axis, size in enumerate(dims):
            body.do(
                f"store i64 {size}, ptr {body.get(f'getelementptr i64, ptr %sizes, i64 {axis}')}"
            )
        body.run("@hold", ("ptr", "%gil"))
        if self.depth:
            body.run("@drop", ("ptr", self._made(place)), ("i64", "1"))  # of the run before
        words = ("i32", str(len(dims))), ("ptr", "%sizes"), ("i32", str(kind))
        if place in self.kept:
            descr = self._descr(str(self.program.results[place].buffer.dtype))
            where = ("ptr", "%owner"), ("i64", str(self.kept[place]))
            array = body.call("@take_output", "ptr", *where, *words, ("ptr", descr))
        else:
            array = body.call("@new_array", "ptr", *words)
        body.do(f"store ptr {array}, ptr {self._made(place)}")
        self._fail_unless(body.get(f"icmp ne ptr {array}, null"))
        return array

    def launch(self, step: Launch) -> None:
        """Run a kernel, in several threads when that pays."""
        body = self.body
        for place, param, arg in zip(
            places(step.kernel.params), step.kernel.params, step.args, strict=False
        ):
            at = body.get(f"getelementptr i8, ptr %block, i64 {place}")
            if isinstance(arg, Buffer):
                body.do(f"store ptr {body.pointers[arg]}, ptr {at}, align {WORD}")
            else:
                assert isinstance(param, Name)
                body.do(f"store {TYPES[param.dtype]} {body.value(arg)}, ptr {at}, align {WORD}")
        extent, work = body.position(step.extent), body.position(step.work)
        self._begin(work)
        name = f"@{self.kernel_names[step.kernel]}"
        kinds = "ptr, i64, i64, i64"
        body.needs.declared[name] = f"declare void {name}({kinds})"
        words = ("ptr", name), ("ptr", "%block"), ("i64", extent), ("i64", work)
        body.run("@launch", *words)

    def slice(self, step: Slice) -> None:
        """Name a place within a buffer."""
        self.body.pointers[step.buffer] = self.body.element(step.source, step.offset)

    def repeat(self, step: Repeat) -> None:
        """Run steps several times; the run in which `until` holds is the last."""
        body = self.body
        count = body.position(step.count)
        head, inside, latch, after = (body.label(h) for h in ("head", "run", "next", "after"))
        index, following, before = body.fresh(), body.fresh(), body.block
        with self._measured_inside():
            body.jump(head)
            body.begin(head)
            body.do(f"{index} = phi i64 [ 0, %{before} ], [ {following}, %{latch} ]")
            body.branch(body.get(f"icmp slt i64 {index}, {count}"), inside, after)
            body.begin(inside)
            body.values[step.index] = index
            if self.meter:
                self.meter.run(index)
            self.depth += 1
            self._block(step.body)
            self.depth -= 1
            body.do(f"{following} = add nsw i64 {index}, 1")
            ends = [(count, head)]
            if step.until is None:
                body.jump(latch)
            else:
                last = body.value(step.until)
                ends.append((following, body.block))
                body.branch(last, after, latch)
            body.begin(latch)
            body.jump(head)
            body.begin(after)
            if step.done or self.meter:
                self._ran(step, ends)

    def _ran(self, step: Repeat, ends: Sequence[tuple[str, str]]) -> None:
        """The number of runs of a loop, by the block that led out of it."""
        pairs = ", ".join(f"[ {runs}, %{block} ]" for runs, block in ends)
        runs = self.body.get(f"phi i64 {pairs}")
        if step.done:
            self.body.values[step.done] = runs
        if self.meter:
            self.meter.ran(step, runs)

    def branch(self, step: Branch) -> None:
        """Run one of two lists of steps."""
        body = self.body
        then, otherwise, after = (body.label(hint) for hint in ("then", "else", "go"))
        with self._measured_inside():
            body.branch(body.value(step.condition), then, otherwise)
            for label, steps in ((then, step.then), (otherwise, step.otherwise)):
                body.begin(label)
                self._block(steps)
                body.jump(after)
            body.begin(after)

    def _measured_inside(self) -> AbstractContextManager[None]:
        return self.meter.inside() if self.meter else nullcontext()

    def _block(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.step(step)

    def _begin(self, work: str) -> None:
        self.body.run("@begin", ("ptr", "%gil"), ("i64", work))

    def gemm(self, step: Gemm) -> None:
        """Multiply matrices."""
        body, kind = self.body, TYPES[step.c.dtype]
        m, n, k = (body.position(e) for e in (step.m, step.n, step.k))
        area = body.get(f"mul i64 {m}, {n}")
        self._begin(body.get(f"mul i64 {area}, {k}"))
        failed = body.call(
            f"@{product_name(step.c.dtype)}",
            "i64",
            *(("i64", size) for size in (m, n, k)),
            (kind, body.value(step.alpha)),
            *(("ptr", body.pointers[step.a]), ("i64", m if step.trans_a else k)),
            ("i1", str(int(step.trans_a))),
            *(("ptr", body.pointers[step.b]), ("i64", k if step.trans_b else n)),
            ("i1", str(int(step.trans_b))),
            (kind, body.value(step.beta)),
            *(("ptr", body.pointers[step.c]), ("i64", n)),
        )
        self._stop_unless(body.get(f"icmp eq i64 {failed}, 0"), TOO_LARGE, ())

    def put(self, step: Put) -> None:
        """Write one scalar."""
        value = self.body.value(step.value)
        self.body.store(self.body.pointers[step.buffer], value, step.buffer.dtype)

    def copy(self, step: Copy) -> None:
        """Copy elements."""
        body = self.body
        length = body.position(step.length)
        size = np.dtype(step.source.dtype).itemsize
        count = body.get(f"mul nsw i64 {length}, {size}")
        self._begin(length)
        to, from_ = (("ptr", body.pointers[b]) for b in (step.target, step.source))
        body.run("@llvm.memmove.p0.p0.i64", to, from_, ("i64", count), ("i1", "false"))

    def routine(self, step: Routine) -> None:
        """Call a routine with a block of words: for each array its address and sizes."""
        if step.routine in NATIVE:
            kind, words = NATIVE[step.routine]
            self._call_native(kind, step, words(step))
            return
        body, call = self.body, routine_call(step)
        self.routines[call.symbol] = call
        place = 0
        for buffer, dims in (*step.outputs, *step.inputs):
            sizes = (("i64", body.position(d)) for d in dims)
            for kind, word in (("ptr", body.pointers[buffer]), *sizes):
                at = body.get(f"getelementptr i8, ptr %block, i64 {place}")
                body.do(f"store {kind} {word}, ptr {at}, align {WORD}")
                place += WORD
        self._begin(str(RELEASE_WORK))
        body.run(f"@{call.symbol}", ("ptr", "%block"))

    def _call_native(self, kind: str, step: Routine, words: Sequence[Expr]) -> None:
        """Call a routine of this target's library with its arrays and a block of words."""
        body, arrays = self.body, (*step.outputs, *step.inputs)
        for place, word in enumerate(words):
            at = body.get(f"getelementptr i64, ptr %block, i64 {place}")
            body.do(f"store i64 {body.position(word)}, ptr {at}")
        self._begin(str(RELEASE_WORK))
        places = (("ptr", body.pointers[buffer]) for buffer, _ in arrays)
        body.run(f"@{kind}_{arrays[0][0].dtype}", *places, ("ptr", "%block"))


def _words(step: Step) -> int:
    """How many words the arguments of a step take."""
    if isinstance(step, Launch):
        return places(step.kernel.params)[-1] // WORD
    if isinstance(step, Routine) and step.routine in NATIVE:
        return len(NATIVE[step.routine][1](step))
    if isinstance(step, Routine):
        return sum(1 + len(dims) for _, dims in (*step.outputs, *step.inputs))
    return 0


STEPS: dict[type[Any], Callable[[Driver, Any], None]] = {
    Bind: Driver.bind,
    Guard: Driver.guard,
    Allocate: Driver.allocate,
    Launch: Driver.launch,
    Gemm: Driver.gemm,
    Put: Driver.put,
    Copy: Driver.copy,
    Routine: Driver.routine,
    Slice: Driver.slice,
    Repeat: Driver.repeat,
    Branch: Driver.branch,
}
