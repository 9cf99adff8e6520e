"""All rows, in the order of the table; one file per family."""

from bench.rows import (
    call,
    convolution,
    elementwise,
    embedding,
    language,
    linalg,
    loops,
    reduction,
    sampling,
    selection,
    training,
)

FAMILIES = (
    call,
    elementwise,
    reduction,
    training,
    embedding,
    selection,
    convolution,
    linalg,
    sampling,
    loops,
    language,
)
ROWS = {row.name: row for family in FAMILIES for row in family.ROWS}
