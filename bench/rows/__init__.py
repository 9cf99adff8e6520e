"""All rows, in the order of the tables; one file per family."""

from bench.rows import (
    call,
    convolution,
    derivatives,
    elementwise,
    embedding,
    language,
    linalg,
    loops,
    reduction,
    sampling,
    selection,
    starts,
    training,
    transformer,
)

FAMILIES = (
    call,
    elementwise,
    reduction,
    linalg,
    derivatives,
    training,
    convolution,
    transformer,
    loops,
    language,
    sampling,
    embedding,
    selection,
    starts,
)
ROWS = {row.name: row for family in FAMILIES for row in family.ROWS}
HEADLINES = (
    *("call", "chain-1e6", "softmax", "layer-norm", "matmul-1024", "mlp-20", "mlp-1024"),
    *("lenet", "convolution", "encoder", "lstm-step", "recurrence", "normals", "embedding"),
    *("import", "start", "start-lstm"),
)
