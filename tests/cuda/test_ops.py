"""Every op on the CUDA target gives what the interpreter gives."""

from __future__ import annotations

import symgraph as sg
from symgraph.families import TensorOp
from symgraph.interpret import interpret
from tests.test_derived import apply_all, close, compiled, every_op


@every_op
def test_value(kind: type[TensorOp]) -> None:
    arrays, variables, outputs = apply_all(kind)
    expected = interpret(outputs, dict(zip(variables, arrays, strict=True)))
    found = compiled(variables, outputs, mode=sg.Mode(backend="cuda"))(*arrays)
    for f, e in zip(found, expected, strict=True):
        close(f, e)
