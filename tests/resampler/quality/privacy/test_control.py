"""Where the control is none: held-out rows that are real ones, that are of another kind, or that are not there."""

import numpy as np
import pytest

from resampler.quality import audit_privacy

MEMBERSHIP = ("nearest", "density", "best score")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(120, 4)), rng.normal(size=(120, 4)), rng.normal(size=(600, 4))


def verdicts(found):
    return {said.verdict for _, said in found.ruled()}


def test_later_rows_do_not_make_fresh_ones_look_like_a_leak(rows):
    real, held_out, fresh = rows
    for other in (held_out + 1.0, held_out * 0.4):
        found = audit_privacy(fresh, real, other, attacks=MEMBERSHIP)
        assert verdicts(found) <= {"pass", "unknown"}
        assert any("real rows alone tell them apart" in said.why for _, said in found.ruled())
    assert audit_privacy(fresh, real, held_out, attacks=MEMBERSHIP).outcome == "pass"


def test_a_leak_is_told_beside_rows_of_the_same_kind(rows):
    real, held_out, fresh = rows
    found = audit_privacy(real[np.arange(600) % 120] + 0.1 * fresh, real, held_out, attacks=MEMBERSHIP)
    assert {one.attack for one, said in found.ruled() if said.verdict == "no"} == set(MEMBERSHIP)
    assert all(one.result.fresh_auc < 0.6 < one.result.auc_interval[0] for one in found.attempts)


def test_held_out_rows_that_are_real_are_left_out_and_said(rows):
    real, held_out, fresh = rows
    leak = real[np.arange(600) % 120] + 0.1 * fresh
    half = audit_privacy(leak, real, np.concatenate([held_out, real[:60]]), attacks=MEMBERSHIP)
    assert (half.outcome, half.classes[0].held_out) == ("no", 120)
    assert "60 of 180 held-out rows are real rows too" in half.notes[0]
    none = audit_privacy(leak, real, real, attacks=MEMBERSHIP)
    assert (none.outcome, none.classes[0].held_out) == ("unknown", 0)


def test_rows_that_are_each_others_by_chance_stay(rows):
    real, held_out, fresh = (np.rint(of[:, :2]) for of in rows)
    found = audit_privacy(fresh, real, held_out, attacks=("same rows", *MEMBERSHIP))
    assert (found.outcome, found.classes[0].held_out, found.notes) == ("pass", 120, ())


def test_without_a_control_nothing_passes(rows):
    real, _, fresh = rows
    found = audit_privacy(fresh, real)
    assert found.outcome == "unknown"
    assert any("no row was held out" in said.why for _, said in found.ruled())
