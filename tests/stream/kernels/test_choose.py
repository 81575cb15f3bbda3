"""Rows that are counted: against a loop in plain Python, and evenly spread whatever their ids are."""

import numpy as np
import pytest

from stream.kernels.choose import choose

_MASK = 2**64 - 1


def _hash(row_id):
    word = row_id & _MASK
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & _MASK
    return word ^ (word >> 31)


def naive(row_ids, y, at, every, room, labels):
    groups, taken = [], 0
    for i in range(at, len(row_ids)):
        if taken == room:
            break
        if _hash(int(row_ids[i])) % every:
            groups.append(-1)
            continue
        if y[i] not in labels:
            labels.append(int(y[i]))
        groups.append(labels.index(y[i]))
        taken += 1
    return groups, taken


@pytest.mark.parametrize(("every", "room", "at"), [(1, 10**6, 0), (1, 100, 40), (8, 50, 3), (3, 1, 0)])
def test_equals_the_loop(every, room, at):
    rng = np.random.default_rng(every)
    row_ids, y = rng.integers(-(2**62), 2**62, 1_000), rng.integers(-3, 4, 1_000)
    labels, known, groups = np.zeros(32, dtype=np.int64), np.zeros(1, dtype=np.int64), np.full(1_000, 9)
    stop, taken = choose(row_ids, y, at, every, room, labels, known, groups)
    of_loop: list[int] = []
    wanted, n = naive(row_ids, y, at, every, room, of_loop)
    if taken == room:
        assert stop == at + len(wanted)
        assert groups[stop - 1] >= 0
    assert (groups[at:stop].tolist(), taken, labels[: known[0]].tolist()) == (wanted, n, of_loop)


@pytest.mark.parametrize("stride", [1, 8, 16, 2**20])
def test_no_stride_of_ids_is_favoured(stride):
    n = 64_000
    row_ids, groups = np.arange(n) * stride, np.zeros(n, dtype=np.int64)
    choose(row_ids, np.zeros(n, dtype=np.int64), 0, 8, n, *np.zeros((2, 32), dtype=np.int64), groups)
    assert abs(np.count_nonzero(groups == 0) - n / 8) < 5 * np.sqrt(n / 8)
    assert abs(np.count_nonzero(groups[::8] == 0) - n / 64) < 5 * np.sqrt(n / 64)
