"""A graph as an ONNX model.

Every op is written in ONNX's operators where these mean the same. Shared variables become
initializers, and their next values outputs that are named `next NAME`.
"""

from __future__ import annotations

from importlib.util import find_spec

from symgraph.errors import ExportError
from symgraph.later import Later
from symgraph.show.onnx import arrays, draws, loops, parts, scalars, windows
from symgraph.show.onnx.writer import Rule, Writer
from symgraph.show.subject import Subject

checker = Later("onnx.checker")
ROOMS = (scalars, arrays, parts, windows, draws, loops)
RULES: dict[type, Rule] = {op: rule for room in ROOMS for op, rule in room.RULES.items()}


def onnx_bytes(subject: Subject) -> bytes:
    """The graph as a serialized model that ONNX's checker accepts.

    Raises
    ------
    ExportError
        onnx is not installed, or an op has no form in ONNX; the message names it.
    """
    if find_spec("onnx") is None:
        raise ExportError("an ONNX model needs onnx: pip install 'symgraph[onnx]'")
    model = Writer(RULES).model(subject)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
