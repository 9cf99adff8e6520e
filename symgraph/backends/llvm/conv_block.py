"""An image in a block of memory, with its border, and the columns cut from it.

copy_image(g, block, image)   the channels of one group, zeros where a tap reaches over the edge
cut_places(g, phase, first, last, segments) -> their number
    places first..last of a phase, cut where rows and vectors end; each segment has 4 words: its
    first place counted from `first`, its length, where it lies in the block and in the target
copy_segments(to, block, segments, number)
    as whole vectors: what is written behind a segment is overwritten by the next
"""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.conv_plan import AXES, GEOMETRY, PHASE
from symgraph.backends.llvm.notation import Code, Words, greater, smaller
from symgraph.backends.llvm.tiles import ITEMSIZE, OPAQUE, Lanes, leaf_name, shape_of
from symgraph.kernel import Expr, Name, compare, lit

SEGMENT = 4  # words


def block_text(dtype: str, needs: Needs) -> list[str]:
    """The functions for a dtype."""
    copies = [_copy_image(dtype, needs, back) for back in (False, True)]
    return [*copies, _cut_places(dtype, needs)]


def _copy_image(dtype: str, needs: Needs, back: bool) -> str:
    params = (("g", "ptr"), ("block", "ptr"), ("image", "ptr"))
    code = Code("copy_back" if back else "copy_image", params, needs)
    g, size = Words(code, "%g", GEOMETRY), lit(ITEMSIZE[dtype])
    low, held, step, length = (
        [g.size(f"{what}_{name}") for name in AXES] for what in ("low", "held", "step", "in")
    )
    channels, each = g.size("channels"), g.size("each")
    if back:
        code.clear("%image", channels * length[0] * length[1] * length[2] * size)
    else:
        code.clear("%block", channels * each * size)
    rows = code.let(step[0] * step[1])
    planes = code.let(held[0] * held[1])
    with code.loop(lit(0), channels) as c, code.loop(lit(0), rows) as part:
        first = [code.let(part // step[1] + low[0]), code.let(part % step[1] + low[1])]
        with code.loop(lit(0), planes) as plane:
            d = code.let(first[0] + plane // held[1] * step[0])
            h = code.let(first[1] + plane % held[1] * step[1])
            inside = (d >= lit(0)) & (d < length[0]) & (h >= lit(0)) & (h < length[1])
            with code.when(inside):
                row = code.let(((c * length[0] + d) * length[1] + h) * length[2])
                with code.loop(lit(0), step[2]) as rest:
                    at = c * each + ((part * step[2] + rest) * planes + plane) * held[2]
                    to = code.place("%block", at, dtype)
                    x = code.let(low[2] + rest)
                    _copy_row(code, dtype, to, row, x, held[2], step[2], length[2], back)
    code.do("ret void")
    return code.text(OPAQUE)


def _copy_row(
    code: Code, dtype: str, to: str, row: Name, x: Name, held: Name, step: Name, length: Name,
    back: bool,
) -> None:  # fmt: skip
    """Copy what there is of a row, every `step`-th element from coordinate `x` on, or back."""
    begin = code.let(smaller(greater((step - 1 - x) // step, lit(0)), held))
    end = code.let(greater(smaller((length - x + step - 1) // step, held), begin))
    source = code.place("%image", row + x + begin * step, dtype)
    target = code.place(to, begin, dtype)
    single = code.let(compare("eq", step, lit(1)))
    with code.when(single):
        pair = (source, target) if back else (target, source)
        code.copy(*pair, (end - begin) * ITEMSIZE[dtype])
    with code.when(compare("ne", step, lit(1))), code.loop(lit(0), end - begin) as q:
        lanes = Lanes(code, dtype, 1)
        places = code.place(source, q * step, dtype), code.place(target, q, dtype)
        lanes.store(lanes.load(places[int(back)]), places[int(not back)])


def _cut_places(dtype: str, needs: Needs) -> str:
    params = (("g", "ptr"), ("phase", "ptr"), ("first", "int64"), ("last", "int64"), ("to", "ptr"))
    code = Code("cut_places", params, needs)
    code.returns = "i64"
    g, phase = Words(code, "%g", GEOMETRY), Words(code, "%phase", PHASE)
    held_h, held_w, out_h, out_w = g.sizes("held_h held_w out_h out_w")
    count_h, count_w = phase.sizes("count_h count_w")
    start, step = ([phase.size(f"{what}_{name}") for name in AXES] for what in ("start", "step"))
    code.do("%number = alloca i64")
    code.do("store i64 0, ptr %number")
    with code.loop(Name("first"), Name("last"), None) as place:
        w = code.let(place % count_w)
        row = code.let(place // count_w)
        h, d = code.let(row % count_h), code.let(row // count_h)
        length = code.let(smaller(smaller(count_w - w, Name("last") - place),
                                  lit(shape_of(dtype).lanes)))  # fmt: skip
        number = code.item("%number", lit(0))
        target = _target(start, step, (d, h, w), out_h, out_w)
        words = place - Name("first"), length, (d * held_h + h) * held_w + w, target
        for k, word in enumerate(words):
            code.set_item("%to", number * SEGMENT + k, word)
        code.set_item("%number", lit(0), number + 1)
        code.stride = length
    code.do(f"ret i64 {code.position(code.item('%number', lit(0)))}")
    return code.text(OPAQUE)


def _target(
    start: Sequence[Expr], step: Sequence[Expr], place: Sequence[Expr], out_h: Expr, out_w: Expr
) -> Expr:
    d, h, w = (s + p * t for s, p, t in zip(start, place, step, strict=True))
    return (d * out_h + h) * out_w + w


def cut_text(dtype: str, needs: Needs) -> str:
    """`cut`, a leaf: it writes segments one after the other, each for all lines."""
    params = (("lines", "int64"), ("offsets", "ptr"), ("from", "ptr"), ("segments", "ptr"),
              ("number", "int64"), ("to", "ptr"), ("step_to", "int64"))  # fmt: skip
    code = Code(leaf_name(dtype, "cut"), params, needs)
    lanes = Lanes(code, dtype, shape_of(dtype).lanes)
    with code.loop(lit(0), Name("number")) as s:
        at, source = (code.item("%segments", s * SEGMENT + k) for k in (0, 2))
        to, start = code.place("%to", at, dtype), code.place("%from", source, dtype)
        with code.loop(lit(0), Name("lines")) as line:
            value = lanes.load(code.place(start, code.item("%offsets", line), dtype))
            lanes.store(value, code.place(to, line * Name("step_to"), dtype))
    code.do("ret void")
    return code.text(OPAQUE, "")


def add_text(dtype: str, needs: Needs) -> str:
    """`add`, a leaf: what lies under each channel and tap; zeros are added behind a segment.

    Taps reach over each other. From one channel to the next nothing does, so that no vector waits
    until one that it shares elements with has got to memory: in another order it took 4 times as
    long.
    """
    params = (("taps", "int64"), ("channels", "int64"), ("offsets", "ptr"), ("block", "ptr"),
              ("segments", "ptr"), ("number", "int64"), ("from", "ptr"),
              ("step_from", "int64"))  # fmt: skip
    code = Code(leaf_name(dtype, "add"), params, needs)
    lanes, taps = Lanes(code, dtype, shape_of(dtype).lanes), Name("taps")
    with code.loop(lit(0), Name("number")) as s:
        at, length, to = (code.item("%segments", s * SEGMENT + k) for k in range(3))
        mask = lanes.mask(code.position(length))
        source, start = code.place("%from", at, dtype), code.place("%block", to, dtype)
        with code.loop(lit(0), taps) as tap, code.loop(lit(0), Name("channels")) as c:
            line = code.let(c * taps + tap)
            value = lanes.load(code.place(source, line * Name("step_from"), dtype), mask)
            place = code.place(start, code.item("%offsets", line), dtype)
            total = code.get(f"fadd {lanes.type} {lanes.load(place)}, {value}")
            lanes.store(total, place)
    code.do("ret void")
    return code.text(OPAQUE, "")
