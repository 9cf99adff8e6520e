"""Convolutions over one to three axes, and what their gradients are made of: a module for a dtype.

    convolve_DTYPE(out, images, filters, sizes)
    convolve_inputs_DTYPE(out, filters, cotangent, sizes)
    convolve_weights_DTYPE(out, images, cotangent, sizes)

`sizes` are those of a plan (conv_plan.py). The first two gather (conv_gather.py): the gradient by
the images gathers from the cotangent, or scatters it (conv_scatter.py). The third sums over places
(conv_dots.py). A patch matrix exists only for the columns of one panel. Which products are added in
which order depends on sizes alone, not on the number of threads.
"""

from __future__ import annotations

from symgraph.backends.llvm.body import Needs
from symgraph.backends.llvm.conv_block import block_text
from symgraph.backends.llvm.conv_dots import dots_text
from symgraph.backends.llvm.conv_gather import gather_text
from symgraph.backends.llvm.conv_plan import Plan
from symgraph.backends.llvm.conv_scatter import scatter_text
from symgraph.backends.llvm.notation import Code, greater, pieces, smaller
from symgraph.backends.llvm.tiles import ITEMSIZE, shape_of
from symgraph.kernel import Expr, call, lit

TASKS = 16  # worth having: they even out cores of unequal speed
MANY = 8  # images and groups, each of which is a task of scattering
CUT, ADDED = 5, 11  # products that it takes as long to cut an element as to do, and to add one
CHUNKS = 4  # of images at most, whose sums of filters are kept apart
IMPORTS = ("launch",)
KINDS = ("convolve", "convolve_inputs", "convolve_weights")
PARAMS = (("out", "ptr"), ("first", "ptr"), ("second", "ptr"), ("sizes", "ptr"))


def convolution_names(dtype: str) -> list[str]:
    """The functions of the module for a dtype."""
    return [f"{kind}_{dtype}" for kind in KINDS]


def convolution_text(dtype: str) -> str:
    """The module for a dtype."""
    needs = Needs()
    functions = [*block_text(dtype, needs), *gather_text(dtype, needs)]
    functions += [*dots_text(dtype, needs), _weights(dtype, needs)]
    functions += [scatter_text(dtype, needs), _scatter(dtype, needs), _inputs(dtype, needs)]
    functions += [_gather(dtype, needs, backward) for backward in (False, True)]
    return "\n".join([*functions, needs.text(), ""])


def _gather(dtype: str, needs: Needs, backward: bool) -> str:
    name = "gather_inputs" if backward else f"{KINDS[0]}_{dtype}"
    code = Code(name, PARAMS, needs)
    plan = Plan(code, "%sizes", backward)
    plan.write()
    g, shape = plan.g, shape_of(dtype)
    filters, source = ("%first", "%second") if backward else ("%second", "%first")
    images, groups, rows, channels, taps, places = g.sizes(
        "images groups rows channels taps places"
    )
    panels = code.let(pieces(rows, shape.rows))
    weights = code.let(groups * panels * shape.rows * channels * taps)
    packed = code.make(weights * ITEMSIZE[dtype])
    g.point(target="%out", source=source, filters=filters, packed=packed)
    _launch(code, "pack_share", groups * panels, weights * 8)
    jobs = code.let(greater(images * groups, lit(1)))
    most = greater(pieces(places, shape.width), lit(1))
    parts = code.let(smaller(most, (jobs + (TASKS - 1)) // jobs))
    g.put(parts=parts)
    some = (images * groups > lit(0)) & (rows > lit(0)) & (places > lit(0))
    with code.when(some):
        work = images * groups * rows * channels * taps * places // 2
        _launch(code, "gather_share", images * groups * parts, work)
    code.drop(packed)
    plan.drop()
    code.do("ret void")
    return code.text("nounwind", "internal " if backward else "")


def _scatter(dtype: str, needs: Needs) -> str:
    code = Code("scatter_inputs", PARAMS, needs)
    plan = Plan(code, "%sizes", by_weight=True)
    plan.write()
    g = plan.g
    images, groups, rows, channels, taps, places = g.sizes(
        "images groups rows channels taps places"
    )
    g.point(filters="%first", target="%second", source="%out")
    jobs = code.let(images * groups)
    _launch(code, "scatter_share", jobs, jobs * rows * channels * taps * places // 2)
    plan.drop()
    code.do("ret void")
    return code.text()


def _inputs(dtype: str, needs: Needs) -> str:
    """The gradient by the images: scattered where that is less work than gathering."""
    code = Code(f"{KINDS[1]}_{dtype}", PARAMS, needs)
    image, out, stride = ([code.item("%sizes", lit(place + step * axis)) for axis in range(3)]
                          for place, step in ((6, 1), (12, 1), (17, 3)))  # fmt: skip
    images, filters, channels, groups = (code.item("%sizes", lit(k)) for k in (0, 2, 3, 15))
    each = code.let(filters // greater(groups, lit(1)))  # filters of a group
    gathered = image[0] * image[1] * image[2] * each * (channels + CUT)
    places = out[0] * out[1] * out[2] * stride[0] * stride[1] * stride[2]
    scattered = code.let(places * channels * (each + ADDED))
    many = images * groups >= lit(MANY)
    scatter = code.let(many & (gathered > scattered) & (scattered > lit(0)))
    pointers = [f"%{name}" for name, _ in PARAMS]
    with code.when(scatter):
        code.invoke("@scatter_inputs", *pointers)
    with code.when(call("not", scatter)):
        code.invoke("@gather_inputs", *pointers)
    code.do("ret void")
    return code.text("nounwind", "")


def _weights(dtype: str, needs: Needs) -> str:
    code = Code(f"{KINDS[2]}_{dtype}", PARAMS, needs)
    plan = Plan(code, "%sizes")
    plan.write()
    g, shape = plan.g, shape_of(dtype)
    images, groups, rows, channels, taps, places = g.sizes(
        "images groups rows channels taps places"
    )
    size = code.let(groups * rows * channels * taps)
    with code.when(size > lit(0)):
        chunks = code.let(greater(smaller(images, lit(CHUNKS)), lit(1)))
        panels = pieces(channels * taps, shape.rows)
        jobs = code.let(chunks * groups)
        parts = code.let(greater(smaller(panels, lit(TASKS // 2) // jobs), lit(1)))
        sums = code.make(chunks * size * ITEMSIZE[dtype])
        g.point(source="%first", target="%second", filters="%out", packed=sums)
        g.put(chunks=chunks, parts=parts)
        _launch(code, "dots_share", jobs * parts, images * size * places // 2)
        _launch(code, "add_share", groups * channels * taps, chunks * size * 2)
        code.drop(sums)
    plan.drop()
    code.do("ret void")
    return code.text("nounwind", "")


def _launch(code: Code, function: str, extent: Expr, work: Expr) -> None:
    sizes = ("i64", code.position(extent)), ("i64", code.position(work))
    code.run("@launch", ("ptr", f"@{function}"), ("ptr", "%g"), *sizes)
