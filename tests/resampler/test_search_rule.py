"""What `auto` means has a name of its own each time that it changes, and the earlier meanings stay."""

from __future__ import annotations

import numpy as np
import pytest

from resampler import samplers, search_rule
from resampler.neighbors import nearest_rows
from resampler.search_rule import LATEST, METHODS, RULES, earliest_alike, is_exact, rule_name

SIZES = (20_000, 20_001, 100_000, 100_001, 5_000_000)
TABLES = [(n, d, nulls) for n in SIZES for d in (8, 32, 33) for nulls in (False, True)]


def test_each_rule_says_the_same_for_ever():
    usual = {table: table[0] <= 20_000 for table in TABLES}
    said = {
        "exact": dict.fromkeys(TABLES, True),
        "approximate": dict.fromkeys(TABLES, False),
        "auto-1": usual,
        "auto-2": {(n, d, nulls): n <= 20_000 or (not nulls and (d <= 32 or n <= 100_000)) for n, d, nulls in TABLES},
    }
    got = {name: {(n, d, nulls): is_exact(name, n, d, nulls=nulls) for n, d, nulls in TABLES} for name in RULES}
    assert got == said
    assert [rule_name(name) for name in METHODS] == [LATEST, *RULES]


def test_a_record_names_a_later_rule_only_where_another_search_may_come_of_it():
    assert [earliest_alike(n, d) for n, d in ((20_000, 8), (20_001, 8), (20_001, 33), (100_001, 33))] == [
        "auto-1", "auto-2", "auto-2", "auto-1"
    ]  # fmt: skip


@pytest.fixture
def few(monkeypatch):
    """The rules with 600 rows in place of 20,000, and 1,000 in place of 100,000."""
    fewer = {20_000: 600, 100_000: 1_000}
    changed = {name: search_rule.SearchRule(*(fewer.get(rows, rows) for rows in rule)) for name, rule in RULES.items()}
    monkeypatch.setattr(search_rule, "RULES", changed)


@pytest.mark.parametrize(
    ("n", "d", "nulls", "exact"),
    [(600, 40, True, (True, True)), (2_000, 20, False, (False, True)), (2_000, 20, True, (False, False)),
     (1_000, 40, False, (False, True)), (2_000, 40, False, (False, False))],
)  # fmt: skip
@pytest.mark.usefixtures("few")
def test_a_search_goes_by_the_rule_that_it_names(n, d, nulls, exact):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)).astype(np.float32)
    X[rng.random(X.shape) < 0.1 * nulls] = np.nan
    for method, is_true in zip(("auto-1", "auto-2", "auto"), (*exact, exact[1]), strict=True):
        found = nearest_rows(X, 3, method=method)
        same = nearest_rows(X, 3, method="exact" if is_true else "approximate")
        assert found.exact == is_true
        assert np.array_equal(found.indices, same.indices)
    assert not nearest_rows(X[:400], 3, recall=0.5).exact
    assert nearest_rows(X[:400], 3, recall=1).exact


@pytest.mark.usefixtures("few")
def test_an_estimator_keeps_how_it_sought_and_finds_the_same_by_that_name():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2_600, 20)), np.repeat([0, 1], [1_600, 1_000])
    today = samplers.SMOTE(random_state=0)
    rows, _ = today.fit_resample(X, y)
    assert (today.neighbors_rule_, today.neighbors_exact_) == (LATEST, {1: True})
    named = samplers.SMOTE(random_state=0, neighbors=today.neighbors_rule_)
    assert np.array_equal(named.fit_resample(X, y)[0], rows)
    before, approximate = (samplers.SMOTE(random_state=0, neighbors=how) for how in ("auto-1", "approximate"))
    assert np.array_equal(before.fit_resample(X, y)[0], approximate.fit_resample(X, y)[0])
    assert (before.neighbors_rule_, before.neighbors_exact_) == ("auto-1", {1: False})


def test_what_is_taken_is_named_where_it_is_asked_for():
    for asked in (nearest_rows, samplers.SMOTE):
        assert all(f'"{name}"' in asked.__doc__ for name in METHODS)
