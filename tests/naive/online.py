"""Naive loops of the streaming kernels: the definition in plain Python, one float32 operation at a time."""

from __future__ import annotations

import zlib

import numpy as np
from naive.generation import in_ball, is_null, synthetic_row
from naive.grids import put
from naive.random import draw, poisson
from naive.ring import follow

f32 = np.float32


def distance(a, b, scale, penalty):
    """Squared, in column order; `penalty[j]` < 0 marks a numeric column.

    Over the columns that both have, scaled up to all; infinite where there is none.
    """
    total = f32(0)
    common = 0
    for j in range(len(a)):
        if is_null(a[j]) or is_null(b[j]):
            continue
        common += 1
        if penalty[j] < 0:
            inverse = f32(1.0 / scale[j])
            difference = a[j] * inverse - b[j] * inverse
            total = total + difference * difference
        elif a[j] != b[j]:
            total = total + f32(penalty[j])
    return total * (f32(len(a)) / f32(common)) if common else f32(np.inf)


def neighbors(rows, ids, base, k, scale, penalty):
    """Positions of the k nearest rows by (distance, id); never `base` itself."""
    found = [(distance(rows[i], rows[base], scale, penalty), ids[i], i) for i in range(len(rows)) if i != base]
    return [i for _, _, i in sorted(found)[:k]]


REFER = -1  # in place of a number of synthetic rows: the row enters the sample that a class is compared with


class NaiveWindow:
    """The last labels, counted anew for every row, and what follows from them."""

    def __init__(
        self,
        ratio,
        k,
        capacity,
        window,
        burst,
        undersample,
        quota,
        emit,
        warmup,
        seed,
        *,
        advance=0.25,
        growth=None,
        compare=True,
        class_ratio=None,
        cost=None,
    ):
        self.class_ratio, self.cost, self.recall = class_ratio or {}, cost or {}, {}
        self.ratio, self.k, self.capacity, self.window, self.burst, self.seed = ratio, k, capacity, window, burst, seed
        self.undersample, self.quota, self.warmup, self.compare = undersample, quota, warmup, compare
        self.emit, self.advance, self.growth = emit, advance, growth
        self.n_seen, self.recent, self.paused = 0, [], False
        self.credit: dict[int, float] = {}  # in order of first appearance
        self.stored: dict[int, int] = {}

    def push(self, label, row_id):
        """Whether the row is kept, whether it is left out, and (class, number of rows or `REFER`) in order."""
        self.credit.setdefault(label, 0.0)
        self.stored.setdefault(label, 0)
        self.recent = self.recent[-(self.window - 1) :] if self.window > 1 else []
        most_before = max(map(self.recent.count, self.credit))
        keep = self.recent.count(label) < most_before or self.stored[label] <= self.k
        self.stored[label] = min(self.stored[label] + keep, self.capacity)
        self.recent.append(label)
        self.n_seen += 1
        counts = {c: self.recent.count(c) for c in self.credit}
        most, *others = sorted(counts.values(), reverse=True)
        share = 1.0
        if self.undersample:
            share = min(1.0, max(self.k + 1, *others[:1], 0) / (self.undersample * most))
        left_out = counts[label] == most and share < 1 and self._word(label, row_id, 0xFFFFFFFE, 0) / 2**32 >= share
        orders = []
        for c, n in counts.items():
            refer = self.compare and c != label and 0 < n < most
            if refer and self._word(c, row_id, 0xFFFFFFFC, 0) / 2**32 * (len(self.recent) - n) < n:
                orders.append((c, REFER))
            if self.paused:
                continue
            ratio = self.class_ratio.get(c, self.ratio) * self._weight(c)
            target = ratio * share * most
            if c in self.cost or self.growth is not None:
                target = min(target, self.cost.get(c, self.growth) * n)
            lacking = max(0.0, target - n)
            owed = lacking / len(self.recent)
            ready = self.stored[c] > self.k and self.n_seen > self.warmup
            if self.quota == "poisson":
                owed = poisson(self._word(c, row_id, 0xFFFFFFFD, 1), owed)
            carried = (self.quota, self.emit) != ("poisson", "owed")
            if carried:
                self.credit[c] = owed = min(self.credit[c] + owed, ratio * self.window)
            own = c == label and keep
            if self.emit == "arrival" and not own:
                continue
            if self.emit == "both" and own:
                owed = max(owed, min(self.advance * lacking / n, self.credit[c] + ratio * self.window))
            count = min(int(owed), self.burst)
            if count >= 1 and ready:
                orders.append((c, count))
                self.credit[c] -= count if carried else 0
        return keep, left_out, orders

    def _weight(self, c):
        """What a learner misses of the class, beside what it misses of the one that it misses most of."""
        missed = {label: 1.0 - recall for label, recall in self.recall.items() if recall is not None}
        if c not in missed or max(missed.values()) == 0:
            return 1.0
        return max(0.1, missed[c] / max(missed.values()))

    def _word(self, label, row_id, n, word):
        return draw(self.seed, zlib.crc32(str(label).encode()), row_id, n)[word]


def slot_by_weight(weights, target):
    """First slot up to which, itself included, the weights are more than `target`."""
    return next(i for i in range(len(weights)) if sum(weights[: i + 1]) > target)


class NaiveOnline:
    """`OnlineResampler` row by row; every list is walked anew for every row."""

    def __init__(
        self,
        n_features,
        ratio,
        k,
        capacity,
        window,
        burst,
        undersample,
        quota,
        emit,
        warmup,
        seed,
        strategy="smote",
        clean=False,
        scale=None,
        penalty=None,
        grids=None,
        advance=0.25,
        growth=None,
        class_ratio=None,
        cost=None,
    ):
        self.grids = grids or [None] * n_features
        self.strategy, self.clean = strategy, clean
        self.k, self.capacity, self.seed = k, capacity, seed
        self.emit = emit
        quotas = {"advance": advance, "growth": growth, "class_ratio": class_ratio, "cost": cost}
        self.window = NaiveWindow(ratio, k, capacity, window, burst, undersample, quota, emit, warmup, seed, **quotas)
        self.scale = [1.0] * n_features if scale is None else scale
        self.penalty = [-1.0] * n_features if penalty is None else penalty
        self.penalties: dict[int, list[float]] = {}  # of each class: it follows the rows that are held
        self.inserted: dict[int, int] = {}
        self.buffers: dict[int, list[tuple[np.ndarray, int]]] = {}  # in order of first appearance
        self.others: dict[int, list[tuple[np.ndarray, int]]] = {}  # the sample of the other classes' rows
        self.foreign: dict[int, list[int]] = {}  # of each row of the buffer, as when it was last looked at

    def push(self, x, label, row_id):
        """Return the rows emitted for one input row, as tuples in MicroBatch's column order."""
        self.buffers.setdefault(label, [])
        self.others.setdefault(label, [])
        self.foreign.setdefault(label, [])
        keep, left_out, orders = self.window.push(label, row_id)
        if keep:
            self._keep(x, label, row_id)
        out = [] if left_out else [(x, label, False, row_id, -1, -1, f32(0))]
        for c, count in orders:
            if count == REFER:
                self.others[c].append((x, row_id))
                del self.others[c][: -self.capacity]
            else:
                out += [self._make(c, row_id, a) for a in range(count)]
        return out

    def forget(self, row_ids):
        for label, buffer in self.buffers.items():
            kept = [row for row in buffer if row[1] not in row_ids]
            others = [row for row in self.others[label] if row[1] not in row_ids]
            changed = len(kept) + len(others) < len(buffer) + len(self.others[label])
            buffer[:], self.others[label][:] = kept, others
            self.window.stored[label] = len(kept)
            if changed:
                enough = len(buffer) > self.k
                self.foreign[label][:] = [self._danger(label, i) if enough else 0 for i in range(len(buffer))]

    def _keep(self, x, label, row_id):
        buffer, foreign = self.buffers[label], self.foreign[label]
        inverse_scale = [1.0 / s for s in self.scale]
        penalty, inserted = self.penalties.get(label, self.penalty), self.inserted.get(label, 0)
        self.penalties[label] = follow([row for row, _ in buffer], inserted, self.capacity, inverse_scale, penalty)
        self.inserted[label] = inserted + 1
        buffer.append((x, row_id))
        foreign.append(0)
        del buffer[: -self.capacity], foreign[: -self.capacity]
        if len(buffer) == self.k + 1:
            foreign[:] = [self._danger(label, i) for i in range(len(buffer))]
        elif len(buffer) > self.k:
            again = self._word(label, row_id, 0xFFFFFFFB, 0) * len(buffer) >> 32
            for i in (-1, again):
                foreign[i] = self._danger(label, i)

    def _danger(self, label, i):
        """Count the rows of other classes among the k nearest of row i, by (distance, id)."""
        x, row_id = self.buffers[label][i]
        rows = [(row, False) for row in self.buffers[label] if row[1] != row_id]
        rows += [(row, True) for row in self.others[label]]
        penalty = self.penalties[label]
        found = sorted((distance(row[0], x, self.scale, penalty), row[1], other) for row, other in rows)
        return sum(other for _, _, other in found[: self.k])

    def _base(self, label, row_id, word):
        weights = [self._weight(m) for m in self.foreign[label]]
        own = self.emit != "owed" and row_id == self.buffers[label][-1][1]
        if own and (weights[-1] or len({self._weight(m) for m in range(self.k + 1)}) == 1):
            return len(weights) - 1
        if sum(weights) == 0:
            weights = [1] * len(weights)
        return slot_by_weight(weights, word * sum(weights) >> 32)

    def _weight(self, m):
        if self.clean and m == self.k:
            return 0
        weights = {"smote": 1, "geometric": 1, "borderline": int(self.k / 2 <= m < self.k), "adasyn": m}
        return weights[self.strategy]

    def _word(self, label, row_id, n, word):
        return draw(self.seed, zlib.crc32(str(label).encode()), row_id, n)[word]

    def _make(self, label, row_id, a):
        rows = [x for x, _ in self.buffers[label]]
        ids = [i for _, i in self.buffers[label]]
        w0, w1, w2, w3 = draw(self.seed, zlib.crc32(str(label).encode()), row_id, a)
        base = self._base(label, row_id, w0)
        penalty = self.penalties[label]
        nearest = neighbors(rows, ids, base, self.k, self.scale, penalty)
        neighbor = nearest[w1 * self.k >> 32]
        step = f32(w2 >> 8) * f32(2.0**-24)
        made = synthetic_row(rows, base, nearest, neighbor, step, penalty)
        if self.strategy == "geometric":
            key = self.seed, zlib.crc32(str(label).encode()), row_id, a
            width = [0.0 if p >= 0 else float(unit) for p, unit in zip(penalty, self.scale, strict=True)]
            for j, value in enumerate(in_ball(rows[base], rows[neighbor], key, width)):
                if penalty[j] < 0:
                    made[j] = value
        for j, grid in enumerate(self.grids):
            if grid is not None:
                u = (w3 + 0.5) / 2**32 if self.strategy == "geometric" else 0.5
                made[j] = put(float(made[j]), float(rows[base][j]), u, grid, even=False)
        return made, label, True, -1, ids[base], ids[neighbor], step
