"""Values to codes and back, for every dtype and every kind of column."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resampler import ContractError
from resampler.columns import CATEGORICAL, LABEL, NUMERIC, Column
from resampler.dtypes import BOOLEAN, DTYPES, FLOAT, INTEGER, LABEL_DTYPES, TEXT, dtype_for, family_of
from resampler.grids import Grid

SINGLE = st.floats(width=32, allow_nan=False, allow_infinity=False)


def _lists(dtype):
    of = st.text(max_size=6) if DTYPES[dtype].family == TEXT else st.integers(-(2**63), 2**63 - 1)
    return st.lists(of, unique=True, min_size=1, max_size=6).map(tuple)


@st.composite
def columns(draw):
    """Any column that a contract may have."""
    kind = draw(st.sampled_from([NUMERIC, CATEGORICAL, LABEL]))
    names = LABEL_DTYPES if kind == LABEL else [n for n, d in DTYPES.items() if kind == CATEGORICAL or d.family != TEXT]
    dtype = draw(st.sampled_from(names))
    listed = kind != NUMERIC and (DTYPES[dtype].family == TEXT or draw(st.booleans()))
    return Column("c", dtype, kind, draw(_lists(dtype)) if listed else ())


def _values(column):
    if column.values:
        return st.sampled_from(column.values)
    if column.type.family == FLOAT:
        return SINGLE
    lowest, highest = column.bounds
    # Others are rounded: see below.
    single = 2**63 if column.kind == LABEL else 2**24
    return st.integers(max(lowest, -single), min(highest, single))


@given(column=columns(), data=st.data())
def test_values_come_back_from_their_codes_and_a_null_has_none(column, data):
    values = data.draw(st.lists(st.one_of(st.none(), _values(column)), max_size=20))
    own = column.type.arrow_type if not column.values else column.arrow_type
    codes, known = column.to_code(pa.array([None if v is None else own_value(own, v) for v in values], own))
    assert codes.dtype == column.numpy_dtype
    assert known.tolist() == [v is not None for v in values]
    assert not codes[~known].any()
    assert column.are_codes(codes[known]).all()
    back = column.to_value(codes[known])
    assert back.type == column.arrow_type
    assert back.to_pylist() == [v for v in values if v is not None]
    chunks = pa.chunked_array([pa.array([own_value(own, v)], own) for v in values if v is not None], own)
    assert column.to_code(chunks)[0].tolist() == codes[known].tolist()


def own_value(arrow_type, value):
    return bool(value) if pa.types.is_boolean(arrow_type) else value


@given(column=columns(), data=st.data())
def test_what_is_listed_or_within_bounds_is_known_and_nothing_else(column, data):
    if column.closed and column.type.family == TEXT:
        values = data.draw(st.lists(st.one_of(st.text(max_size=2), st.sampled_from(column.values)), max_size=20))
        own, want = pa.string(), [v in column.values for v in values]
    elif column.closed:
        near = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from(column.values))
        values = data.draw(st.lists(near, max_size=20))
        own, want = pa.int64(), [v in column.values for v in values]
    elif column.kind == LABEL:
        values = data.draw(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
        own, want = pa.int64(), [True] * len(values)
    else:
        values = data.draw(st.lists(st.floats(), max_size=20))
        own, want = pa.float64(), [_fits(column, v) for v in values]
    codes, known = column.to_code(pa.array(values, own))
    assert known.tolist() == want
    assert column.are_codes(codes[known]).all()


def _fits(column, value):
    with np.errstate(over="ignore"):
        if not np.isfinite(np.float32(value)):
            return False
    return column.bounds is None or (value.is_integer() and column.bounds[0] <= value <= column.bounds[1])


@given(dtype=st.sampled_from([n for n, d in DTYPES.items() if d.family == INTEGER]), data=st.data())
def test_integers_that_float32_does_not_hold_become_the_nearest_which_rows_may_hold(dtype, data):
    column = Column("c", dtype)
    value = data.draw(st.integers(*column.bounds))
    (code,), (known,) = column.to_code(pa.array([value], dtype))
    assert known
    assert code == np.float32(np.float64(value)) == column.to_value(np.array([code]))[0].as_py()
    assert column.are_codes(np.array([code])).all()
    assert column.exact_in_float32 == all(float(np.float32(v)) == v for v in column.bounds)
    assert column.type.exact_in_float64 == all(int(float(v)) == v for v in column.bounds)


@given(column=columns().filter(lambda column: column.values), data=st.data())
def test_a_code_of_no_value_is_refused_by_name(column, data):
    strange = data.draw(st.integers(-(2**63), 2**63 - 1))
    assume(strange not in column.codes)
    with pytest.raises(ContractError, match=rf"'c': code {strange} stands for none of the {len(column.values)} values"):
        column.to_value(np.array([column.codes[0], strange]))
    assert column.are_codes(np.array([column.codes[0], strange])).tolist() == [True, False]
    with pytest.raises(ContractError, match="code nan stands for none"):
        column.to_value(np.array([np.nan], dtype=np.float32))


@given(column=columns())
def test_words_are_the_texts_of_listed_values_and_of_booleans(column):
    if column.values:
        assert list(column.words) == [str(value).encode() for value in column.values]
        assert tuple(column.words.values()) == column.codes
    elif column.type.family == BOOLEAN:
        assert set(column.words.values()) == {0, 1}
    else:
        assert column.words is None


def test_codes_are_places_but_for_an_integer_label():
    assert Column("c", "int64", CATEGORICAL, (36, 40)).codes == (0, 1)
    assert Column("c", "string", LABEL, ("good", "bad")).codes == (0, 1)
    assert Column("c", "int64", LABEL, (7, -3)).codes == (7, -3)
    assert Column("c", "int64", LABEL, (7, -3)).bounds == (-3, 7)
    assert Column("c", "int64", LABEL, (7, -3)).are_codes(np.array([-3, 0, 7])).tolist() == [True, False, True]


def test_bounds_are_those_of_what_rows_hold():
    assert Column("c").bounds is None
    assert Column("c", "bool").bounds == (0, 1)
    assert Column("c", "int8").bounds == (-128, 127)
    assert Column("c", "int64", CATEGORICAL).bounds == (-(2**24), 2**24)
    assert Column("c", "int16", CATEGORICAL).bounds == (-(2**15), 2**15 - 1)
    assert Column("c", "string", CATEGORICAL, ("a", "b", "c")).bounds == (0, 2)
    nothing = Column("c", "string", CATEGORICAL)
    assert (nothing.closed, nothing.words) == (True, {})
    assert not nothing.are_codes(np.arange(-2, 3)).any()
    assert nothing.to_code(pa.array(["a", None]))[1].tolist() == [False, False]


def test_a_null_is_a_value_of_a_nullable_column_only():
    for dtype, kind, values in (("float32", NUMERIC, ()), ("int8", NUMERIC, ()), ("string", CATEGORICAL, ("a", "b"))):
        given_ = pa.array(["a", None, "b"]) if values else pa.array([0, None, 1], pa.int8())
        codes, known = Column("c", dtype, kind, values).to_code(given_)
        assert (codes.tolist(), known.tolist()) == ([0, 0, 1], [True, False, True])
        nullable = Column("c", dtype, kind, values, nulls="inherit")
        codes, known = nullable.to_code(given_)
        np.testing.assert_array_equal(codes, [0, np.nan, 1])
        assert known.all()
        assert nullable.are_codes(codes).all()
        assert not nullable.are_codes(np.array([np.inf])).any()
        assert nullable.to_value(codes).to_pylist() == given_.to_pylist()
        assert nullable.to_value(codes).type == nullable.arrow_type


def test_every_dtype_has_one_name_in_numpy_and_arrow():
    for name, dtype in DTYPES.items():
        assert dtype.numpy_dtype == (object if dtype.family == TEXT else name)
        assert dtype.arrow_type == (pa.string() if dtype.family == TEXT else pa.from_numpy_dtype(dtype.numpy_dtype))


def test_arrow_types_have_the_family_of_their_dtype():
    for dtype in DTYPES.values():
        assert family_of(dtype.arrow_type) == dtype.family
        assert family_of(pa.dictionary(pa.int8(), dtype.arrow_type)) == dtype.family
    assert family_of(pa.large_string()) == family_of(pa.string_view()) == TEXT
    assert family_of(pa.uint64()) == INTEGER
    for other in (pa.null(), pa.timestamp("us"), pa.list_(pa.int8()), pa.decimal128(5), pa.binary()):
        assert family_of(other) is None


def test_a_type_is_held_by_the_narrowest_dtype_that_is_wide_enough():
    for dtype in DTYPES.values():
        assert dtype_for(dtype.arrow_type) == dtype
    wide = ("float32", "float64", "int32", "int64", "string")
    held = {
        pa.int8(): "int32", pa.uint8(): "int32", pa.uint16(): "int32", pa.uint32(): "int64", pa.float16(): "float32",
        pa.float64(): "float64", pa.large_string(): "string", pa.dictionary(pa.int8(), pa.string()): "string",
    }  # fmt: skip
    for arrow_type, name in held.items():
        assert dtype_for(arrow_type, wide) == DTYPES[name]
    for arrow_type in (pa.uint64(), pa.bool_(), pa.timestamp("us"), pa.list_(pa.int8())):
        assert dtype_for(arrow_type, wide) is None


def test_a_type_that_does_not_cast_is_refused_by_name():
    with pytest.raises(ContractError, match="column 'c' must be readable as double"):
        Column("c").to_code(pa.array(["1", "one"]))
    with pytest.raises(ContractError, match="column 'c' must be readable as int64"):
        Column("c", "int64", LABEL).to_code(pa.array([1.5]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Column(""), "feature name must be a non-empty string"),
        (lambda: Column("", "int64", LABEL), "label name must be a non-empty string"),
        (lambda: Column("c", ["int8"]), "feature 'c': dtype must be one of"),
        (lambda: Column("c", "int8", "ordinal"), "kind must be numeric, categorical or label, got 'ordinal'"),
        (lambda: Column("c", nulls="zero"), r"nulls must be one of \('refuse', 'inherit'\), got 'zero'"),
        (lambda: Column("c", "int64", LABEL, nulls="inherit"), "label 'c': nulls must be 'refuse', got 'inherit'"),
        (lambda: Column("c", "int64", CATEGORICAL, grid=Grid(1.0)), r"grid is for numbers, got Grid\(step=1.0"),
        (lambda: Column("c", "int8", grid=Grid(low=300)), r"grid must lie in \[-128, 127\], as 'int8' does, got Grid"),
        (lambda: Column("c", "int8", grid=Grid(0.5)), "grid must be of whole numbers for dtype 'int8', got Grid"),
        (lambda: Column("c", "int64", CATEGORICAL, (True,)), "categories must be of the column's dtype"),
    ],
)
def test_what_is_wrong_is_named(make, message):
    with pytest.raises(ContractError, match=message):
        make()
