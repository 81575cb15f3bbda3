"""Rows as a matrix and back: any columns, in any order, under any names."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feast_plugin.versions.inputs.contract import Contract, StoredFeature
from feast_plugin.versions.making.matrix import decode, encode, wide_columns
from resampler.errors import ContractError
from resampler.schema import Label

SINGLE = st.floats(width=32, allow_nan=False, allow_infinity=False)
VALUES = {
    "float32": SINGLE,
    "float64": st.floats(allow_nan=False, allow_infinity=False),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**53), 2**53),
    "bool": st.booleans(),
    "string": st.text(max_size=4),
}
# An element of an array, its unit, and another column that only begins like it.
NAMES = ("x", "x[cm]", "x[0]", "x[7]", "x[", "xy")


@st.composite
def tables(draw):
    """Rows of some columns, and what they are."""
    n = draw(st.integers(1, 12))
    features, columns = [], {}
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1)):
        dtype = draw(st.sampled_from(list(VALUES)))
        array = name == "x" and dtype not in ("bool", "string")
        categorical = not array and (dtype == "string" or (not dtype.startswith("float") and draw(st.booleans())))
        feature = StoredFeature(f"view:{name}", name, dtype, categorical, array)
        width = draw(st.integers(1, 7)) if array else None
        value = st.lists(VALUES[dtype], min_size=width, max_size=width) if array else VALUES[dtype]
        columns[name] = pa.array(draw(st.lists(value, min_size=n, max_size=n)), feature.arrow_type)
        features.append(feature)
    return Contract(tuple(features), "y", "resampler:y", {}), pa.table(columns)


@given(tables())
def test_rows_come_back_from_their_matrix(made):
    contract, table = made
    measured = contract.measured(table)
    matrix, vocabularies = encode(table, measured)
    assert matrix.shape == (table.num_rows, measured.width)
    assert decode(matrix, measured, vocabularies).to_pydict() == table.to_pydict()
    assert not wide_columns(table, measured)
    names = [feature.name for c in measured.columns for feature in c.elements()]
    if len(set(names)) == len(names):
        assert measured.feature_schema(Label("y")).names == tuple(names)
        assert len(names) == measured.width
    else:
        with pytest.raises(ContractError, match="column names must be distinct"):
            measured.feature_schema(Label("y"))
    assert Contract.from_dict(contract.to_dict()) == contract
    assert measured.to_dict() == contract.to_dict()


def test_a_null_is_nan_and_arrays_are_measured_without_it():
    contract = Contract((StoredFeature("v:x", "x", "float32", array=True),), "y", "resampler:y", {})
    table = pa.table({"x": pa.array([None, [1, 2], [3, 4]], pa.list_(pa.float32()))})
    np.testing.assert_array_equal(encode(table, contract.measured(table))[0], [[np.nan, np.nan], [1, 2], [3, 4]])
    with pytest.raises(ContractError, match="v:x must be measured on rows"):
        encode(table, contract)
    for uneven in ([[1], [1, 2]], [[], []], [None, None]):
        with pytest.raises(ContractError, match="array feature v:x must have one length in every row"):
            contract.measured(pa.table({"x": pa.array(uneven, pa.list_(pa.float32()))}))


def test_integers_beyond_a_double_are_found_with_their_place():
    features = (
        StoredFeature("v:a", "a", "int64"),
        StoredFeature("v:x", "x", "int64", array=True),
        StoredFeature("v:x[cm]", "x[cm]", "int64"),
        StoredFeature("v:c", "c", "int64", categorical=True),
    )
    wide = 2**53 + 1
    table = pa.table({"a": [1, 2], "x": [[1, wide], [3, 4]], "x[cm]": [wide, wide + 2], "c": [wide, 0]})
    contract = Contract(features, "y", "resampler:y", {}).measured(table)
    assert [(c.name, span) for c, span in wide_columns(table, contract)] == [("x", slice(1, 3)), ("x[cm]", slice(3, 4))]
    assert encode(table, contract)[0][:, 3].tolist() == [0, 2]
