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
    rows, groups = [], []
    for i in range(at, len(row_ids)):
        if every > 1 and _hash(int(row_ids[i])) > _MASK // every:
            continue
        if y[i] not in labels:
            labels.append(int(y[i]))
        rows.append(i)
        groups.append(labels.index(y[i]))
        if len(rows) == room:
            return rows, groups, i + 1
    return rows, groups, len(row_ids)


@pytest.mark.parametrize(("every", "room", "at"), [(1, 10**6, 0), (1, 100, 40), (8, 50, 3), (3, 1, 0), (16, 10**6, 0)])
def test_equals_the_loop(every, room, at):
    rng = np.random.default_rng(every)
    row_ids, y = rng.integers(-(2**62), 2**62, 1_000), rng.integers(-3, 4, 1_000)
    labels, known = np.zeros(32, dtype=np.int64), np.zeros(1, dtype=np.int64)
    rows, groups = np.zeros((2, 1_000), dtype=np.int64)
    stop, taken = choose(row_ids, y, at, every, room, labels, known, rows, groups)
    of_loop: list[int] = []
    wanted = naive(row_ids, y, at, every, room, of_loop)
    assert (rows[:taken].tolist(), groups[:taken].tolist(), stop) == wanted
    assert labels[: known[0]].tolist() == of_loop


@pytest.mark.parametrize("stride", [1, 8, 16, 2**20])
def test_no_stride_of_ids_is_favoured(stride):
    n = 64_000
    rows, groups = np.zeros((2, n), dtype=np.int64)
    labels, known = np.zeros((2, 32), dtype=np.int64)
    _, taken = choose(np.arange(n) * stride, np.zeros(n, dtype=np.int64), 0, 8, n, labels, known, rows, groups)
    assert abs(taken - n / 8) < 5 * np.sqrt(n / 8)
    assert abs(np.count_nonzero(rows[:taken] % 8 == 0) - n / 64) < 5 * np.sqrt(n / 64)
