"""What each class of a stream is owed: by a ratio of its own, by cost, by a learner's recall."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resampler import CorruptStateError, FeatureSchema, InvalidInputError, Label, OnlineResampler
from resampler.quotas import MIN_WEIGHT, weights_of
from resampler.schema import Feature

SCHEMA = FeatureSchema.numeric(["a", "b"])
NAMED = FeatureSchema((Feature("a"), Feature("b")), Label("y", "string", ("fine", "fraud", "churn")))
OPTIONS = {"ratio": 0.5, "window": 500, "capacity": 200, "seed": 3}


def rows(n=6_000, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=[0.94, 0.02, 0.04])
    return (rng.normal(size=(n, 2)) + y[:, None]).astype(np.float32), y, np.arange(n)


def shares(resampler, data=None):
    """Rows of classes 1 and 2 for each row of class 0."""
    batch = resampler.process(*(data or rows()))
    counts = np.bincount(batch.y[1_000:], minlength=3)
    return counts[1:] / counts[0]


def test_a_class_has_a_ratio_of_its_own():
    assert shares(OnlineResampler(SCHEMA, **OPTIONS, class_ratio={"1": 1.0, 2: 0.2})) == pytest.approx(
        [1, 0.2], abs=0.03
    )
    assert shares(OnlineResampler(SCHEMA, **OPTIONS, class_ratio=["1=0.9"])) == pytest.approx([0.9, 0.5], abs=0.03)


def test_a_class_has_as_many_rows_for_each_real_one_as_a_missed_one_costs_up_to_its_ratio():
    data = rows()
    real = np.bincount(data[1])[1:] / np.bincount(data[1])[0]
    found = shares(OnlineResampler(SCHEMA, **OPTIONS, cost={"1": 10, "2": 1_000}), data)
    assert found == pytest.approx([10 * real[0], 0.5], abs=0.03)
    assert shares(OnlineResampler(SCHEMA, **OPTIONS, cost={"1": 1}), data) == pytest.approx([real[0], 0.5], abs=0.03)
    grown = OnlineResampler(SCHEMA, **OPTIONS, growth=10, cost={"2": 1_000})  # of a class that has no cost
    assert shares(grown, data).tolist() == found.tolist()


def test_classes_may_be_named():
    by_name = OnlineResampler(NAMED, **OPTIONS, class_ratio={"fraud": 1.0}, cost={"churn": 5.0})
    by_code = OnlineResampler(SCHEMA, **OPTIONS, class_ratio={"1": 1.0}, cost={"2": 5.0})
    assert shares(by_name).tolist() == shares(by_code).tolist()
    by_name.recall = {"fraud": 0.5}
    assert by_name.recall == {1: 0.5}


def test_what_a_learner_recognises_less_well_has_more_rows():
    resampler = OnlineResampler(SCHEMA, **OPTIONS)
    resampler.recall = {0: 0.9, 1: 0.6, 2: 0.8}
    assert shares(resampler) == pytest.approx([0.5, 0.25], abs=0.03)
    resampler.recall = None
    X, y, ids = rows(seed=1)
    assert shares(resampler, (X, y, ids + 6_000)) == pytest.approx([0.5, 0.5], abs=0.03)


def test_what_the_quotas_ask_for_is_said_of_the_window():
    data = rows()
    last = np.bincount(data[1][-500:])
    resampler = OnlineResampler(SCHEMA, **OPTIONS, class_ratio={"1": 0.8}, cost={"2": 3})
    assert resampler.class_targets() == {}
    resampler.process(*data)
    assert resampler.class_targets() == pytest.approx({1: 0.8, 2: 3 * last[2] / last[0]})
    resampler.recall = {0: 0.5, 1: 0.75}
    assert resampler.class_targets()[1] == pytest.approx(0.4)
    thinned = OnlineResampler(SCHEMA, **OPTIONS, undersample=0.1, cost={"1": 3})
    thinned.process(*data)
    assert thinned.class_targets() == pytest.approx({1: 3 * last[1] / (10 * last[2]), 2: 0.5})


@given(st.dictionaries(st.integers(0, 5), st.none() | st.floats(0, 1)))
def test_weights_are_from_the_least_to_one_and_one_for_the_class_that_is_missed_most(recall):
    weights = weights_of(recall)
    known = {code: value for code, value in recall.items() if value is not None}
    assert weights.keys() in (known.keys(), set())
    assert all(MIN_WEIGHT <= weight <= 1 for weight in weights.values())
    if weights:
        assert weights[min(known, key=known.get)] == 1


def test_the_recall_is_saved_with_the_state_and_its_absence_leaves_no_trace():
    resampler, plain = OnlineResampler(SCHEMA, **OPTIONS), OnlineResampler(SCHEMA, **OPTIONS)
    resampler.process(*rows(500))
    plain.process(*rows(500))
    resampler.recall = {1: 0.5, 2: None}
    assert resampler.to_bytes() != plain.to_bytes()
    again = OnlineResampler.from_bytes(resampler.to_bytes())
    assert again.recall == {1: 0.5, 2: None}
    assert again.to_bytes() == resampler.to_bytes()
    resampler.recall = {}
    assert resampler.to_bytes() == plain.to_bytes()
    resampler.paused = True
    assert OnlineResampler.from_bytes(resampler.to_bytes()).paused


@pytest.mark.parametrize(
    ("recall", "words"),
    [
        ({1: float("nan")}, "recall of class 1 must be from 0 to 1, or None if unknown, got nan"),
        ({1: 1.5}, "recall of class 1 must be from 0 to 1"),
        ({1: True}, "recall of class 1 must be from 0 to 1"),
        ({1: "0.5"}, "recall of class 1 must be from 0 to 1"),
        ({"theft": 0.5}, r"recall must name classes of 'y' \(fine, fraud, churn\), got 'theft'"),
        ({7: 0.5}, "recall must name classes of 'y'"),
        ({1.5: 0.5}, "recall must name classes of 'y'"),
        ({1: 0.5, "fraud": 0.5}, "recall must name a class once, got 'fraud' twice"),
        ([0.5], r"recall must be by class, such as \{1: 0.8\}, got \[0.5\]"),
    ],
)
def test_what_is_no_recall_is_refused_and_nothing_changes(recall, words):
    resampler = OnlineResampler(NAMED)
    resampler.recall = {"fraud": 0.25}
    with pytest.raises(InvalidInputError, match=words):
        resampler.recall = recall
    assert resampler.recall == {1: 0.25}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"class_ratio": {"theft": 0.5}}, r"class_ratio must name classes of 'y' \(fine, fraud, churn\), got 'theft'"),
        ({"class_ratio": {"fraud": 0}}, "class_ratio of class 'fraud' must be"),
        ({"cost": {"fraud": 0.5}}, "cost of class 'fraud' must be a number, 1 to 1e"),
        ({"cost": {"fraud": float("nan")}}, "cost of class 'fraud' must be"),
        ({"cost": ["fraud"]}, "cost must be CLASS=NUMBER, such as fraud=1, got 'fraud'"),
        ({"cost": ["fraud=1", "fraud=2"]}, "cost must name a class once, got 'fraud' twice"),
        ({"cost": {"1": 2, "fraud": 3}}, "cost must name a class once, got 'fraud', which is class 1, again"),
    ],
)
def test_what_is_no_quota_is_refused(options, words):
    with pytest.raises(InvalidInputError, match=words):
        OnlineResampler(NAMED, **options)


def test_quotas_are_part_of_the_hash_and_their_absence_is_not():
    assert OnlineResampler(SCHEMA, class_ratio={}, cost=None).config_hash == OnlineResampler(SCHEMA).config_hash
    one, other = (OnlineResampler(SCHEMA, cost=cost) for cost in ({"1": 5, "2": 6.0}, {2: 6, 1: 5.0}))
    assert one.config_hash == other.config_hash != OnlineResampler(SCHEMA).config_hash
    assert OnlineResampler.from_bytes(one.to_bytes()).parameters == one.parameters


def test_a_damaged_state_is_refused():
    data = bytearray(OnlineResampler(SCHEMA, cost={"1": 5}).to_bytes())
    data[60] ^= 1
    with pytest.raises(CorruptStateError):
        OnlineResampler.from_bytes(bytes(data))
