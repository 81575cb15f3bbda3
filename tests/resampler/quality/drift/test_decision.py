"""Decisions remember."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resampler.errors import CorruptStateError
from resampler.quality.drift.decision import State, decide
from resampler.quality.drift.measure import Measured
from resampler.quality.drift.settings import DriftPolicy


def measured(share):
    too_few = ("all rows",) if share is None else ()
    return Measured((500, 500), False, (), (), None, too_few, (), share)


def outcomes(shares, reference="a", state=None, **limits):
    policy, state = DriftPolicy(**limits), state or State()
    found = []
    for share in shares:
        decision = decide(state, measured(share), policy, reference)
        found.append(decision.outcome)
        state = State.from_dict(json.loads(json.dumps(decision.state.to_dict())))
    return found


def test_it_is_entered_at_one_limit_and_left_at_another():
    assert outcomes([0.4, 0.5, 0.4, 0.3, 0.29, 0.4, 0.6]) == ["pass", "no", "no", "no", "pass", "pass", "no"]


def test_runs_in_a_row_are_asked_for():
    assert outcomes([0.9, 0.9, 0.1, 0.9, 0.9, 0.9], windows=3) == ["pass"] * 5 + ["no"]


def test_after_a_training_there_is_a_rest():
    assert outcomes([0.9] * 6, cooldown=2) == ["no", "pass", "pass", "no", "pass", "pass"]


def test_another_reference_is_another_drift_after_the_same_rest():
    policy = DriftPolicy(cooldown=2)
    first = decide(State(), measured(0.9), policy, "a")
    second = decide(first.state, measured(0.9), policy, "b")
    assert (second.outcome, second.state.reference, second.state.rest) == ("pass", "b", 1)
    assert "2 more runs" in second.reasons[-1]


def test_too_few_rows_change_nothing():
    state = State("a", drifting=True, reached=4, rest=1)
    decision = decide(state, measured(None), DriftPolicy(), "a")
    assert (decision.outcome, decision.state) == ("unknown", state)
    assert decision.reasons == ("not enough rows to tell: fewer than 100 on a side of all rows",)


@given(
    shares=st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=30),
    enter=st.floats(0.1, 1),
    part=st.floats(0, 1),
    windows=st.integers(1, 4),
    cooldown=st.integers(0, 4),
)
def test_it_never_says_so_below_the_lower_limit_nor_during_a_rest(shares, enter, part, windows, cooldown):
    leave = enter * part
    found = outcomes(shares, enter=enter, leave=leave, windows=windows, cooldown=cooldown)
    said = [i for i, outcome in enumerate(found) if outcome == "no"]
    assert all(shares[i] is not None and shares[i] >= leave for i in said)
    known = [i for i, share in enumerate(shares) if share is not None]
    places = [known.index(i) for i in said]
    assert all(later - earlier > cooldown for earlier, later in itertools.pairwise(places))


@pytest.mark.parametrize("data", [{"other": 1}, {"reached": "1"}, {"drifting": 1}])
def test_a_state_that_is_none(data):
    with pytest.raises(CorruptStateError, match="state of drift"):
        State.from_dict(data)
