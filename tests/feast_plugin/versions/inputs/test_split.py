"""Splits: no instant, group or row on two sides, shares as asked, draws keyed on identity."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from feast_plugin.versions.inputs.split import SplitRule, undersample
from resampler.errors import InvalidInputError


def assign(rule, *, n=None, timestamps=None, label=None, values=None, seed=0, row_id=None):
    timestamps = np.arange(n) if timestamps is None else np.asarray(timestamps)
    n = len(timestamps)
    return SplitRule.parse(rule).assign(
        timestamps=timestamps.astype(np.int64),
        row_id=np.arange(n) if row_id is None else row_id,
        label=np.zeros(n, dtype=np.int64) if label is None else np.asarray(label),
        values=None if values is None else pa.chunked_array([pa.array(values)]),
        seed=seed,
    )


@given(st.lists(st.integers(0, 30), min_size=3, max_size=200).map(sorted))
def test_time_puts_no_instant_on_two_sides_and_the_past_first(timestamps):
    try:
        got = assign("time:0.6,0.2,0.2", timestamps=timestamps)
    except InvalidInputError:
        assume(False)
    assert (np.diff(got) >= 0).all()
    for instant in set(timestamps):
        assert len(set(got[np.asarray(timestamps) == instant])) == 1


@given(st.integers(0, 2**64 - 1), st.integers(30, 300))
def test_stratified_shares_hold_in_each_class(seed, n):
    label = np.arange(n) % 3
    got = assign("stratified:0.5,0.25,0.25", n=n, label=label, seed=seed)
    for code in range(3):
        sizes = np.bincount(got[label == code], minlength=3)
        np.testing.assert_allclose(sizes, np.array([0.5, 0.25, 0.25]) * (label == code).sum(), atol=1)


@given(st.integers(0, 2**64 - 1))
def test_a_group_stays_together_and_groups_are_shared_out_exactly(seed):
    groups = np.random.default_rng(1).integers(0, 100, 2_000)
    got = assign("group:g:0.7,0.15,0.15", n=2_000, values=groups, seed=seed)
    sides = {g: set(got[groups == g]) for g in np.unique(groups)}
    assert all(len(side) == 1 for side in sides.values())
    assert np.bincount([min(side) for side in sides.values()]).tolist() == [70, 15, 15]


def test_a_draw_is_keyed_on_identity_not_on_place():
    label = np.zeros(100, dtype=np.int64)
    ids = np.random.default_rng(0).permutation(100)
    there = assign("stratified:0.7,0.15,0.15", n=100, label=label, row_id=np.arange(100), seed=5)
    elsewhere = assign("stratified:0.7,0.15,0.15", n=100, label=label, row_id=ids, seed=5)
    assert (there[ids] == elsewhere).all()
    assert (there != assign("stratified:0.7,0.15,0.15", n=100, label=label, seed=6)).any()


def test_a_column_says_it():
    assert assign("column:side", n=3, values=["test", "train", "validation"]).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        ("column:side", {"n": 2, "values": ["train", "holdout"]}, "'holdout'"),
        ("column:side", {"n": 2, "values": ["test", "test"]}, "leaves train without a row"),
        ("column:side", {"n": 2, "values": ["train", None]}, "no null, got 1"),
        ("time:0.7,0.15,0.15", {"timestamps": [5, 5, 5, 5]}, "leaves train without a row"),
        ("group:g:0.5,0.25,0.25", {"n": 4, "values": [1, 1, 2, 2]}, "leaves validation without|leaves test without"),
    ],
)
def test_what_cannot_be_split_is_refused(rule, options, message):
    with pytest.raises(InvalidInputError, match=message):
        assign(rule, **options)


@pytest.mark.parametrize(
    "text",
    ["", "time", "time:1", "time:a,b,c", "time:0.5,0.5,0.5", "time:0,0.5,0.5", "time:-0.1,0.6,0.5", "group:0.7",
     "group::0.7,0.15,0.15", "column:", "time:nan,0.5,0.5", "random:0.7,0.15,0.15"],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text):
    with pytest.raises(InvalidInputError, match=r"write it as|must give three shares"):
        SplitRule.parse(text)


@pytest.mark.parametrize("text", ["time:0.7,0.15,0.15", "group:unit:0.8,0.0,0.2", "stratified:1.0,0.0,0.0", "column:c"])
def test_a_rule_writes_itself_as_it_is_read(text):
    assert str(SplitRule.parse(text)) == text


@given(st.integers(0, 2**64 - 1))
def test_undersampling_drops_training_rows_of_the_larger_classes_by_identity(seed):
    label = np.repeat([0, 1, 2], [300, 20, 90])
    assignment = (np.arange(410) % 5 == 0).astype(np.uint8)  # a fifth is validation
    ids = np.random.default_rng(0).permutation(410)
    got = undersample(assignment, label=label, row_id=ids, ratio=0.25, seed=seed)
    assert np.bincount(label[got == 0]).tolist() == [64, 16, 64]
    assert (got[assignment == 1] == 1).all()
    order = np.random.default_rng(1).permutation(410)
    again = undersample(assignment[order], label=label[order], row_id=ids[order], ratio=0.25, seed=seed)
    assert (again == got[order]).all()


@pytest.mark.parametrize("ratio", [0.0, 1.5, 0.01])
def test_undersampling_that_means_nothing_is_refused(ratio):
    with pytest.raises(InvalidInputError, match="undersample"):
        undersample(np.zeros(9, np.uint8), label=np.arange(9) % 3 // 2, row_id=np.arange(9), ratio=ratio, seed=0)
