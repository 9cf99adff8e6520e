"""What runs on a device, and why the rest runs on the CPU."""

from __future__ import annotations

from symgraph.backends.cuda.library import device_routine
from symgraph.backends.cuda.own_routines import own_routine
from symgraph.families import Elemwise, Library
from symgraph.graph import Apply
from symgraph.kernel import EXTERNAL, Call, Name, walk
from symgraph.lower.sizes import dtype_of
from symgraph.ops.pooling import Pooling

# Scalar functions that NVIDIA's library of them, libdevice, has too, by their names there.
LIBDEVICE = {
    "cbrt": "cbrt",
    "erfcinv": "erfcinv",
    "erfcx": "erfcx",
    "gamma": "tgamma",
    "gammaln": "lgamma",
    "i0": "cyl_bessel_i0",
    "i1": "cyl_bessel_i1",
    "j0": "j0",
    "j1": "j1",
    "ndtri": "normcdfinv",
}


def why_on_cpu(node: Apply) -> str | None:
    """Why a node that native code can run is run on the CPU; None if it runs on the device."""
    if isinstance(node.op, Elemwise):
        names = [Name(f"x{k}", dtype_of(v)) for k, v in enumerate(node.inputs)]
        calls = {e.op for e in walk(node.op.expression(*names)) if isinstance(e, Call)}
        missing = sorted(calls & EXTERNAL.keys() - LIBDEVICE.keys())
        return f"no library for GPUs has the function {missing[0]}" if missing else None
    return None


def where(node: Apply) -> str:
    """Where a program for a GPU computes a node that native code can run: there, or why not."""
    why = why_on_cpu(node)
    if why is None and isinstance(node.op, Library) and not isinstance(node.op, Pooling):
        found = device_routine(node.op)
        if found is not None:
            return f"GPU: {found.library}"
        if own_routine(node.op.routine) is not None:
            return "GPU"
        why = "its routine is written for it, arrays are copied there and back"
    return "GPU" if why is None else f"CPU: {why}"
