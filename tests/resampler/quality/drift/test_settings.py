"""The table [drift] of a policy."""

import pytest

from resampler.errors import InvalidInputError
from resampler.policy import policy_of
from resampler.quality.drift.settings import DriftPolicy


def test_a_table_is_read():
    table = {"enter": 0.4, "leave": 0.2, "min-rows": 50, "ignore": ["a"], "importance": {"b": 2}}
    found = policy_of({"drift": table}).record("drift", DriftPolicy)
    assert (found.enter, found.min_rows, found.ignore, found.importance) == (0.4, 50, ("a",), {"b": 2.0})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"enter": 0.2}, "leave must be at most enter"),
        ({"enter": 0}, "enter must be a number"),
        ({"windows": 0}, "windows must be an integer of at least 1"),
        ({"alpha": "x"}, "alpha must be a number"),
        ({"importance": 3}, "importance must be a table of weights"),
        ({"importance": {}}, "importance must be a table of weights"),
        ({"importance": {"a": -1}}, "importance of 'a' must be a number of 0 or more"),
        ({"importance": {"a": float("nan")}}, "importance of 'a' must be a number"),
        ({"importance": {"a": 0}}, "a weight above 0"),
        ({"ignore": "a"}, "ignore must be a list"),
        ({"ignore": [1]}, "ignore must be a list"),
        ({"exit": 1}, "no setting 'exit'"),
    ],
)
def test_what_is_no_policy(table, words):
    with pytest.raises(InvalidInputError, match=words):
        policy_of({"drift": table}).record("drift", DriftPolicy)
