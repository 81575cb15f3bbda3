"""A paused resampler passes rows and makes none; behind the pause it is as fresh as one that never paused."""

import itertools

import numpy as np
import pytest

from resampler import FeatureSchema, MicroBatch, OnlineResampler
from resampler.state import FORMAT_VERSION, PAUSED_VERSION

SCHEMA = FeatureSchema.numeric(list("abc"))
SECRET = {"strategy": "hardened", "group_size": 10}
STRATEGIES = pytest.mark.parametrize(
    "options", [{}, {"strategy": "borderline"}, {"strategy": "geometric"}, SECRET, {"undersample": 0.2}], ids=str
)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    y = (rng.random(3_000) < 0.1).astype(np.int64)
    return (rng.normal(size=(3_000, 3)) + y[:, None]).astype(np.float32), y, np.arange(3_000)


def make(**options):
    return OnlineResampler(SCHEMA, **{"ratio": 0.5, "seed": 8, "capacity": 200, "window": 500} | options)


def run(resampler, rows, *edges):
    """Process rows up to each edge in a call of its own."""
    parts = [resampler.process(*(a[start:stop] for a in rows)) for start, stop in itertools.pairwise((0, *edges))]
    return parts[-1] if len(parts) == 1 else MicroBatch.concat(parts)


def test_no_synthetic_row_and_every_real_one(rows):
    resampler = make()
    run(resampler, rows, 1_000)
    resampler.paused = True
    batch = resampler.process(*(a[1_000:2_000] for a in rows))
    assert not batch.is_synthetic.any()
    assert batch.X.tobytes() == rows[0][1_000:2_000].tobytes()
    assert resampler.stats().real == {0: int((rows[1][:2_000] == 0).sum()), 1: int((rows[1][:2_000] == 1).sum())}


@STRATEGIES
def test_a_pause_of_no_rows_changes_no_byte(rows, options):
    paused, plain = make(**options), make(**options)
    run(paused, rows, 1_000)
    run(plain, rows, 1_000)
    paused.paused = True
    paused = OnlineResampler.from_bytes(paused.to_bytes())
    paused.paused = False
    assert paused.to_bytes() == plain.to_bytes()


@STRATEGIES
def test_behind_a_pause_rows_are_made_of_those_that_came_meanwhile(rows, options):
    """Of Poisson quotas nothing is carried over, so that a paused run joins the other one byte for byte."""
    paused, plain = make(quota="poisson", **options), make(quota="poisson", **options)
    run(paused, rows, 1_000)
    run(plain, rows, 2_000)
    paused.paused = True
    paused.process(*(a[1_000:2_000] for a in rows))
    paused.paused = False
    later = [resampler.process(*(a[2_000:] for a in rows)) for resampler in (paused, plain)]
    assert later[0].n_synthetic > 50
    assert all(left.tobytes() == right.tobytes() for left, right in zip(*map(vars_of, later), strict=True))


def vars_of(batch):
    return [getattr(batch, name) for name in ("X", "y", "is_synthetic", "row_id", "base_id", "neighbor_id", "step")]


def test_what_is_owed_behind_a_pause_is_what_was_owed_before(rows):
    resampler = make()
    run(resampler, rows, 1_000)
    owed = resampler._window.credit.copy()
    assert (owed[:2] >= 0).all()
    assert (owed[:2] < 1).all()
    resampler.paused = True
    resampler.process(*(a[1_000:2_000] for a in rows))
    assert resampler._window.credit.tobytes() == owed.tobytes()
    resampler.paused = False
    made = [resampler.process(*(a[i : i + 100] for a in rows)).n_synthetic for i in range(2_000, 3_000, 100)]
    # Some 38 rows in 100 are due at this ratio: a debt of 1,000 paused rows would come at once.
    assert max(made) < 60
    assert min(made) > 15


def test_a_class_that_had_too_few_rows_keeps_what_it_was_owed(rows):
    X, y, ids = rows
    late = np.where(np.arange(3_000) < 500, 0, y)
    late[[10, 20]] = 1  # two of six
    resampler = make(window=2_000, burst=4)
    run(resampler, (X, late, ids), 500)
    owed = resampler._window.credit[1]
    assert owed > 100
    resampler.paused = True
    resampler.process(X[500:1_000], late[500:1_000], ids[500:1_000])
    assert resampler._window.credit[1] == owed
    assert resampler.stats().buffer_rows[1] > 6


def test_only_a_paused_resampler_is_saved_otherwise(rows):
    resampler = make()
    run(resampler, rows, 1_000)
    before = resampler.to_bytes()
    assert before[4] == FORMAT_VERSION
    resampler.paused = True
    saved = resampler.to_bytes()
    assert saved[4] == PAUSED_VERSION
    assert saved[6:-32] == before[6:-32]
    again = OnlineResampler.from_bytes(saved)
    assert again.paused
    assert again.to_bytes() == saved
    resampler.paused = False
    assert resampler.to_bytes() == before


def test_how_rows_are_cut_into_calls_changes_nothing(rows):
    whole, cut = [], []
    for parts, step in ((whole, 3_000), (cut, 37)):
        resampler = make(strategy="adasyn")
        for first, last, paused in ((0, 900, False), (900, 1_700, True), (1_700, 3_000, False)):
            resampler.paused = paused
            for i in range(first, last, step):
                parts.append(resampler.process(*(a[i : min(i + step, last)] for a in rows)))
                resampler = OnlineResampler.from_bytes(resampler.to_bytes())
    joined = [MicroBatch.concat(parts) for parts in (whole, cut)]
    assert all(left.tobytes() == right.tobytes() for left, right in zip(*map(vars_of, joined), strict=True))
