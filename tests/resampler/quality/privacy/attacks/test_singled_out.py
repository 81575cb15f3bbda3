"""Rows that carry their base's time or key name it; drawn times, nulls and shared ones name nobody beyond chance."""

import numpy as np
import pytest

from resampler import SMOTE
from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.singled_out import SINGLED_OUT
from resampler.quality.privacy.attempt import attempt_once
from resampler.quality.privacy.exposure import Exposure, Marks
from resampler.quality.privacy.rules import PrivacyRules

RARE, COPIES = 80, 5
TIMES = np.random.default_rng(5).permutation(10_000)[: RARE + 40]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(2)
    found = rng.normal(size=(RARE + 40, 4))
    X = np.concatenate([rng.normal(size=(RARE * (COPIES + 1), 4)), found[:RARE]])
    sampler = SMOTE(random_state=0).fit(X, np.repeat([0, 1], [len(X) - RARE, RARE]))
    made = sampler.fit_resample(X, np.repeat([0, 1], [len(X) - RARE, RARE]))[0][len(X) :]
    base = sampler.provenance_.base - (len(X) - RARE)
    return made, found[:RARE], found[RARE:], base


def exposed(rows, times, real=TIMES[:RARE], **more):
    made, behind, held_out, _ = rows
    return Exposure.of(made, behind, held_out, marks={"at": Marks(times, real, TIMES[RARE:])}, time="at", **more)


def test_times_of_bases_name_them(rows):
    found = SINGLED_OUT.run(exposed(rows, TIMES[rows[3]]), Effort())
    assert found.named.share > 0.4
    assert found.claims.of == len(rows[0])
    assert found.chance.share < 0.05
    (said,) = attempt_once(exposed(rows, TIMES[rows[3]]), "singled out", Effort()).rule(PrivacyRules.of())
    assert (said.rule, said.verdict) == ("named", "no")


def test_drawn_times_name_nobody_beyond_chance(rows):
    drawn = np.random.default_rng(3).choice(TIMES[:RARE], len(rows[0]))
    found = SINGLED_OUT.run(exposed(rows, drawn), Effort())
    low, high = found.named.interval
    assert low <= found.chance.share <= high
    assert all(
        said.verdict != "no"
        for said in attempt_once(exposed(rows, drawn), "singled out", Effort()).rule(PrivacyRules.of())
    )


def test_nulls_and_times_that_several_rows_have_name_nobody(rows):
    assert SINGLED_OUT.run(exposed(rows, np.full(len(rows[0]), -1), np.full(RARE, -1)), Effort()).claims.of == 0
    twice = np.repeat(TIMES[: RARE // 2], 2)
    assert SINGLED_OUT.run(exposed(rows, twice[rows[3]], twice), Effort()).claims.of == 0
    elsewhere = SINGLED_OUT.run(exposed(rows, np.full(len(rows[0]), TIMES[RARE])), Effort())
    assert elsewhere.claims.of == 0  # a held-out row alone has it


def test_effort_bounds_the_rows(rows):
    assert SINGLED_OUT.run(exposed(rows, TIMES[rows[3]]), Effort(rows=50)).named.of == 50


def test_without_times_or_rows_there_is_nothing_to_go_by(rows):
    made, real, held_out, _ = rows
    assert SINGLED_OUT.run(Exposure.of(made, real, held_out), Effort()) is None
    none = np.empty(0, dtype=np.int64)
    marks = {"at": Marks(none, TIMES[:RARE], none)}
    assert SINGLED_OUT.run(Exposure.of(made[:0], real, held_out[:0], marks=marks), Effort()) is None
