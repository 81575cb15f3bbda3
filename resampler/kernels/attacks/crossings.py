"""Where lines meet, and crossings that are one point.

Naive: where lines through planted rows cross is known: they are found in
tests/resampler/quality/privacy/attacks/test_lines.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import allocating, njit

_FLAT = 1e-4  # square of the sine, below which two lines count as one direction
_INSIDE = 0.02  # of a line's length: so far among its rows may it meet others
_AT_A_ROW = 10.0  # tolerances beyond the last row: nearer, lines that share the row meet in it


@njit(nogil=True)
def cross_lines(centers, directions, extent, group, tolerance, leverage, share_rows, pairs, along, doubt):
    """List the pairs of lines that meet.

    Parameters
    ----------
    centers, directions : ndarray of shape (n_lines, d), float64
        Lines.
    extent : ndarray of shape (n_lines, 3), float64
        As `fit_lines` writes it.
    group : ndarray of shape (n_lines,), int64
        Ascending: only lines of one group are compared.
    tolerance : float
        How far rows lie beside their line.
    leverage : float
        How far from its rows a line is trusted, in their root mean square distance.
    share_rows : bool
        Whether lines share rows, so that where they meet in one is nothing.
    pairs : ndarray of shape (capacity, 2), int64
        Lines that meet; written.
    along : ndarray of shape (capacity, 2), float64
        How far from its center each of them meets the other; written.
    doubt : ndarray of shape (capacity,), float64
        How far off the point may be, by the tolerance and the angle; written.

    Returns
    -------
    int
        Pairs; at `capacity` the rest are left out.

    Notes
    -----
    Rows between two real rows end before these: a crossing among the rows of a line is none.
    """
    n, d = centers.shape
    inside = 0.0 if share_rows else _INSIDE
    beyond = -_AT_A_ROW * tolerance if share_rows else tolerance
    found = 0
    for i in range(n):
        for j in range(i + 1, n):
            if group[j] != group[i]:
                break
            near = leverage * (extent[i, 2] + extent[j, 2])
            total, a, b, c = 0.0, 0.0, 0.0, 0.0
            for f in range(d):
                step = centers[j, f] - centers[i, f]
                total += step * step
                a += directions[i, f] * directions[j, f]
                b += directions[i, f] * step
                c += directions[j, f] * step
            sine = 1.0 - a * a
            if total > near * near or sine < _FLAT:
                continue
            s = (b - a * c) / sine
            t = (a * b - c) / sine
            if abs(s) > leverage * extent[i, 2] or abs(t) > leverage * extent[j, 2]:
                continue
            if _among(s, extent[i], inside, beyond) or _among(t, extent[j], inside, beyond):
                continue
            allowed = tolerance * (2.0 + abs(s) / extent[i, 2] + abs(t) / extent[j, 2])
            gap = 0.0
            for f in range(d):
                step = centers[j, f] - centers[i, f] + t * directions[j, f] - s * directions[i, f]
                gap += step * step
            if gap > allowed * allowed:
                continue
            if found == len(doubt):
                return found
            pairs[found, 0], pairs[found, 1] = i, j
            along[found, 0], along[found, 1] = s, t
            doubt[found] = allowed / np.sqrt(sine)
            found += 1
    return found


@allocating
def _among(place, extent, inside, beyond):
    """Return whether a place lies among the rows of a line."""
    slack = inside * (extent[1] - extent[0]) + beyond
    return extent[0] + slack < place < extent[1] - slack


@njit(nogil=True)
def merge_points(points, doubt, group, probe, cluster):
    """Put points that may be one into a cluster, the surest first.

    Parameters
    ----------
    points : ndarray of shape (n_points, d), float64
        By `doubt`, ascending.
    doubt : ndarray of shape (n_points,), float64
        How far off each may be.
    group : ndarray of shape (n_points,), int64
        Only points of one group are one.
    probe : ndarray of shape (d,), float64
        A unit vector; points are sorted along it, so that few are compared.
    cluster : ndarray of shape (n_points,), int64
        Written: the number of each point's cluster, from 0.

    Returns
    -------
    int
        Clusters.
    """
    n, d = points.shape
    key = np.empty(n)
    for i in range(n):
        total = 0.0
        for f in range(d):
            total += points[i, f] * probe[f]
        key[i] = total
        cluster[i] = -1
    order = np.argsort(key)
    place = np.empty(n, dtype=np.int64)
    for p in range(n):
        place[order[p]] = p
    count = 0
    for i in range(n):
        if cluster[i] >= 0:
            continue
        cluster[i] = count
        for side in (-1, 1):
            q = place[i] + side
            while 0 <= q < n:
                j = order[q]
                reach = abs(key[j] - key[i])
                # As far off as the doubt of both; a point that is doubted far more than the first of its cluster would
                # join whatever it comes by.
                if reach > 10.0 * doubt[i]:
                    break
                allowed = doubt[i] + min(doubt[j], 9.0 * doubt[i])
                if cluster[j] < 0 and group[j] == group[i] and reach <= allowed:
                    total = 0.0
                    for f in range(d):
                        step = points[j, f] - points[i, f]
                        total += step * step
                    if total <= allowed * allowed:
                        cluster[j] = count
                q += side
        count += 1
    return count
