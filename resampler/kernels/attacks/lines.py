"""Rows that lie on one line with others near them, and the lines through them.

Naive: rows made between planted ones are known to share lines, and the published attack finds no more of them:
tests/resampler/quality/privacy/attacks/test_lines.py, tests/resampler/quality/privacy/attacks/test_published.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import allocating, njit


@njit(nogil=True)
def find_lines(X, anchors, nn_indices, n_rows, tolerance, floor, least, probe, line_of, through, n_lines):
    """Put rows that lie on one line with an anchor into lines.

    Parameters
    ----------
    X : ndarray of shape (n_rows + n_vertices, d), float64
        Rows, then points where lines are known to meet.
    anchors : ndarray of shape (n_anchors,), int64
        Of `X`. A row gets one line at most, a vertex as many as meet there.
    nn_indices : ndarray of shape (n_anchors, m), int64
        Rows near each; -1 for none.
    n_rows : int
        From here on `X` holds vertices.
    tolerance : float
        How far from the line through the two others the middle one of three rows may lie.
    floor : float
        Rows nearer to the anchor than this tell no direction.
    least : int
        Rows that must lie on one line with the anchor.
    probe : ndarray of shape (2, d), float64
        Two directions; the sign of a line is taken along the first, lines are sorted along the second.
    line_of : ndarray of shape (n_rows,), int64
        Number of the line of each row, -1 for none; written.
    through : ndarray of shape (n_rows,), int64
        Which vertex each line goes through, -1 for none; written.
    n_lines : int
        Lines so far.

    Returns
    -------
    int
        Lines now.

    Notes
    -----
    Rows on one line with the anchor have one direction up to its sign, so sorting directions finds them: m log m an
    anchor, where a test of each two rows takes m * m.
    """
    d = X.shape[1]
    m = nn_indices.shape[1]
    unit = np.empty((m, d))
    far = np.empty(m)
    key = np.empty(m)
    row = np.empty(m, dtype=np.int64)
    for a in range(len(anchors)):
        i = anchors[a]
        vertex = i >= n_rows
        if not vertex and line_of[i] >= 0:
            continue
        count = 0
        nearest = np.inf
        for q in range(m):
            j = nn_indices[a, q]
            if j < 0 or line_of[j] >= 0:
                continue
            total = 0.0
            along = 0.0
            for f in range(d):
                step = X[j, f] - X[i, f]
                unit[count, f] = step
                total += step * step
                along += step * probe[0, f]
            distance = np.sqrt(total)
            if distance <= floor:
                continue
            scale = (1.0 if vertex or along > 0 else -1.0) / distance
            place = 0.0
            for f in range(d):
                unit[count, f] *= scale
                place += unit[count, f] * probe[1, f]
            far[count] = distance
            key[count] = place
            row[count] = j
            nearest = min(nearest, distance)
            count += 1
        if count < least:
            continue
        order = np.argsort(key[:count])
        width = tolerance / nearest
        while True:
            best, chosen = least - 1, -1
            for p in range(count):
                one = order[p]
                if line_of[row[one]] >= 0:
                    continue
                members = 1
                for side in (-1, 1):
                    q = p + side
                    while 0 <= q < count and abs(key[order[q]] - key[one]) <= width:
                        other = order[q]
                        if line_of[row[other]] < 0 and _agree(unit, far, one, other, tolerance):
                            members += 1
                        q += side
                if members > best:
                    best, chosen = members, p
            if chosen < 0:
                break
            one = order[chosen]
            for side in (-1, 1):
                q = chosen + side
                while 0 <= q < count and abs(key[order[q]] - key[one]) <= width:
                    other = order[q]
                    if line_of[row[other]] < 0 and _agree(unit, far, one, other, tolerance):
                        line_of[row[other]] = n_lines
                    q += side
            line_of[row[one]] = n_lines
            through[n_lines] = i if vertex else -1
            if not vertex:
                line_of[i] = n_lines
            n_lines += 1
            if not vertex:
                break
    return n_lines


@allocating
def _agree(unit, far, one, other, tolerance):
    """Return whether two directions are those of one line, by how far its nearer row lies beside it."""
    total = 0.0
    for f in range(unit.shape[1]):
        step = unit[one, f] - unit[other, f]
        total += step * step
    nearer = min(far[one], far[other])
    return total * nearer * nearer <= tolerance * tolerance


@njit(nogil=True)
def fit_lines(X, members, start, centers, directions, extent):
    """Fit a line to each set of points, by least squares of the distances to it.

    Parameters
    ----------
    X : ndarray of shape (n_points, d), float64
        Points.
    members : ndarray of shape (n_members,), int64
        Points of each line, one line after the other.
    start : ndarray of shape (n_lines + 1,), int64
        Where the members of each line begin.
    centers, directions : ndarray of shape (n_lines, d), float64
        The mean of the points, and a unit vector; written.
    extent : ndarray of shape (n_lines, 3), float64
        Where the points end, before and behind the mean, and the root mean square of their distances to it; written.

    Notes
    -----
    The first principal component, by four steps of the power method from the direction between the points that lie
    farthest apart: the second component is the tolerance, thousands of times smaller.
    """
    d = X.shape[1]
    sums = np.empty(d)
    for line in range(len(start) - 1):
        lo, hi = start[line], start[line + 1]
        for f in range(d):
            total = 0.0
            for q in range(lo, hi):
                total += X[members[q], f]
            centers[line, f] = total / (hi - lo)
        best, farthest = -1.0, lo
        for q in range(lo, hi):
            total = 0.0
            for f in range(d):
                step = X[members[q], f] - centers[line, f]
                total += step * step
            if total > best:
                best, farthest = total, q
        norm = max(np.sqrt(best), 1e-300)
        for f in range(d):
            directions[line, f] = (X[members[farthest], f] - centers[line, f]) / norm
        for _ in range(4):
            sums[:] = 0.0
            for q in range(lo, hi):
                along = 0.0
                for f in range(d):
                    along += (X[members[q], f] - centers[line, f]) * directions[line, f]
                for f in range(d):
                    sums[f] += (X[members[q], f] - centers[line, f]) * along
            total = 0.0
            for f in range(d):
                total += sums[f] * sums[f]
            if total == 0.0:
                break
            total = np.sqrt(total)
            for f in range(d):
                directions[line, f] = sums[f] / total
        first, last, squares = 0.0, 0.0, 0.0
        for q in range(lo, hi):
            along = 0.0
            for f in range(d):
                along += (X[members[q], f] - centers[line, f]) * directions[line, f]
            first, last = min(first, along), max(last, along)
            squares += along * along
        extent[line, 0], extent[line, 1] = first, last
        extent[line, 2] = np.sqrt(squares / (hi - lo))
