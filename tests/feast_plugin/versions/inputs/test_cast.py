"""What engines return, cast to what the contract promises: kinds that fit, and digits that must not be lost."""

import decimal

import pyarrow as pa
import pytest

from feast_plugin.versions.inputs.cast import cast_column, cast_label, cast_rule_column
from resampler.errors import ContractError, DataError

ONES = {
    "float": pa.array([1.0, None, float("nan")], pa.float64()),
    "single": pa.array([1.0, None, 0.0], pa.float32()),
    "whole": pa.array([1, None, 0], pa.int32()),
    "decimal": pa.array([decimal.Decimal(1), None, decimal.Decimal(0)], pa.decimal128(5)),
    "boolean": pa.array([True, None, False]),
    "text": pa.array(["a", None, ""], pa.large_string()),
    "list": pa.array([[1.0], None, []], pa.large_list(pa.float64())),
    "time": pa.array([1, None, 0], pa.timestamp("us")),
}
FITS = {
    pa.float32(): {"float", "single", "whole", "decimal"},
    pa.float64(): {"float", "single", "whole", "decimal"},
    pa.int32(): {"float", "single", "whole", "decimal", "boolean"},
    pa.int64(): {"float", "single", "whole", "decimal", "boolean"},
    pa.bool_(): {"float", "single", "whole", "boolean"},
    pa.string(): {"text"},
    pa.list_(pa.float32()): {"list"},
}


@pytest.mark.parametrize(("kind", "encoded"), [(kind, way) for kind in ONES for way in sorted({False, kind != "list"})])
@pytest.mark.parametrize("to", FITS, ids=str)
def test_a_column_is_cast_to_what_it_can_mean(to, kind, encoded):
    column = pa.chunked_array([ONES[kind]])
    given = column.dictionary_encode() if encoded else column
    if kind not in FITS[to]:
        with pytest.raises(ContractError, match=f"column 'c' must be {to} by the contract, the data is"):
            cast_column("c", given, to)
        return
    cast = cast_column("c", given, to)
    assert cast.type == to
    want = [None if value is None or value != value else value for value in column.to_pylist()]  # NaN is null
    assert cast.to_pylist() == want


def test_nulls_are_nulls_of_any_type():
    for to in FITS:
        assert cast_column("c", pa.chunked_array([pa.nulls(2)]), to).to_pylist() == [None, None]


def test_what_would_lose_digits_is_refused():
    assert cast_column("c", pa.chunked_array([[0.1]]), pa.float32()).type == pa.float32()
    with pytest.raises(ContractError, match="from 9007199254740992 on digits are lost"):
        cast_column("c", pa.chunked_array([[2.0**53, None]]), pa.int64())
    with pytest.raises(ContractError, match="by the contract: "):
        cast_column("c", pa.chunked_array([[1.5]]), pa.int64())
    with pytest.raises(ContractError, match="numbers other than 0 and 1"):
        cast_column("c", pa.chunked_array([[2]]), pa.bool_())


def test_a_label_that_nobody_promised_keeps_its_kind():
    stored = {"whole": pa.int64(), "float": pa.int64(), "boolean": pa.bool_(), "text": pa.string()}
    for kind, to in stored.items():
        assert cast_label("y", pa.chunked_array([ONES[kind]])).type == to
    assert cast_label("y", pa.chunked_array([ONES["whole"]]), pa.bool_()).type == pa.bool_()
    assert cast_label("y", pa.chunked_array([ONES["whole"]]), pa.float64()).type == pa.int64()
    with pytest.raises(ContractError, match="column 'y' must be int64"):
        cast_label("y", pa.chunked_array([ONES["time"]]))


def test_a_split_is_ruled_by_whole_numbers_booleans_or_text():
    for kind in ("whole", "boolean"):
        column = pa.chunked_array([ONES[kind]])
        assert cast_rule_column("s", column) is column
    assert cast_rule_column("s", pa.chunked_array([ONES["text"].dictionary_encode()])).type == pa.string()
    with pytest.raises(DataError, match="split column 's' must be integer, boolean or string, got double"):
        cast_rule_column("s", pa.chunked_array([ONES["float"]]))
