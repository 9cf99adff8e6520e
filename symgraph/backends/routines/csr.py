"""Native routines on matrices stored by rows: data, indices, indptr.

Each checks what it reads by, once an entry: report[0] becomes the number, from 1, of the first
entry that lies outside, report[1] its index.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import Any

from symgraph.backends.numba.compiler import helper


@helper
def csr_dot(out: Any, report: Any, data: Any, indices: Any, indptr: Any, b: Any) -> None:
    """out = A b, row by row."""
    report[0], report[1] = 0, 0
    width = b.shape[1]
    for row in range(out.shape[0]):
        for j in range(width):
            out[row, j] = 0
        start, stop = max(indptr[row], 0), min(indptr[row + 1], indices.size)
        for k in range(start, stop):
            column = indices[k]
            if column < 0 or column >= b.shape[0]:
                report[0], report[1] = k + 1, column
                return
            value = data[k]
            for j in range(width):
                out[row, j] += value * b[column, j]


@helper
def csr_transposed_dot(out: Any, report: Any, data: Any, indices: Any, indptr: Any, b: Any) -> None:
    """out = A' b: row by row of A, added where its entries stand."""
    report[0], report[1] = 0, 0
    width = b.shape[1]
    for row in range(out.shape[0]):
        for j in range(width):
            out[row, j] = 0
    for row in range(b.shape[0]):
        start, stop = max(indptr[row], 0), min(indptr[row + 1], indices.size)
        for k in range(start, stop):
            column = indices[k]
            if column < 0 or column >= out.shape[0]:
                report[0], report[1] = k + 1, column
                return
            value = data[k]
            for j in range(width):
                out[column, j] += value * b[row, j]


@helper
def csr_sample(out: Any, report: Any, indices: Any, indptr: Any, a: Any, b: Any) -> None:
    """The entries of a b' where a matrix has entries."""
    report[0], report[1] = 0, 0
    for k in range(out.size):
        out[k] = 0
    for row in range(a.shape[0]):
        start, stop = max(indptr[row], 0), min(indptr[row + 1], indices.size)
        for k in range(start, stop):
            column = indices[k]
            if column < 0 or column >= b.shape[0]:
                report[0], report[1] = k + 1, column
                return
            total = out[k]
            for j in range(a.shape[1]):
                total += a[row, j] * b[column, j]
            out[k] = total


@helper
def csr_majors(out: Any, indptr: Any) -> None:
    """The row of every entry."""
    for k in range(out.size):
        out[k] = 0
    for row in range(indptr.size - 1):
        for k in range(max(indptr[row], 0), min(indptr[row + 1], out.size)):
            out[k] = row


@helper
def csr_find(out: Any, rows: Any, columns: Any, indices: Any, indptr: Any) -> None:
    """Where entries (row, column) are stored, -1 if they are not; rows are sorted."""
    for n in range(out.size):
        out[n] = -1
        row, column = rows[n], columns[n]
        if row < 0 or row >= indptr.size - 1:
            continue
        low, high = max(indptr[row], 0), min(indptr[row + 1], indices.size)
        while low < high:
            middle = (low + high) // 2
            if indices[middle] < column:
                low = middle + 1
            else:
                high = middle
        if low < min(indptr[row + 1], indices.size) and indices[low] == column:
            out[n] = low
