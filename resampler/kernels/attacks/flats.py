"""Rows that lie in one plane, or flat of more dimensions, with others near them.

Naive: rows mixed of planted ones are known to share flats: these are found in
tests/resampler/quality/privacy/attacks/test_hull.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import allocating, njit

_THIN = 1e-3  # of a row's distance: what must be left of it beside the flat through the others


@njit(nogil=True)
def find_flats(X, anchors, nn_indices, dimension, choices, tolerance, floor, least, probe, flat_of, n_flats):
    """Put rows that lie in one flat with near rows together.

    Parameters
    ----------
    X : ndarray of shape (n_rows, d), float64
        Rows.
    anchors : ndarray of shape (n_anchors,), int64
        Rows that flats are sought through.
    nn_indices : ndarray of shape (n_rows, m), int64
        Rows near each, the nearest first.
    dimension : int
        Of the flats: 2 for planes.
    choices : ndarray of shape (n_choices, dimension - 1), int64
        Which of the near rows span a flat with the row, one choice after the other until one finds more rows in it.
    tolerance : float
        How far from the flat a row may lie.
    floor : float
        Rows nearer to one another than this tell no direction.
    least : int
        Rows that must lie in the flat beside those that span it, two of them without one another.
    probe : ndarray of shape (2, d), float64
        As of `find_lines`.
    flat_of : ndarray of shape (n_rows,), int64
        Number of the flat of each row, -1 for none; written.
    n_flats : int
        Flats so far.

    Returns
    -------
    int
        Flats now.

    Notes
    -----
    Beside the flat through a row and its partners, what is left of the ways to rows of one more dimension has one
    direction; sorting finds it, as it finds lines.
    """
    d = X.shape[1]
    m = nn_indices.shape[1]
    span = np.empty((dimension - 1, d))
    way, unit = np.empty((m, d)), np.empty((m, d))
    whole, left, key = np.empty(m), np.empty(m), np.empty(m)
    row, place = np.empty(m, dtype=np.int64), np.empty(m, dtype=np.int64)
    for i in anchors:
        if flat_of[i] >= 0:
            continue
        near = 0
        for q in range(m):
            j = nn_indices[i, q]
            if j < 0 or flat_of[j] >= 0:
                continue
            total = 0.0
            for f in range(d):
                way[near, f] = X[j, f] - X[i, f]
                total += way[near, f] * way[near, f]
            whole[near] = np.sqrt(total)
            if whole[near] > floor:
                row[near] = j
                near += 1
        if near < dimension - 1 + least:
            continue
        for c in range(len(choices)):
            if not _span_of(way, whole, choices[c], near, floor, span):
                continue
            count = 0
            nearest = np.inf
            for q in range(near):
                for f in range(d):
                    unit[count, f] = way[q, f]
                _take_away(span, len(span), unit[count])
                total, along, across = 0.0, 0.0, 0.0
                for f in range(d):
                    total += unit[count, f] * unit[count, f]
                    along += unit[count, f] * probe[0, f]
                    across += unit[count, f] * probe[1, f]
                length = np.sqrt(total)
                if length <= floor or length <= _THIN * whole[q]:
                    continue
                scale = (1.0 if along > 0 else -1.0) / length
                for f in range(d):
                    unit[count, f] *= scale
                key[count] = across * scale
                left[count] = length
                place[count] = q
                nearest = min(nearest, length)
                count += 1
            if count < least:
                continue
            order = np.argsort(key[:count])
            best, chosen = least - 1, -1
            for p in range(count):
                members = _members(unit, left, key, order, p, count, tolerance, nearest, row, place, flat_of, -1)
                if members > best:
                    best, chosen = members, p
            if chosen < 0:
                continue
            _members(unit, left, key, order, chosen, count, tolerance, nearest, row, place, flat_of, n_flats)
            flat_of[i] = n_flats
            for s in range(dimension - 1):
                flat_of[row[choices[c, s]]] = n_flats
            n_flats += 1
            break
    return n_flats


@allocating
def _span_of(way, whole, choice, near, floor, span):
    """Write an orthonormal basis of some ways; return whether they span a flat."""
    for s in range(len(choice)):
        q = choice[s]
        if q >= near:
            return False
        for f in range(way.shape[1]):
            span[s, f] = way[q, f]
        for _ in range(2):  # once more, for what rounding leaves
            _take_away(span, s, span[s])
        total = 0.0
        for f in range(way.shape[1]):
            total += span[s, f] * span[s, f]
        length = np.sqrt(total)
        if length <= floor or length <= 10.0 * _THIN * whole[q]:
            return False
        for f in range(way.shape[1]):
            span[s, f] /= length
    return True


@allocating
def _take_away(span, count, vector):
    """Subtract what lies along the first vectors of an orthonormal basis."""
    for s in range(count):
        along = 0.0
        for f in range(len(vector)):
            along += span[s, f] * vector[f]
        for f in range(len(vector)):
            vector[f] -= along * span[s, f]


@allocating
def _members(unit, left, key, order, p, count, tolerance, nearest, row, place, flat_of, number):
    """Count the rows whose direction is that of one, itself included; put them into flat `number` unless it is -1."""
    one = order[p]
    members = 1
    if number >= 0:
        flat_of[row[place[one]]] = number
    for side in (-1, 1):
        q = p + side
        while 0 <= q < count and abs(key[order[q]] - key[one]) <= tolerance / nearest:
            other = order[q]
            total = 0.0
            for f in range(unit.shape[1]):
                step = unit[one, f] - unit[other, f]
                total += step * step
            nearer = min(left[one], left[other])
            if total * nearer * nearer <= tolerance * tolerance:
                members += 1
                if number >= 0:
                    flat_of[row[place[other]]] = number
            q += side
    return members
