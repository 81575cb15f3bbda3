"""Probabilities at the real shares of the classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from resampler import correct_prior
from resampler.errors import DataError, InvalidInputError
from resampler.quality import ClassCounts

COUNTS = st.integers(2, 5).flatmap(
    lambda k: st.tuples(*[st.lists(st.integers(1, 10**6), min_size=k, max_size=k) for _ in range(2)])
)


def naive(row, trained, real):
    """Bayes' rule, class by class: what each class's rows look like, times how many there are."""
    likelihood = [p / (t / sum(trained)) for p, t in zip(row, trained, strict=True)]
    joint = [like * r / sum(real) for like, r in zip(likelihood, real, strict=True)]
    return [one / sum(joint) for one in joint]


@st.composite
def cases(draw):
    trained, real = draw(COUNTS)
    raw = draw(arrays(np.float64, (draw(st.integers(1, 6)), len(real)), elements=st.floats(0, 1)))
    raw[:, 0] += 1e-3
    return raw / raw.sum(axis=1, keepdims=True), trained, real


@given(cases())
def test_it_is_bayes_rule(case):
    proba, trained, real = case
    found = correct_prior(proba, trained=trained, real=real)
    np.testing.assert_allclose(found, [naive(row, trained, real) for row in proba.tolist()], rtol=1e-9, atol=1e-15)


@given(cases())
def test_the_inverse_is_the_same_with_the_shares_exchanged(case):
    proba, trained, real = case
    there = correct_prior(proba, trained=trained, real=real)
    np.testing.assert_allclose(correct_prior(there, trained=real, real=trained), proba, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(there.sum(axis=1), 1, atol=1e-12)


@given(arrays(np.float64, 50, elements=st.floats(0, 1)), st.integers(1, 10**9), st.integers(1, 10**9))
def test_two_classes_keep_their_order_to_the_last_bit(p, a, b):
    p = np.sort(np.concatenate([p, np.nextafter(p, 1)]))
    found = correct_prior(p, trained=[1, 1], real=[a, b])
    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()
    columns = correct_prior(np.column_stack([1 - p, p]), trained=[1, 1], real=[a, b])
    assert columns[:, 1].tobytes() == found.tobytes()
    np.testing.assert_allclose(columns[:, 0], 1 - found, atol=1e-15)


def test_undersampling_is_the_case_of_dal_pozzolo():
    beta, p = 0.1, np.linspace(0, 1, 11)  # one in ten negatives was kept
    found = correct_prior(p, trained={0: 100, 1: 50}, real={0: 1000, 1: 50})
    np.testing.assert_allclose(found, beta * p / (beta * p - p + 1))


def test_ends_stay_where_they_are():
    assert correct_prior([0.0, 1.0], trained=[5, 5], real=[9, 1]).tolist() == [0, 1]
    three = correct_prior(np.eye(3), trained=[1, 1, 1], real=[5, 3, 1])
    assert three.tolist() == np.eye(3).tolist()
    assert correct_prior([5e-324, 1 - 2**-53], trained=[1, 1], real=[1, 10**9]).max() <= 1


def test_dtype_and_shape_come_back():
    for dtype, back in ((np.float32, np.float32), (np.float64, np.float64), (np.float16, np.float64)):
        assert correct_prior(np.array([[0.5, 0.5]], dtype=dtype), trained=[1, 1], real=[3, 1]).dtype == back
    assert correct_prior(np.empty((0, 3)), trained=[1, 1, 1], real=[3, 1, 1]).shape == (0, 3)
    assert correct_prior([], trained=[1, 1], real=[3, 1]).shape == (0,)
    near = correct_prior(np.array([0.3], dtype=np.float32), trained=[1, 1], real=[3, 1])
    exact = correct_prior(np.array([0.3], dtype=np.float32).astype(np.float64), trained=[1, 1], real=[3, 1])
    assert near == exact.astype(np.float32)


def test_a_class_without_real_rows_gets_nothing():
    found = correct_prior([[0.5, 0.25, 0.25]], trained=[1, 1, 1], real=[1, 1, 0])
    assert found.tolist() == [[2 / 3, 1 / 3, 0]]
    assert correct_prior([0.5], trained=[1, 1], real=[1, 0]).tolist() == [0]
    assert correct_prior([[1.0, 0.0]], trained=[1, 0], real=[1, 0]).tolist() == [[1, 0]]
    with pytest.raises(DataError, match="row 1 of proba names only classes that have no real rows"):
        correct_prior([[1, 0], [0, 1]], trained=[1, 1], real=[1, 0])


def test_classes_are_found_by_value_or_by_name():
    proba = [[0.2, 0.8]]
    asked = correct_prior(proba, trained=[1, 1], real=[9, 1]).tolist()
    for names, classes in (
        (("a", "b"), None),
        ((0, 1), None),
        (("0", "1"), np.array([0, 1])),
        (("0", "1"), np.array([0.0, 1.0])),
        (("False", "True"), np.array([False, True])),
        (("False", "True"), np.array([0, 1])),
        ((1, 0), (1, 0)),
    ):
        shares = {"trained": dict(zip(names, (1, 1), strict=True)), "real": dict(zip(names, (9, 1), strict=True))}
        assert correct_prior(proba, classes=classes, **shares).tolist() == asked
        assert correct_prior(proba, classes=classes, trained=shares["trained"], real=shares["real"]).tolist() == asked


@pytest.mark.parametrize(
    ("proba", "message"),
    [
        ([0.5, np.nan], "from 0 to 1, got nan in row 1"),
        ([[0.5, 0.5], [1.5, -0.5]], "from 0 to 1, got 1.5 in row 1"),
        ([[0.5, 0.5], [0.5, 0.4]], "must sum to 1, got 0.9 in row 1"),
        (0.5, "a column for each class"),
        (np.empty((3, 0)), "a column for each class"),
        (["a", "b"], "must be numbers"),
    ],
)
def test_what_are_no_probabilities(proba, message):
    with pytest.raises(DataError, match=message):
        correct_prior(proba, trained=[1, 1], real=[9, 1])


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"trained": [1, 0], "real": [1, 1]}, "class 1 has real rows and was trained on none"),
        ({"trained": [1, 1], "real": [0, 0]}, "real must be numbers of rows"),
        ({"trained": [1, -1], "real": [1, 1]}, "trained must be numbers of rows"),
        ({"trained": [1, np.nan], "real": [1, 1]}, "trained must be numbers of rows"),
        ({"trained": [1, "x"], "real": [1, 1]}, "trained must be numbers of rows"),
        ({"trained": None, "real": [1, 1]}, "trained must be rows, or shares, by class or one a column, got None"),
        ({"trained": [1, 1, 1], "real": [1, 1, 1]}, "proba has columns of 2 classes, shares name 3"),
        ({"trained": [1, 1], "real": [1, 1, 1]}, "real must have one entry for each of 2 classes, got 3"),
        ({"trained": {"a": 1, "b": 1}, "real": {"a": 1, "c": 1}}, "real must count the classes a, b, got a, c"),
        ({"trained": {"9": 1, "10": 1}, "real": {"9": 1, "10": 1}}, "give classes=model.classes_"),
        ({"trained": {"a": 1, 2: 1}, "real": {"a": 1, 2: 1}}, "give classes=model.classes_"),
        ({"trained": [0, 1], "real": [1, 0], "classes": ["a", "b"]}, "class a has real rows"),
    ],
)
def test_what_are_no_shares(shares, message):
    with pytest.raises(InvalidInputError, match=message):
        correct_prior([0.5], **shares)


def test_counts_come_from_what_has_some():
    pair = ClassCounts.of(({0: 9, 1: 1}, {0: 9, 1: 9}))
    assert ClassCounts.of(pair) is pair
    assert pair.among([1, 0]) == ({1: 1, 0: 9}, {1: 9, 0: 9})
    with pytest.raises(InvalidInputError, match="two mappings of class to rows; got int"):
        ClassCounts.of(3)
    with pytest.raises(InvalidInputError, match="real must count the classes 0, 2"):
        pair.among([0, 2])
