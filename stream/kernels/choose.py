"""Which accepted rows are counted: a function of their ids, so that a replay chooses the same.

Naive: tests/stream/kernels/test_choose.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import entry

_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_MASK = np.uint64(0xFFFFFFFFFFFFFFFF)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)


@entry
def choose(row_ids, y, at, every, room, labels, known, rows, groups):
    """Write which rows from `at` on are counted, and in which group.

    One of `every` rows is counted, whichever has a hash in the lowest share of all: rows at even distances could all be
    of one entity. A group is the place of the row's class among the first ``known[0]`` of `labels`, which grows by
    classes that come for the first time.

    Returns the place behind the last row that was looked at, and how many are counted. It ends behind the row that
    fills up `room`.

    References
    ----------
    Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014, doi:10.1145/2660193.2660195; the
    finaliser that they name `mix64variant13`.
    """
    taken = 0
    highest = _MASK // np.uint64(every)
    for i in range(at, row_ids.shape[0]):
        if every > 1:
            word = np.uint64(row_ids[i])
            word = (word ^ (word >> _30)) * _FIRST
            word = (word ^ (word >> _27)) * _SECOND
            if word ^ (word >> _31) > highest:
                continue
        group = 0
        while group < known[0] and labels[group] != y[i]:
            group += 1
        if group == known[0]:
            labels[group] = y[i]
            known[0] += 1
        rows[taken] = i
        groups[taken] = group
        taken += 1
        if taken == room:
            return i + 1, taken
    return row_ids.shape[0], taken
