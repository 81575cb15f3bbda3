"""What remedies make of a training part."""

import numpy as np
import pytest

from resampler.errors import DataError, InvalidInputError
from resampler.methods.catalog import METHODS
from resampler.quality.comparison.remedies import PLAIN, Training, bootstrapped, remedy, usual
from resampler.samplers import SMOTE, EditedNearestNeighbours

NONE = np.zeros(3, dtype=bool)
MIXED = np.array([False, False, True])


def training(counts=(80, 20), mask=NONE, *, nulls=False, ratio=1.0, seed=0):
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(len(counts)), counts)
    X = rng.normal(size=(len(y), 3)) + y[:, None]
    X[:, mask] = rng.integers(0, 4, size=(len(y), mask.sum())) + 2 * y[:, None]
    if nulls:
        X[::7, 0] = np.nan
    return Training(X, y, len(counts) - 1, mask, ratio, seed)


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("mask", [NONE, MIXED, ~NONE])
def test_the_usual_ones_fit_any_rows(mask, nulls):
    rows = training(mask=mask, nulls=nulls)
    for name in usual(mask):
        after = remedy(name, mask).apply(rows)
        assert len(after.X) == len(after.y)
        assert set(np.unique(after.y)) == {0, 1}, name
        again = remedy(name, mask).apply(rows)
        np.testing.assert_array_equal(after.X, again.X)


def test_shares_after_each():
    rows = training()
    assert remedy("nothing", NONE).apply(rows) is rows
    assert remedy("weights", NONE).apply(rows).share(2).tolist() == pytest.approx([0.5, 0.5])
    assert np.bincount(remedy("undersample", NONE).apply(rows).y).tolist() == [20, 20]
    assert np.bincount(remedy("smote", NONE).apply(rows).y).tolist() == [80, 80]
    half = rows._replace(ratio=0.5)
    assert np.bincount(remedy("undersample", NONE).apply(half).y).tolist() == [40, 20]
    assert np.bincount(remedy("random", NONE).apply(half).y).tolist() == [80, 40]
    many = training((200, 3, 60, 12))
    assert np.bincount(remedy("undersample", NONE).apply(many).y).tolist() == [12, 3, 12, 12]
    assert np.bincount(remedy("smote", NONE).apply(many).y).tolist() == [200, 3, 200, 200]  # 3 rows have no 5 others


def test_methods_are_those_of_the_samplers():
    rows = training()
    after = remedy("smote", NONE).apply(rows)
    units = rows.X.std(axis=0)
    X, y = SMOTE(random_state=0).fit_resample(rows.X / units, rows.y)
    np.testing.assert_allclose(after.X / units, X, rtol=1e-6)
    cleaned = remedy("smote+enn", NONE).apply(rows)
    enn = EditedNearestNeighbours(sampling_strategy="all").fit(X, y)
    kept, _ = enn.fit_resample(X, y)
    np.testing.assert_allclose(cleaned.X / units, kept, rtol=1e-6)


def test_real_rows_are_never_changed():
    rows = training(mask=MIXED, nulls=True)
    before = rows.X.copy()
    for name in usual(MIXED):
        after = remedy(name, MIXED).apply(rows)
        real = {row.tobytes() for row in before}
        kept = sum(row.tobytes() in real for row in after.X)
        assert kept >= len(after.X) - (60 if remedy(name, MIXED).synthetic else 0) - 40 * ("+" in name), name
    np.testing.assert_array_equal(rows.X, before)


def test_few_rows_get_fewer_neighbours():
    assert np.bincount(remedy("smote", NONE).apply(training((50, 3))).y).tolist() == [50, 50]
    with pytest.raises(DataError, match="must have another to be joined with, got 1 row"):
        remedy("smote", NONE).apply(training((50, 1)))
    assert np.bincount(remedy("random", NONE).apply(training((50, 1))).y).tolist() == [50, 50]


def test_rows_drawn_again():
    rows = training()
    after = bootstrapped(rows)
    assert np.bincount(after.y).tolist() == [80, 20]
    assert 50 < len(np.unique(after.X, axis=0)) < 75
    assert not np.array_equal(after.X, bootstrapped(rows._replace(seed=1)).X)


@pytest.mark.parametrize("name", [name for name, rule in METHODS.items() if rule.categories != "all"])
def test_every_method_has_a_name_here(name):
    mask = MIXED if name == "smotenc" else NONE
    assert set(np.unique(remedy(name, mask).apply(training((300, 40), mask)).y)) == {0, 1}


@pytest.mark.parametrize(
    ("name", "mask", "said"),
    [
        ("magic", NONE, "a remedy is one of nothing, weights, undersample or a method"),
        ("smote+soap", NONE, "remedy 'smote.soap' cleans by 'soap': use tomek or enn"),
        ("smote+", NONE, "cleans by ''"),
        ("smote", MIXED, "method 'smote' takes numeric columns only"),
        ("smotenc", NONE, "needs categorical columns: use smote"),
        ("smoten", MIXED, "takes categorical columns only"),
    ],
)
def test_what_is_no_remedy(name, mask, said):
    with pytest.raises(InvalidInputError, match=said):
        remedy(name, mask)


def test_old_names_and_combined_ones():
    assert remedy("smoteenn", NONE).name == "smote+enn"
    assert remedy("borderline-1", NONE).name == "borderline"
    assert not any(one.synthetic for one in PLAIN.values())
