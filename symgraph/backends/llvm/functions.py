"""Our own elementary functions as LLVM functions that are inlined into the loops that call them."""

from __future__ import annotations

from symgraph.backends.elementary import (  # noqa: F401  (they fill the table)
    error_function,
    exponential,
    gamma,
    inverse,
    logarithm,
    philox,
    power,
    trigonometric,
)
from symgraph.backends.elementary.scalar_function import ScalarFunction, function
from symgraph.backends.llvm.body import Body, Needs, Writer
from symgraph.backends.llvm.words import TYPES
from symgraph.errors import VerifyError
from symgraph.kernel import Call

EXTERNAL_PREFIX = "special_"  # of the symbols of SciPy's functions
_written: dict[str, Needs] = {}  # by name: the text of a function and of those it calls


def invoke(body: Body, op: str, dtype: str, args: list[str]) -> str:
    """Call our function for an operation on floats; its text joins the module."""
    scalar = function(op, dtype)
    if scalar is None:
        raise VerifyError(f"{op} has no meaning for {dtype}")
    name = f"@{scalar.name}"
    if name not in body.needs.defined:
        if name not in _written:
            _written[name] = _definition(name, scalar, body.operations)
        body.needs.include(_written[name])
    kind = TYPES[dtype]
    body.weight += body.needs.weights[name]
    return body.get(f"call {kind} {name}({', '.join(f'{kind} {a}' for a in args)})")


def external(body: Body, expr: Call, args: list[str]) -> str:
    """Call SciPy's function of float64 numbers; Cython's take one argument more, a zero."""
    if any(a.dtype != "float64" for a in expr.args):
        raise VerifyError(f"{expr.op} has no meaning for {expr.args[0].dtype}")
    words = [*(("double", a) for a in args), ("i32", "0")]
    return body.call(f"@{EXTERNAL_PREFIX}{expr.op}", "double", *words)


def _definition(name: str, scalar: ScalarFunction, operations: dict[str, Writer]) -> Needs:
    needs, kind = Needs(), TYPES[scalar.dtype]
    body = Body(needs, operations)
    body.values = {p.id: f"%{p.id}" for p in scalar.params}
    for let in scalar.lets:
        body.values[let.name] = body.value(let.value)
    body.do(f"ret {kind} {body.value(scalar.result)}")
    params = ", ".join(f"{kind} %{p.id}" for p in scalar.params)
    head = f"define internal {kind} {name}({params}) alwaysinline {{\nentry:"
    needs.defined[name] = "\n".join([head, *body.lines, "}"])
    needs.weights[name] = body.weight
    return needs
