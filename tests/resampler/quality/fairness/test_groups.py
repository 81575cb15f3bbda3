"""Ranges of numbers hold about equally many rows and name their ends."""

import numpy as np
import pyarrow as pa
import pytest

from resampler.errors import InvalidInputError
from resampler.quality.fairness import Groups, ranges


def test_ranges_hold_equally_many_rows_and_nulls_stay():
    found = ranges([*range(100), None, np.nan])
    counts = {one["values"]: one["counts"] for one in found.value_counts().to_pylist()}
    assert counts == {"[0, 19)": 19, "[19, 39)": 20, "[39, 59)": 20, "[59, 79)": 20, "[79, 99]": 21, None: 2}
    assert ranges([7, 7, 7]).to_pylist() == ["7"] * 3
    assert ranges([np.nan]).to_pylist() == [None]
    assert set(ranges(np.repeat([0, 1], [90, 10]), 4).to_pylist()) == {"[0, 1]"}
    with pytest.raises(InvalidInputError, match="ranges are of numbers, got a column of string"):
        ranges(["a"])
    with pytest.raises(InvalidInputError, match="n_ranges must be at least 1"):
        ranges([1], 0)


@pytest.mark.parametrize(
    "column",
    [
        ["b", "a", None, "b"],
        np.array(["b", "a", None, "b"], dtype=object),
        pa.chunked_array([["b", "a"], [None, "b"]]),
        pa.array(["b", "a", None, "b"]).dictionary_encode(),
    ],
)
def test_groups_are_sorted_and_null_is_last(column):
    groups = Groups.of({"g": column})
    assert groups.values == (("a",), ("b",), (None,))
    assert groups.codes.tolist() == [1, 0, 2, 1]


def test_numbers_dates_and_flags_are_values():
    flags = Groups.of({"g": [True, False, True]})
    assert flags.values == ((False,), (True,))
    floats = Groups.of({"g": [1.5, np.nan, 0.5]})
    assert floats.values == ((0.5,), (1.5,), (None,))
    dates = Groups.of({"g": np.array(["2024-01-02", "2024-01-01"], dtype="datetime64[D]")})
    assert dates.word(0) == "g=2024-01-01"


def test_rows_without_a_value_and_rows_that_say_null_have_two_names():
    groups = Groups.of({"g": ["null", None, "(null)"], "h": [1, None, 2]})
    assert [groups.word(at) for at in range(3)] == ["g=(null), h=2", "g=null, h=1", "g=((null)), h=null"]
