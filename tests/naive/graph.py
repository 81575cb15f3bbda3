"""Naive loops of the kept graph: a search that skips nothing, lists that are sorted anew, halves by loops."""

from __future__ import annotations

import numpy as np
from naive.ring import distances

f32 = np.float32
WAITING = 4
LAST_ID = np.iinfo(np.int64).max


class NaiveGraph:
    """A copy of a buffer's state, read in plain loops."""

    def __init__(self, buffer):
        graph = buffer.ring.graph
        self.rows, self.lists, self.cells = (
            type(part)(*(a if a is None else a.copy() for a in part)) for part in graph[:3]
        )
        self.capacity = buffer.capacity

    def stamp(self, slot):
        """The stamp of a held row: the one of the two candidates that is among the held ones."""
        oldest, held = (int(x) for x in self.rows.cursor)
        return next(s for s in (slot, slot + self.capacity) if (s - oldest) % (2 * self.capacity) < held)

    def alive(self, stamp):
        oldest, held = (int(x) for x in self.rows.cursor)
        return (stamp - oldest) % (2 * self.capacity) < held

    def centers(self, which, centers):
        lanes = self.cells.lane_slots.shape[1]
        return [centers[i // lanes, :, i % lanes] for i in which]

    def nearest_first(self, query, budget):
        """Cells, nearest first, of the groups that a search has looked into by then."""
        cells, penalty, lanes = self.cells, self.rows.penalty, self.cells.lane_slots.shape[1]
        groups = [g for g in range(len(cells.group_cells)) if cells.group_cells[g] > 0]
        hubs = sorted(zip(distances(self.centers(groups, cells.hubs), query, penalty), groups, strict=True))
        seen = []
        while hubs or seen:
            nearest = min(seen, default=(f32(np.inf), -1))
            if hubs and hubs[0][0] <= f32(1.75 + budget / 1536) * nearest[0]:
                _, group = hubs.pop(0)
                members = [c for c in range(group * lanes, (group + 1) * lanes) if cells.cell_rows[c] >= 0]
                seen += zip(distances(self.centers(members, cells.centroids), query, penalty), members, strict=True)
            else:
                seen.remove(nearest)
                yield nearest[1]

    def row(self, slot):
        """The row of a slot in units of distance."""
        rows = self.rows
        return [f32(x) * s * rows.inverse_norm[slot] for x, s in zip(rows.X[slot], rows.inverse_scale, strict=True)]

    def settled(self, query, budget, length):
        """Slots and squared distances of all rows that a search deals with, and the nearest cell."""
        cells, home = self.cells, -1
        slots, n_rows = [], 0
        for cell in self.nearest_first(query, budget):
            home = cell if home < 0 else home
            if n_rows >= budget and len(slots) >= length:
                break
            n_rows += int(cells.weight[cell])
            slots += [int(slot) for slot in cells.lane_slots[cells.block_of[cell]] if slot >= 0]
        unsorted = cells.lane_slots if cells.home is None else cells.lane_slots[:WAITING]
        slots += [int(slot) for slot in unsorted.ravel() if slot >= 0]
        return slots, distances([self.row(slot) for slot in slots], query, self.rows.penalty), home

    def search(self, query, budget, length, itself=None):
        """Stamps and squared distances, ascending by (distance, row id)."""
        slots, d2, _ = self.settled(query, budget, length)
        found = sorted((d, int(self.rows.row_ids[s]), self.stamp(s)) for s, d in zip(slots, d2, strict=True))
        found = [entry for entry in found if itself is None or entry[2] != itself][:length]
        return [stamp for _, _, stamp in found], [d for d, _, _ in found]

    def reach(self, slot):
        place, lanes = int(self.cells.place[slot]), self.cells.lane_slots.shape[1]
        return self.cells.cutoff[place // lanes, place % lanes], int(self.lists.cutoff_id[slot])

    def offered(self, query, row_id, stamp, budget):
        """The lists that change when a row comes: {slot: (stamps, squared distances, reach, id of the reach)}."""
        length = self.lists.stamps.shape[1]
        slots, d2, _ = self.settled(query, budget, length)
        changed = {}
        for slot, d in zip(slots, d2, strict=True):
            reach, cutoff_id = self.reach(slot)
            if (d, row_id) > (reach, cutoff_id):
                continue
            entries = [
                (self.lists.d2[slot, i], int(self.rows.row_ids[s % self.capacity]), int(s))
                for i, s in enumerate(self.lists.stamps[slot, : self.lists.count[slot]])
                if self.alive(int(s))
            ]
            full = len(entries) == length
            entries = sorted([*entries, (d, row_id, stamp)])[:length]
            if full:
                reach, cutoff_id = entries[-1][:2]
            changed[slot] = ([s for _, _, s in entries], [x for x, _, _ in entries], reach, cutoff_id)
        return changed


def row_distance(a, b, penalty):
    return distances([a], b, penalty)[0]


def mean_row(rows, penalty):
    """The mean; of a category the vote of Boyer and Moore (1981)."""
    out = []
    for j in range(len(penalty)):
        if penalty[j] < 0:
            total = f32(0)
            for row in rows:
                total += row[j]
            out.append(total / f32(len(rows)))
            continue
        value, votes = rows[0][j], 0
        for row in rows:
            if votes == 0:
                value, votes = row[j], 1
            else:
                votes += 1 if row[j] == value else -1
        out.append(value)
    return np.array(out, dtype=f32)


def take_sides(lean):
    """0 where it is negative, at least a quarter on each side: the rest by rank, ties in order."""
    n = len(lean)
    cut = sum(x < 0 for x in lean)
    if n // 4 <= cut <= n - n // 4:
        return [0 if x < 0 else 1 for x in lean]
    cut = min(max(cut, n // 4), n - n // 4)
    low = sorted(range(n), key=lambda i: (lean[i], i))[:cut]
    return [0 if i in low else 1 for i in range(n)]


def halve(Z, penalty, rounds=3):
    """Sides and means of two halves: 2-means from two rows that lie far apart."""
    from_, centers = mean_row(Z, penalty), []
    for _ in range(2):
        d2 = [row_distance(z, from_, penalty) for z in Z]
        from_ = Z[d2.index(max(d2))]
        centers.append(from_)
    for _ in range(rounds):
        sides = take_sides([row_distance(z, centers[0], penalty) - row_distance(z, centers[1], penalty) for z in Z])
        centers = [mean_row([z for z, s in zip(Z, sides, strict=True) if s == side], penalty) for side in range(2)]
    return sides, centers
