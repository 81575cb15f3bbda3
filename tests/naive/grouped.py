"""`OnlineResampler` under hardened, row by row: groups are formed by the library, all else is plain Python."""

from __future__ import annotations

import zlib

import numpy as np
from naive.online import NaiveWindow
from naive.random import draw

from resampler.kernels import microaggregation as kernels
from resampler.microaggregation import form_groups


class NaiveGrouped:
    """The rows of each class as a list; its groups, and how many rows have come since they were formed."""

    def __init__(
        self, schema, grids, listed, ratio, k, group_size, capacity, window, burst, undersample, quota, emit, seed
    ):
        self.schema, self.grids, self.listed, self.seed = schema, grids, listed, seed
        self.k, self.size, self.capacity = k, group_size, capacity
        enough = 2 * group_size
        self.window = NaiveWindow(
            ratio, enough - 1, capacity, window, burst, undersample, quota, emit, 0, seed, compare=False
        )
        self.rows: dict[int, list[tuple[np.ndarray, int]]] = {}
        self.groups: dict[int, object] = {}
        self.members: dict[int, set[int]] = {}
        self.new: dict[int, int] = {}

    def push(self, x, label, row_id):
        """Return the rows emitted for one input row, as tuples in MicroBatch's column order."""
        self.rows.setdefault(label, [])
        self.new.setdefault(label, 0)
        keep, left_out, orders = self.window.push(label, row_id)
        if keep:
            rows = self.rows[label]
            rows.append((x, row_id))
            del rows[: -self.capacity]
            self.new[label] += 1
            if len(rows) >= 2 * self.size and self.new[label] >= max(2 * self.size, len(rows) // 10):
                self._form(label)
        out = [] if left_out else [(x, label, False, row_id, -1, -1, np.float32(0))]
        for c, count in orders:
            out += [self._make(c, row_id, a) for a in range(count)]
        return out

    def forget(self, row_ids):
        for label, rows in self.rows.items():
            kept = [row for row in rows if row[1] not in row_ids]
            gone = len(kept) < len(rows) or self.members.get(label, set()) & set(row_ids)
            rows[:] = kept
            self.window.stored[label] = len(kept)
            if gone and len(kept) >= 2 * self.size:
                self._form(label)
            elif gone:
                self.groups[label], self.members[label], self.new[label] = None, set(), len(kept)

    def _form(self, label):
        X, ids = np.array([x for x, _ in self.rows[label]]), np.array([i for _, i in self.rows[label]])
        self.groups[label] = form_groups(
            X,
            ids,
            group_size=self.size,
            k_neighbors=self.k,
            categorical=self.schema.categorical_mask,
            listed=self.listed,
        )
        self.members[label], self.new[label] = set(ids.tolist()), 0

    def _make(self, label, row_id, a):
        groups = self.groups[label]
        stream = zlib.crc32(str(label).encode())
        w0, w1, w2, _ = draw(self.seed, stream, row_id, a)
        member = w0 * int(groups.size.sum()) >> 32
        base = next(i for i in range(len(groups.size)) if member < groups.size[: i + 1].sum())
        neighbor = groups.near[base, w1 * groups.near.shape[1] >> 32]
        key = np.array([row_id]), np.array([a]), np.array([stream]), np.uint64(self.seed)
        made = np.empty((1, self.schema.n_features), dtype=np.float32)
        step = np.array([0.5 * np.float32(w2 >> 8) * np.float32(2.0**-24)])
        kernels.write(groups, self.grids, np.array([base]), np.array([neighbor]), step, *key, 0, 1, made)
        codes = np.empty((1, len(groups.column)), dtype=np.int64)
        kernels.pick(groups, np.array([base]), *key, codes)
        made[0, groups.column] = groups.code[codes[0]]
        return made[0], label, True, -1, -1, -1, np.float32(0)
