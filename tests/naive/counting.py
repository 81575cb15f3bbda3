"""Naive loop of counting: every value against every edge."""

from __future__ import annotations


def count(X, groups, edges, tables, counts):
    """Count each value of each row; `tables` holds the cells of a column's codes, or None for a number."""
    for row, group in zip(X, groups, strict=True):
        if group < 0:
            continue
        for j, value in enumerate(row):
            if value != value:
                cell = counts.shape[2] - 1
            elif tables[j] is not None:
                *known, others = tables[j]
                cell = known[int(value)] if 0 <= value < len(known) else others
            else:
                cell = sum(bool(value > edge) for edge in edges[j])
            counts[group, j, cell] += 1
