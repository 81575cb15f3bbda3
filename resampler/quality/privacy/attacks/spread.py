"""Rows that few copies leave open, once rows that are found stand for their partners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.turns import Turns

_ROUNDS = 4
_AROUND = 256  # found rows around a copy that may be its partner
_WIDEST = 20.0  # how much further off a base may be than the copy that it is computed from


def spread(
    points: NDArray[np.float64], turns: Turns, found: NDArray[np.float64], bases: NDArray[np.int64], tolerance: float
) -> NDArray[np.float64]:
    """Find further rows from found ones.

    Parameters
    ----------
    points : ndarray of shape (n_rows, n_columns), float64
        Synthetic rows.
    turns : Turns
        What they are.
    found : ndarray of shape (n_found, n_columns), float64
        Rows that are decided.
    bases : ndarray of shape (n_open,), int64
        Those that are not.
    tolerance : float
        How far copies may lie beside the line.

    Returns
    -------
    ndarray of shape (n_further, n_columns), float64
        Bases, and partners that follow from them.

    Notes
    -----
    A copy and its partner decide the base. Of two copies, each with every found row as its partner, the two bases that
    agree are the right ones: chance would have to meet in every column.
    """
    order = np.argsort(turns.base, kind="stable")
    start = np.searchsorted(turns.base[order], np.arange(int(turns.base.max(initial=-1)) + 2))
    open_, further = bases.tolist(), np.empty((0, points.shape[1]))
    for _ in range(_ROUNDS):
        if not open_ or not len(found):
            break
        tree, left, new = KDTree(found), [], []
        for base in open_:
            copies = order[start[base] : start[base + 1]]
            copies = copies[np.argsort(turns.step[copies], kind="stable")][:2]  # small steps: the base is near
            at = _agreed(points[copies], turns.step[copies], found, tree, tolerance) if len(copies) == 2 else None
            if at is None:
                left.append(base)
                continue
            new.append(at)
            copies = order[start[base] : start[base + 1]]
            wide = turns.step[copies] > 1 / _WIDEST
            ends = at + (points[copies] - at) / turns.step[copies, None].clip(1 / _WIDEST)
            new.extend(ends[wide])
        if not new:
            break
        open_ = left
        further = np.concatenate([further, np.array(new)])
        found = np.concatenate([found, np.array(new)])
    return further


def _agreed(
    copies: NDArray[np.float64],
    step: NDArray[np.float64],
    found: NDArray[np.float64],
    tree: KDTree,
    tolerance: float,
) -> NDArray[np.float64] | None:
    """Return the base on which two copies agree, None where there is none."""
    if step.max() > 1 - 1 / _WIDEST:
        return None
    k = np.arange(1, min(_AROUND, len(found)) + 1)
    supposed = []
    for copy, way in zip(copies, step, strict=True):
        _, near = tree.query(copy, k=k)
        supposed.append((copy - way * found[near]) / (1 - way))
    distance, other = KDTree(supposed[1]).query(supposed[0])
    best = int(np.argmin(distance))
    if distance[best] > tolerance * _WIDEST:
        return None
    at: NDArray[np.float64] = (supposed[0][best] + supposed[1][other[best]]) / 2
    return at
