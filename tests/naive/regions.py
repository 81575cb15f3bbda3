"""Naive loops of a search in regions: which cells a cell of queries scans, and the rows of these by (distance, id)."""

from __future__ import annotations

import numpy as np
from naive.online import distance


def cells_of(centers, home, budget):
    """The `budget` cells with the nearest centres, itself first."""
    gaps = []
    for c in range(centers.shape[1]):
        gap = centers.dtype.type(0)
        for j in range(centers.shape[0]):
            gap += (centers[j, c] - centers[j, home]) ** 2
        gaps.append((-1 if c == home else gap, c))
    return [c for _, c in sorted(gaps)[:budget]]


def nearest(rows_of_cell, row, scanned, k, penalty):
    """The k nearest rows of some cells, each ``(id, values)``, to one of them, as (distance, id)."""
    scale = np.ones(len(row[1]), dtype=row[1].dtype)
    others = [other for c in scanned for other in rows_of_cell[c] if other[0] != row[0]]
    return sorted((distance(values, row[1], scale, penalty), name) for name, values in others)[:k]
