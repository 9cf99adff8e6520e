"""All rows, in the order of the table; one file per family."""

from bench.rows import call, elementwise, reduction, training

ROWS = {row.name: row for family in (call, elementwise, reduction, training) for row in family.ROWS}
