"""Sums in the order of the columns, of several rows side by side: each sum waits for itself, not for the others.

Naive: distances added up row by row, through the searches that measure rows, in
tests/resampler/kernels/buffer/test_search.py and tests/resampler/test_tiled.py.
"""

from __future__ import annotations

from resampler.kernels.jit import inline

SIDE_BY_SIDE = 8  # rows that are added up at once


@inline
def add_columns(terms):
    """Add up each of the `SIDE_BY_SIDE` rows of terms, column after column, with a rounding an operation.

    The sum of a row is left in its first column.
    """
    zero = terms.dtype.type(0)
    a = b = c = d = e = f = g = h = zero
    for j in range(terms.shape[1]):
        a += terms[0, j]
        b += terms[1, j]
        c += terms[2, j]
        d += terms[3, j]
        e += terms[4, j]
        f += terms[5, j]
        g += terms[6, j]
        h += terms[7, j]
    terms[0, 0], terms[1, 0], terms[2, 0] = a, b, c
    terms[3, 0], terms[4, 0], terms[5, 0] = d, e, f
    terms[6, 0], terms[7, 0] = g, h
