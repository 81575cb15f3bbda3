"""The verdict against Evidently's: one rule for all sizes agrees with its two on all but a few columns.

Above 1,000 rows they agree on 99 of 100 columns and more; below on about 90, for there Evidently cries more often:

- Up to 1,000 rows Evidently asks for p < .05 of each column alone, so it cries of 5 in 100 that have not moved. Ours is
  adjusted for how many columns there are, and asks for a move that matters too.
- Its chi-square test takes the reference for the truth, as if it had no sampling error: of categories that have not
  moved it cries several times as often as it says. Ours is that of two samples.
- Of few rows it asks for no size: a move that chance does not explain is drift, however small.
- It leaves nulls out: a column whose nulls went from 0 to 60 % has not drifted for it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from profiles import later_of, reference_of
from scipy.stats import chisquare

from resampler.quality.drift.chance import chi_square_p
from resampler.quality.drift.measure import measure_drift

KINDS = ["normal", "scale", "lognormal", "zeros", "counts", "cents", "uniform", "category", "category", "flag"]
MOVES = [0.0, 0.0, 0.03, 0.3, 0.8]


def column(kind, rng, n, move):
    match kind:
        case "normal":
            return rng.normal(size=n) + move
        case "scale":
            return rng.normal(size=n) * (1 + move)
        case "lognormal":
            return rng.lognormal(move, 0.8, n)
        case "zeros":
            return np.where(rng.random(n) < 0.6, 0.0, rng.lognormal(move, 1.0, n))
        case "counts":
            return rng.poisson(4 * (1 + move / 2), n).astype(float)
        case "cents":
            return np.round(rng.lognormal(3 + move / 2, 0.5, n), 2)
        case "uniform":
            return rng.random(n) + 0.3 * move
        case "flag":
            return (rng.random(n) < 0.3 + 0.4 * move).astype(float)
        case "category":
            share = np.arange(8.0, 0.0, -1.0)
            share[0] *= 1 + 3 * move
            return np.array([f"c{i}" for i in rng.choice(8, n, p=share / share.sum())])


def frames(n, seed, n_columns=100):
    rng = np.random.default_rng(seed)
    before, after = {}, {}
    for i in range(n_columns):
        kind, move = KINDS[i % len(KINDS)], MOVES[rng.integers(len(MOVES))]
        before[f"{kind} {i}"], after[f"{kind} {i}"] = column(kind, rng, n, 0.0), column(kind, rng, n, move)
    return before, after


def theirs(before, after):
    """Evidently's verdict by column."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    words = [name for name in before if name.startswith("category")]
    definition = DataDefinition(
        numerical_columns=[name for name in before if name not in words], categorical_columns=words
    )
    sides = [Dataset.from_pandas(pd.DataFrame(side), definition) for side in (after, before)]
    found = {}
    for metric in Report([ValueDrift(column=name) for name in before]).run(*sides).dict()["metrics"]:
        config = metric["config"]
        value, limit = float(metric["value"]), config.get("threshold") or 0.05
        by_p = "p_value" in config["method"]
        found[config["column"]] = value < limit if by_p else value >= limit
    return found


def ours(before, after):
    reference = reference_of({name: pa.array(values) for name, values in before.items()})
    return {one.feature: one.drifted for one in measure_drift(reference, later_of(reference, after)).features}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_verdict_is_evidentlys_on_95_of_100_columns():
    differ, total = [], 0
    for seed, n in enumerate((900, 3_000, 10_000, 30_000)):
        sides = frames(n, seed, 50)
        mine, other = ours(*sides), theirs(*sides)
        assert mine.keys() == other.keys()
        assert 0.2 < np.mean(list(other.values())) < 0.8
        differ += [(n, name, mine[name]) for name in mine if mine[name] != other[name]]
        total += len(mine)
    assert total == 200
    assert len(differ) <= 10, differ
    assert not any(drifted for n, _, drifted in differ if n <= 1_000), "of few rows it cries more often, never less"


def test_categories_that_have_not_moved_its_test_calls_drifted_several_times_as_often_as_it_says():
    rng = np.random.default_rng(0)
    share = np.arange(8.0, 0.0, -1.0) / 36
    found = []
    for _ in range(400):
        before, after = rng.multinomial(900, share), rng.multinomial(900, share)
        found.append((chisquare(after, before).pvalue < 0.05, chi_square_p(before, after) < 0.05))
    its, own = np.mean(found, axis=0)
    assert its > 0.15
    assert own < 0.08
