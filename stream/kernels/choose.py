"""Which accepted rows are counted: a function of their ids, so that a replay chooses the same.

Naive: tests/stream/kernels/test_choose.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import entry

_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)


@entry
def choose(row_ids, y, at, every, room, labels, known, groups):
    """Write the group that each row from `at` on is counted in, -1 for a row that is not.

    One of `every` rows is counted, whichever has a hash that `every` divides: rows at even distances could all be of
    one entity. A group is the place of the row's class among the first ``known[0]`` of `labels`, which grows by
    classes that come for the first time.

    Returns the place behind the last row that was decided, and how many are counted. It ends behind the row that fills
    up `room`.

    References
    ----------
    Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014, doi:10.1145/2660193.2660195; the
    finaliser that they name `mix64variant13`.
    """
    taken = 0
    one_of = np.uint64(every)
    for i in range(at, row_ids.shape[0]):
        groups[i] = -1
        if every > 1:
            word = np.uint64(row_ids[i])
            word = (word ^ (word >> _30)) * _FIRST
            word = (word ^ (word >> _27)) * _SECOND
            if (word ^ (word >> _31)) % one_of != np.uint64(0):
                continue
        group = 0
        while group < known[0] and labels[group] != y[i]:
            group += 1
        if group == known[0]:
            labels[group] = y[i]
            known[0] += 1
        groups[i] = group
        taken += 1
        if taken == room:
            return i + 1, taken
    return row_ids.shape[0], taken
