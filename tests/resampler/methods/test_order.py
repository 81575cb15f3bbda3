"""The order in which synthetic rows are stored: keyed, and telling nothing of who shares a base."""

import numpy as np
import pytest

from resampler.methods.oversample import oversample
from resampler.methods.table import Table


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [300, 40, 25])
    return Table(rng.normal(size=(365, 3)), y, row_ids=rng.permutation(10_000)[:365])


def made(table, n=200, shuffle=True, seed=7, **more):
    return oversample(table, "smote", {1: n, 2: n // 2}, seed=seed, shuffle=shuffle, **more).provenance


def rows(provenance):
    return list(zip(provenance.label, provenance.base, provenance.neighbor, provenance.step, strict=True))


def test_the_rows_are_those_that_bases_take_turns_for_class_by_class(table):
    as_due, shuffled = made(table, shuffle=False), made(table)
    assert sorted(rows(as_due)) == sorted(rows(shuffled))
    np.testing.assert_array_equal(as_due.label, shuffled.label)
    assert rows(as_due) != rows(shuffled)
    assert rows(shuffled) == rows(made(table))
    assert rows(shuffled) != rows(made(table, seed=8))


def test_rows_that_share_a_base_stand_anywhere(table):
    def at_the_usual_distance(provenance):
        base = provenance.base[provenance.label == 1]
        return np.mean(base[40:] == base[:-40])

    assert at_the_usual_distance(made(table, shuffle=False)) == 1.0
    assert at_the_usual_distance(made(table)) < 0.1  # by chance 1 in 40


def test_two_rows_stand_in_the_same_order_whatever_others_there_are(table):
    fewer, more = rows(made(table, 200)), rows(made(table, 400))
    held = set(fewer)
    assert [row for row in more if row in held] == fewer


def test_copies_of_a_base_come_in_any_order(table):
    as_due, shuffled = made(table, shuffle=False), made(table)
    orders = set()
    for base in range(300, 320):
        due = as_due.step[as_due.base == base].tolist()
        orders.add(tuple(due.index(step) for step in shuffled.step[shuffled.base == base]))
    assert len(orders) > 15  # of 120


def test_subgroups_of_a_class_are_mixed(table):
    groups = np.arange(len(table.y)) % 2
    shuffled = made(table._replace(groups=groups))
    of = groups[shuffled.base[shuffled.label == 1]]
    assert 60 < np.count_nonzero(np.diff(of)) < 140


def test_places_within_the_class_are_identities_where_there_are_no_others(table):
    rng = np.random.default_rng(1)
    plain = table._replace(row_ids=None)
    behind = Table(np.concatenate([rng.normal(size=(50, 3)), table.X]), np.append(np.zeros(50, dtype=int), table.y))
    a, b = made(plain), made(behind)
    assert rows(a) == [(label, base - 50, neighbor - 50, step) for label, base, neighbor, step in rows(b)]


def test_no_row_at_all(table):
    assert len(oversample(table, "smote", {1: 0}, seed=0, shuffle=True).provenance.base) == 0
