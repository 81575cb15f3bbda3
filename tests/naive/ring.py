"""Naive loops of the minority buffer: a list of rows, whose neighbours are sorted out anew each time."""

from __future__ import annotations

import math

import numpy as np
from naive.generation import synthetic_row
from naive.random import draw, fading

f32 = np.float32
REFIT_ROWS = 64


def scaled(row, inverse_scale, cosine):
    """The row in units of distance; under the cosine metric of length 1."""
    out = [f32(x) * f32(s) for x, s in zip(row, inverse_scale, strict=True)]
    if not cosine:
        return out
    norm = f32(1.0 / math.sqrt(sum(float(x) * float(x) for x in out)))
    return [x * norm for x in out]


def distances(rows, query, penalty):
    """Squared distances of scaled rows to a scaled query, in column order, one float32 operation at a time.

    Over the columns that both have, scaled up to all; infinite where there is none.
    """
    rows = np.asarray(rows, dtype=f32).reshape(-1, len(query))
    total = np.zeros(len(rows), dtype=f32)
    common = np.zeros(len(rows), dtype=f32)
    for j in range(len(query)):
        both = ~np.isnan(rows[:, j]) & ~np.isnan(query[j])
        common += both
        if penalty[j] < 0:
            difference = rows[:, j] - query[j]
            total = np.where(both, total + difference * difference, total)
        else:
            total = total + np.where(both & (rows[:, j] != query[j]), f32(penalty[j]), f32(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(common > 0, total * (f32(len(query)) / common), f32(np.inf))


def follow(rows, inserted, capacity, inverse_scale, penalty):
    """What a differing category adds after `inserted` rows, of which `rows` are held: as before if not due or moved."""
    categorical = [p >= 0 for p in penalty]
    due = inserted & (inserted - 1) == 0 or inserted % max(REFIT_ROWS, capacity // 16) == 0
    if len(rows) < 2 or not due or not any(categorical) or all(categorical):
        return penalty
    spreads = []
    for j in range(len(penalty)):
        if not categorical[j]:
            mean = total = 0.0
            values = [float(row[j]) for row in rows if not math.isnan(row[j])]
            for value in values:
                mean += value
            mean /= max(len(values), 1)
            for value in values:
                total += (value - mean) ** 2
            spreads.append(math.sqrt(total / max(len(values), 1)) * float(f32(inverse_scale[j])))
    new, before = f32(float(np.median(spreads)) ** 2), f32(max(penalty))
    if before <= new * 1.1**2 and new <= before * 1.1**2:
        return penalty
    return [new if c else p for c, p in zip(categorical, penalty, strict=True)]


class NaiveRing:
    """`MinorityBuffer`, exact."""

    def __init__(
        self, n_features, capacity, k, *, categorical=(), cosine=False, scale=None, max_age=None, half_life=None
    ):
        self.capacity, self.k, self.cosine, self.max_age, self.half_life = capacity, k, cosine, max_age, half_life
        units = [1.0] * n_features if scale is None else scale
        self.inverse_scale = [f32(1.0 if j in categorical else 1.0 / units[j]) for j in range(n_features)]
        self.penalty = [1.0 if j in categorical else -1.0 for j in range(n_features)]
        self.rows, self.ids, self.times, self.inserted = [], [], [], 0

    def __len__(self):
        return len(self.ids)

    def insert(self, row, row_id, time=None):
        if self.max_age is not None:
            self.expire(time)
        self.penalty = follow(self.rows, self.inserted, self.capacity, self.inverse_scale, self.penalty)
        self.rows.append(np.asarray(row, dtype=f32))
        self.ids.append(row_id)
        self.times.append(time)
        self.inserted += 1
        if len(self.ids) > self.capacity:
            self.evict(1)

    def evict(self, n):
        del self.rows[:n], self.ids[:n], self.times[:n]

    def expire(self, now):
        self.evict(sum(time < now - self.max_age for time in self.times))

    def discard(self, ids):
        kept = [i for i, row_id in enumerate(self.ids) if row_id not in ids]
        self.rows = [self.rows[i] for i in kept]
        self.ids = [self.ids[i] for i in kept]
        self.times = [self.times[i] for i in kept]

    def distances(self, query):
        rows = [scaled(row, self.inverse_scale, self.cosine) for row in self.rows]
        return distances(rows, scaled(query, self.inverse_scale, self.cosine), self.penalty)

    def nearest(self, query, n, itself=None):
        """Places of the n nearest rows by (distance, id), and the squared distances."""
        d2 = self.distances(query)
        places = sorted((d, self.ids[i], i) for i, d in enumerate(d2) if i != itself)[:n]
        return [i for _, _, i in places], [d for d, _, _ in places]

    def sample(self, number, seed):
        """Synthetic row `number` of a seed's sequence: row, base id, neighbour id, step."""
        w0, w1, w2, _ = draw(seed, 0, number, 0)
        n = len(self)
        base = w0 * n >> 32 if self.half_life is None else n - 1 - fading(w0, n, self.half_life)
        nearest, _ = self.nearest(self.rows[base], self.k, base)
        neighbor, step = nearest[w1 * self.k >> 32], f32(w2 >> 8) * f32(2.0**-24)
        return (
            synthetic_row(self.rows, base, nearest, neighbor, step, self.penalty),
            self.ids[base],
            self.ids[neighbor],
            step,
        )
