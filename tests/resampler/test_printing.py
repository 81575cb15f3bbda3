"""Words in columns."""

from resampler.printing import aligned, share


def test_numbers_end_at_one_place_and_no_share_is_written_as_nothing():
    assert aligned([["a", "1,200"], ["bb", "7"]], ("name", "rows"), right=("rows",)) == [
        "name   rows",
        "a     1,200",
        "bb        7",
    ]
    assert aligned([]) == []
    assert [share(x) for x in (0, 0.00001, 0.5, 0.99999, 1)] == ["0.0 %", "0.001 %", "50.0 %", "99.999 %", "100.0 %"]
