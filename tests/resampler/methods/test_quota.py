"""How many rows of which class: the ratio, and subgroups that are balanced within themselves."""

import warnings
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import methods as naive

from resampler.errors import DataError, GateError, InvalidInputError
from resampler.methods.quota import Part, parts_of, wanted
from resampler.metric import label_key

seeds = st.integers(0, 2**32 - 1)


@given(counts=st.dictionaries(st.integers(0, 9), st.integers(1, 300), min_size=2), ratio=st.floats(0.001, 1))
def test_every_rarer_class_is_filled_up_to_the_ratio(counts, ratio):
    target = int(ratio * max(counts.values()))
    lacking = {label: target - n for label, n in counts.items() if n < target}
    if not lacking:
        with pytest.raises(GateError, match="is already reached"):
            wanted(counts, ratio)
        return
    assert wanted(counts, ratio) == lacking


def test_a_decimal_ratio_is_what_it_is_written_as():
    assert wanted({0: 100, 1: 5}, Decimal("0.29")) == {1: 24}
    assert wanted({0: 100, 1: 5}, 0.29) == {1: 23}  # the binary fraction is a little less
    with pytest.raises(InvalidInputError, match=r"ratio must be in \(0, 1\]"):
        wanted({0: 9, 1: 2}, Decimal("1.5"))


def test_one_class_and_a_ratio_out_of_range_are_named():
    with pytest.raises(DataError, match="has class 3 only"):
        wanted({3: 9}, 0.5)
    with pytest.raises(InvalidInputError, match=r"ratio must be in \(0, 1\]"):
        wanted({0: 9, 1: 2}, 1.5)


def grouped(seed, n=60):
    rng = np.random.default_rng(seed)
    y, groups = rng.choice(3, n, p=[0.6, 0.3, 0.1]), rng.choice(["east", "north", "south", "west"], n)
    y[:3] = 0, 1, 2
    groups[(y == 2) & (groups == "east")] = "west"  # no row of it there
    return y, groups, {label: int(rng.integers(0, 50)) for label in (2, 1)}


@given(seed=seeds)
def test_quotas_are_the_naive_ones_and_their_sum_is_what_was_asked_for(seed):
    y, groups, strategy = grouped(seed)
    parts = list(parts_of(y, strategy, groups))
    assert [part.label for part in parts] == sorted((part.label for part in parts), reverse=True)
    for label, n in strategy.items():
        of = {part.group: part.n_synthetic for part in parts if part.label == label}
        assert sum(of.values()) == n
        assert of == (naive.quotas(y, groups, label, n) if n else {})
        assert all(((y == label) & (groups == group)).any() for group in of)
    for part in parts:
        assert part.rows.tolist() == np.flatnonzero(groups == part.group).tolist()
        assert part.place(np.array([[0], [1]])).tolist() == part.rows[[[0], [1]]].tolist()


@given(seed=seeds)
def test_a_table_of_one_class_gets_the_quotas_of_all_rows(seed):
    y, groups, strategy = grouped(seed)
    for label, n in strategy.items():
        rare = np.flatnonzero(y == label)
        some = parts_of(y[rare], {label: n}, groups[rare], None, (y, groups))
        every = parts_of(y, {label: n}, groups)
        shown = [[(part.group, part.n_synthetic, part.stream) for part in parts] for parts in (some, every)]
        assert shown[0] == shown[1]


def test_each_subgroup_is_filled_up_as_if_it_were_resampled_alone():
    y = np.repeat([0, 1, 0, 1], [100, 20, 100, 60])
    groups = np.repeat(["A", "B"], [120, 160])
    parts = {part.group: part.n_synthetic for part in parts_of(y, {1: 120}, groups)}
    assert parts == {"A": 80, "B": 40}


def test_where_the_largest_class_is_elsewhere_subgroups_grow_alike():
    y, groups = np.repeat([1, 0], [8, 30]), np.array([*"aabbbbbb", *"c" * 30])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parts = {part.group: part.n_synthetic for part in parts_of(y, {1: 10}, groups)}
    assert parts == naive.quotas(y, groups, 1, 10) == {"a": 3, "b": 7}


def test_without_subgroups_a_class_is_one_part():
    y = np.array([0, 0, 1])
    assert list(parts_of(y, {1: 3, 0: 0}, None)) == [Part(1, 3)]
    positions = np.array([4, 2])
    assert Part(1, 3).place(positions) is positions


@pytest.mark.parametrize(
    ("part", "key", "name", "stream"),
    [
        (Part(np.int64(3), 1), 3, "class 3", "3"),
        (Part("bad", 1), "bad", "class 'bad'", "bad"),
        (Part(0, 1, called="bad"), 0, "class 'bad'", "bad"),
        (Part(0, 1, "x", np.arange(2)), (0, "x"), "class 0 in subgroup 'x'", "0/x"),
        (Part(0, 1, 7, np.arange(2), "bad"), (0, 7), "class 'bad' in subgroup 7", "bad/7"),
    ],
)
def test_a_part_has_a_key_a_name_and_draws_of_its_own(part, key, name, stream):
    assert (part.key, part.name, part.stream) == (key, name, label_key(stream))
