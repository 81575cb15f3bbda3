"""The published attack on lines, by its description, in loops: what ours is compared with.

Ganev et al.: SMOTE and Mirrors: exposing privacy leakage from synthetic minority oversampling. ICLR 2026, arXiv
2510.15083, algorithm 2 (ReconSMOTE).
"""

import numpy as np

EPSILON = 1e-12


def reconstruct(made, k_neighbors, copies, epsilon=EPSILON):
    """Return points in which three lines or more meet, each through three synthetic rows or more.

    Each row that is on no line yet is tried with each two of the ``2 * k_neighbors * copies`` rows nearest to it; the
    first two on one line with it give the line, and further ones of these rows are put on it. Each line is then crossed
    with the ``2 * k_neighbors`` lines whose middles are nearest to its own.
    """
    free = np.ones(len(made), dtype=bool)
    lines = []
    for i in range(len(made)):
        if not free[i]:
            continue
        free[i] = False
        near = [j for j in _nearest(made, made[i], int(2 * k_neighbors * copies) + 1)[1:] if free[j]]
        for place, j in enumerate(near):
            behind = np.array(near[place + 1 :], dtype=int)
            behind = behind[_on_line(made[i], made[j], made[behind], epsilon)]
            if len(behind):
                on = [j, behind[0]]
                rest = np.array([row for row in near if row not in on], dtype=int)
                on += rest[_on_line(made[i], made[j], made[rest], epsilon)].tolist()
                free[on] = False
                lines.append(np.array([i, *on]))
                break
    if not lines:
        return np.empty((0, made.shape[1]))

    middles = np.array([made[line].mean(axis=0) for line in lines])
    met, points, meetings = set(), [], []
    for i, middle in enumerate(middles):
        for j in _nearest(middles, middle, 2 * k_neighbors + 1)[1:]:
            pair = (min(i, j), max(i, j))
            if pair in met:
                continue
            met.add(pair)
            point = _crossing(made[lines[i]], made[lines[j]], epsilon)
            if point is None:
                continue
            for known, place in enumerate(points):
                if np.allclose(point, place, atol=epsilon):
                    meetings[known].add(pair)
                    break
            else:
                points.append(point)
                meetings.append({pair})
    found = [point for point, pairs in zip(points, meetings, strict=True) if len(pairs) >= 3]
    return np.array(found).reshape(-1, made.shape[1])


def recall(real, guesses, epsilon=EPSILON):
    """Return the share of the distinct real rows that a guess equals, up to NumPy's relative tolerance."""
    rows = np.unique(real, axis=0)
    return float(np.mean([any(np.allclose(guess, row, atol=epsilon) for guess in guesses) for row in rows]))


def _nearest(rows, row, count):
    return np.argsort(((rows - row) ** 2).sum(axis=1), kind="stable")[:count].tolist()


def _on_line(a, b, others, epsilon):
    ab, ac = b - a, others - a
    length = np.linalg.norm(ab) * np.linalg.norm(ac, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs(np.abs(ac @ ab / length) - 1) < epsilon


def _crossing(one, other, epsilon):
    p, q = one.mean(axis=0), other.mean(axis=0)
    u, v = one[0] - p, other[0] - q
    s, t = np.linalg.lstsq(np.column_stack([u, -v]), q - p, rcond=None)[0]
    return p + s * u if np.allclose(p + s * u, q + t * v, atol=epsilon) else None
