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


def test_values_of_files_break_no_line_and_command_no_terminal():
    assert aligned([["a\nb\x1b[31m", "é"]]) == [r"a\nb\x1b[31m  é"]
