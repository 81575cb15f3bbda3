"""Naive loops of `resampler.methods`: which rows are bases, whom they join, how many each part gets, what goes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from naive.batch import partial_distance
from naive.generation import elected, parents
from naive.random import draw

from resampler.methods.catalog import METHODS
from resampler.methods.select import sparsity_of

FIRST = 2**32 - 1  # number of the draw that orders the bases


class TooFewError(Exception):
    """What a method needs is not there."""


@dataclass
class World:
    """A class and the rows around it."""

    X: np.ndarray
    y: np.ndarray
    ids: np.ndarray
    label: Any
    k: int
    m: int
    categorical: np.ndarray
    units: np.ndarray
    groups: np.ndarray | None = None
    space: np.ndarray | None = None
    share: float = 1.0  # of all rows wanted
    clusters_of: Any = None
    machine: Any = None
    out_step: float = 0.5

    @property
    def members(self):
        return [i for i in range(len(self.y)) if self.y[i] == self.label]

    @property
    def measured(self):
        return (self.X / self.units).astype(self.X.dtype)

    @property
    def penalty(self):
        """Square of the median of the numeric columns' deviations within the class; -1 for a numeric column."""
        penalty = np.full(self.X.shape[1], -1.0)
        if self.space is None and self.categorical.any():
            numeric = ~self.categorical
            spread = deviations(self.X[np.ix_(self.members, numeric)]) / self.units[numeric]
            spread = spread[~np.isnan(spread)]
            penalty[self.categorical] = np.median(spread) ** 2 if len(spread) else 1.0
        return penalty

    def part(self, rows):
        """Some rows, as if there were no others."""
        taken = {"X": self.X[rows], "y": self.y[rows], "ids": self.ids[rows], "groups": None}
        return replace(self, **taken, space=None if self.space is None else self.space[rows])

    def nearest(self, query, k, among=None):
        """Positions of the k nearest by (distance, id); never the row itself."""
        among = range(len(self.y)) if among is None else among
        if len(among) <= k:
            raise TooFewError
        plain = self.space is None
        rows = self.measured if plain else self.space
        penalty = self.penalty if plain else np.full(rows.shape[1], -1.0)
        found = [(partial_distance(rows[i], rows[query], penalty), self.ids[i], i) for i in among if i != query]
        return [i for _, _, i in sorted(found)[:k]]

    def n_foreign(self, query, k):
        return sum(self.y[i] != self.label for i in self.nearest(query, k))

    def subgroup(self, query, rows):
        """Those of some rows that a row may be joined with."""
        return [i for i in rows if self.groups is None or self.groups[i] == self.groups[query]]


def deviations(rows):
    """Standard deviation of the values of each column; NaN where there is none."""
    if not np.isnan(rows).any():
        return rows.std(axis=0, dtype=np.float64)
    columns = [column[~np.isnan(column), None] for column in rows.T]
    return np.array([column.std(axis=0, dtype=np.float64)[0] if len(column) else np.nan for column in columns])


def value_difference(codes, y):
    """Each row: for each column and class, the share of the class among the rows of this row's category, or null."""
    classes = sorted(set(y))
    placed = []
    for row in codes:
        place = []
        for j, code in enumerate(row):
            of = [label for other, label in zip(codes, y, strict=True) if other[j] == code]
            place += [of.count(label) / len(of) if of else np.nan for label in classes]  # a null equals nothing
        placed.append(place)
    return np.array(placed)


def unit_length(rows):
    """Each row divided by its length, one rounding an operation."""
    out = rows.copy()
    for i, row in enumerate(rows):
        total = rows.dtype.type(0)
        for value in row:
            total = total + value * value
        if total > 0:
            out[i] = row / np.sqrt(total)
    return out


def is_in_danger(n_foreign, k):
    return 2 * n_foreign >= k and n_foreign != k


def every_row(world):
    return [(i, None, None) for i in world.members]


def in_danger(world):
    return [(i, None, None) for i in world.members if is_in_danger(world.n_foreign(i, world.m), world.m)]


def by_hardness(world):
    found = [(i, world.n_foreign(i, world.k) / world.k, None) for i in world.members]
    return [one for one in found if one[1] > 0]


def by_support_vectors(world):
    if all(label == world.label for label in world.y):
        raise TooFewError
    vectors = sorted(set(world.machine.fit(world.measured, world.y).support_) & set(world.members))
    foreign = {i: world.n_foreign(i, world.m) for i in vectors}
    vectors = [i for i in vectors if foreign[i] < world.m]
    if not vectors:
        raise TooFewError
    marks = [2 * foreign[i] >= world.m for i in vectors]
    return [(i, 0.5 / marks.count(mark), int(mark)) for i, mark in zip(vectors, marks, strict=True)]


def by_cluster(world):
    cells = world.clusters_of(world.measured)
    cells = [(int(c), None if world.groups is None else world.groups[i]) for i, c in enumerate(cells)]
    of_class = {cell: [i for i in world.members if cells[i] == cell] for cell in sorted(set(cells))}
    chosen = {
        cell: rows
        for cell, rows in of_class.items()
        if len(rows) > world.k and len(rows) >= world.share / 2 * cells.count(cell)
    }
    if not chosen:
        raise TooFewError
    sparsity = {cell: sparsity_of(world.measured[rows]) for cell, rows in chosen.items()}
    if not 0 < sum(sparsity.values()) < np.inf:
        sparsity = dict.fromkeys(chosen, 1.0)
    bases = sorted((i, cell) for cell, rows in chosen.items() for i in rows)
    return [(i, sparsity[cell] / len(chosen[cell]), chosen[cell]) for i, cell in bases]


def own_class(world, base, _mark):
    return [(i, 1.0) for i in world.nearest(base, world.k, world.subgroup(base, world.members))]


def any_class(world, base, _mark):
    found = world.nearest(base, world.k, world.subgroup(base, range(len(world.y))))
    return [(i, 1.0 if world.y[i] == world.label else 0.5) for i in found]


def own_cluster(world, base, mark):
    return [(i, 1.0) for i in world.nearest(base, world.k, mark)]


def towards_or_away(world, base, mark):
    return [(i, 1.0 if mark else -world.out_step) for i, _ in own_class(world, base, mark)]


def itself(_world, base, _mark):
    return [(base, 0.0)]


def still(world, base, mark):
    return [(i, 0.0) for i, _ in own_class(world, base, mark)]


RULES = {
    "borderline": (in_danger, own_class),
    "borderline-2": (in_danger, any_class),
    "adasyn": (by_hardness, own_class),
    "kmeans": (by_cluster, own_cluster),
    "svm": (by_support_vectors, towards_or_away),
    "random": (every_row, itself),
    "smoten": (every_row, still),
}


def turns(order, n, weights=None):
    """Webster: the next seat goes to whose next half seat is due first; those due at once in the order given."""
    if weights is None:
        return [(order[i % len(order)], i // len(order)) for i in range(n)]
    share, seats, found = weights / np.sum(weights), [0] * len(order), []
    for _ in range(n):
        b = min((b for b in order if share[b] > 0), key=lambda b: ((seats[b] + 0.5) / share[b], order.index(b)))
        found.append((b, seats[b]))
        seats[b] += 1
    return found


def made_of(world, method, n, seed, key):
    """Base, neighbour, step and donors of each synthetic row of one class, and whether the plain method had to do."""
    select, pair = RULES.get(method, (every_row, own_class))
    chosen = select(world)
    plain = not chosen
    if plain:
        chosen, pair = every_row(world), own_class
    found = [pair(world, base, mark) for base, _, mark in chosen]
    bases = [base for base, _, _ in chosen]
    ids = [int(world.ids[base]) for base in bases]
    stream = zlib.crc32(str(key).encode())
    order = sorted(range(len(bases)), key=lambda b: (draw(seed, stream, ids[b], FIRST)[:2], ids[b]))
    weights = None if chosen[0][1] is None else np.array([weight for _, weight, _ in chosen])
    turn, copy = zip(*turns(order, n, weights), strict=True)
    neighbors = np.array([[i for i, _ in one] for one in found])
    span = np.array([[way for _, way in one] for one in found], dtype=np.float32)
    rows = []
    for b, (neighbor, step) in zip(turn, parents(ids, neighbors, span, turn, copy, seed, stream), strict=True):
        voters = [bases[b], *neighbors[b]] if method == "smoten" else neighbors[b]
        voted = range(world.X.shape[1]) if method == "smoten" else np.flatnonzero(world.categorical)
        rows.append((bases[b], neighbor, step, [donor(world.X, bases[b], voters, j) for j in voted]))
    return rows, plain


def donor(X, base, voters, j):
    """Whose category a row takes in column j: the base's own where it is null, or every voter is."""
    place = elected(X[voters, j], X[base, j])
    return base if place is None else voters[place]


def quotas(y, groups, label, n, around=None):
    """Rows that each subgroup gets of a class: what it lacks of its share of the largest class, by Webster."""
    all_y, all_groups = around or (y, groups)
    largest = min(set(all_y), key=lambda one: (-list(all_y).count(one), one))
    found = sorted(set(groups))
    held = [sum((y == label) & (groups == g)) for g in found]
    room = [sum((all_y == largest) & (all_groups == g)) if h else 0 for g, h in zip(found, held, strict=True)]
    lacking = [max((sum(held) + n) * r / max(sum(room), 1) - h, 0) for r, h in zip(room, held, strict=True)]
    weights = lacking if sum(lacking) else held
    got = [b for b, _ in turns(list(range(len(found))), n, np.array(weights, dtype=float))]
    return {g: got.count(at) for at, g in enumerate(found) if got.count(at)}


def oversampled(world, method, wanted, seed, subgroups="within"):
    """What `oversample` says: label, base, neighbour, step and donors, row by row; labels that were made plainly."""
    if METHODS[method].space is not None:
        placed = value_difference(world.X, world.y) if method == "smoten" else unit_length(world.measured)
        world = replace(world, space=placed)
    rows, plain = [], []
    for label, n in wanted.items():
        part = replace(world, label=label)
        if n and not part.members:
            raise TooFewError
        parts = {None: n} if n else {}
        if n and subgroups == "within" and world.groups is not None:
            parts = quotas(world.y, world.groups, label, n)
        for group, count in parts.items():
            at, one, key = np.arange(len(world.y)), part, label
            if group is not None:
                at, key = np.flatnonzero(world.groups == group), f"{label}/{group}"
                one = part.part(at)
            one = replace(one, share=count / sum(wanted.values()))
            made, fell_back = made_of(one, method, count, seed, key)
            plain += [label] * fell_back
            rows += [(label, at[b], at[o], step, [at[d] for d in donors]) for b, o, step, donors in made]
    return rows, plain


def tomek_links(X, y):
    """Positions of rows whose nearest row is of another class and has them for its nearest."""
    first = [_closest(X, i, 1)[0] for i in range(len(y))]
    return [i for i in range(len(y)) if first[first[i]] == i and y[first[i]] != y[i]]


def edited(X, y, asked, k, *, vote):
    """Positions of rows that one of k neighbours, or most of them, would have in another class."""
    gone = []
    for i in asked:
        around = [y[j] for j in _closest(X, i, k)]
        winner = min(around, key=lambda label: (-around.count(label), label))
        if winner != y[i] if vote else any(label != y[i] for label in around):
            gone.append(i)
    return gone


def _closest(X, query, k):
    penalty = np.full(X.shape[1], -1.0)
    found = [(partial_distance(X[i], X[query], penalty), i) for i in range(len(X)) if i != query]
    return [i for _, i in sorted(found)[:k]]
