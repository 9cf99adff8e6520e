"""Records, such as sparse matrices: what was put together need not be taken apart."""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.graph import Apply, Constant, Variable
from symgraph.later import Later
from symgraph.records import PutTogether, RecordType, SparseTensorType, TakeApart
from symgraph.rewrite import EXACT
from symgraph.rules.equations import Theme
from symgraph.rules.samples import vector
from symgraph.rules.terms import made_by
from symgraph.types import constant

theme = Theme("records")
exact = theme.marked(EXACT)


sparse = Later("scipy.sparse")


def _sparse() -> Variable:
    parts = constant([0, 2], dtype="int32"), constant([0, 1, 2], dtype="int32"), constant([2, 3])
    made: Variable = PutTogether(SparseTensorType("csr", "float64"))(vector(2), *parts)
    return made


@exact.rule(TakeApart, examples=lambda: [TakeApart()(_sparse())[0]])
def parts_of_record(node: Apply) -> Sequence[Variable] | None:
    """The parts of what was put together of them."""
    made = made_by(node.inputs[0], PutTogether)
    return None if made is None else made.inputs


@exact.rule(TakeApart, examples=lambda: [TakeApart()(_known())[0]])
def parts_of_constant(node: Apply) -> Sequence[Variable] | None:
    """The parts of a constant are constants."""
    (x,) = node.inputs
    if not isinstance(x, Constant):
        return None
    assert isinstance(x.type, RecordType)
    return [constant(part) for part in x.type.take_apart(x.data)]


def _known() -> Variable:
    kind = SparseTensorType("csr", "float64")
    return kind.constant_class(kind, sparse.csr_matrix([[0.0, 2.0]]))


@exact.rule(PutTogether, examples=lambda: [_again()])
def record_of_parts(node: Apply) -> Variable | None:
    """What is put together of all the parts of a record is that record."""
    made = made_by(node.inputs[0], TakeApart)
    if made is None or node.inputs != made.outputs:
        return None
    (record,) = made.inputs
    return record if record.type == node.outputs[0].type else None


def _again() -> Variable:
    made: Variable = PutTogether(SparseTensorType("csr", "float64"))(*TakeApart()(_sparse()))
    parts: Sequence[Variable] = TakeApart()(made)
    return parts[0]
