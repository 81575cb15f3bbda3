"""What a caller gets wrong at the engine's boundary is refused before anything changes."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from resampler import ContractError, Feature, FeatureSchema, InvalidInputError, Label, MinorityBuffer, OnlineResampler
from resampler.layout import as_kernel_array

SCHEMA = FeatureSchema((Feature("age", "int8"), Feature("gold", "bool"), Feature("amount")), Label("y"))


@pytest.mark.parametrize("scale", [[1e-40, 1], [1e39, 1], [0, 1], [np.nan, 1], [1], "ab"])
def test_a_scale_that_float32_cannot_invert_is_refused(scale):
    with pytest.raises(InvalidInputError, match="scale must be 2 values from 1e-30 to 1e"):
        MinorityBuffer(2, 50, 3, scale=scale)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_table_must_have_the_contract_s_columns_in_its_order(make):
    resampler = OnlineResampler(SCHEMA)
    good = {"age": [1], "gold": [1], "amount": [0.5]}
    for names in (["gold", "age", "amount"], ["age", "gold", "q"]):
        with pytest.raises(ContractError, match=r"X must have the columns age, gold, amount in this order, got"):
            resampler.process(make({name: [1] for name in names}), [0], [0])
    if make is not pa.table:  # NumPy reads no Arrow table as a matrix
        assert resampler.process(make(good), [0], [0]).X.tolist() == [[1, 1, 0.5]]


@pytest.mark.parametrize(("j", "value"), [(0, 300), (0, 1.5), (0, -129), (1, 2), (1, 0.5), (1, -1)])
def test_whole_numbers_stay_what_the_contract_says(j, value):
    row = [1, 1, 0.5]
    row[j] = value
    resampler = OnlineResampler(SCHEMA)
    with pytest.raises(
        ContractError, match=rf"feature '{SCHEMA.names[j]}' must be a whole number from .*, got .* row 0"
    ):
        resampler.process([row], [0], [0])
    assert not resampler.stats().real


def test_a_batch_is_named_by_a_schema_of_its_own_width():
    batch = OnlineResampler(FeatureSchema.numeric(["a", "b"])).process([[1, 2]], [0], [0])
    for names in (["a"], ["a", "b", "c"]):
        with pytest.raises(ContractError, match="the batch's 2 features"):
            batch.to_arrow(FeatureSchema.numeric(names))


@pytest.mark.parametrize(
    "call",
    [
        lambda b: b.discard([1.9]),
        lambda b: b.discard([True]),
        lambda b: b.discard(["3"]),
        lambda b: b.discard([[1, 2]]),
        lambda b: b.discard([[1], [1, 2]]),
        lambda b: b.discard(None),
        lambda b: b.evict(1.5),
        lambda b: b.evict(True),
        lambda b: b.evict(11),
        lambda b: b.sample(1.5, 1),
        lambda b: b.sample(4, 1, start=-1),
        lambda b: b.sample(4, 1, start=2**63),
    ],
)
def test_no_row_leaves_by_a_number_that_is_none(call):
    buffer = MinorityBuffer(2, 50, 3)
    buffer.insert(np.c_[np.zeros(10), np.arange(10)], np.arange(10))
    with pytest.raises(InvalidInputError, match="must be"):
        call(buffer)
    assert len(buffer) == 10


@pytest.mark.parametrize("ids", [[True], [0.5], ["1"], [[1], [1, 2]]])
def test_nothing_is_forgotten_by_an_id_that_is_none(ids):
    resampler = OnlineResampler(FeatureSchema.numeric(["a"]))
    resampler.process([[1], [2]], [1, 1], [0, 1])
    with pytest.raises(InvalidInputError, match="row_ids must be a list of integers"):
        resampler.forget(ids)


def _views(rows):
    """Return the same rows in every layout but the kernels'."""
    shifted = np.frombuffer(b"\0" + rows.tobytes(), dtype=rows.dtype, offset=1).reshape(rows.shape)
    read_only = np.frombuffer(rows.tobytes(), dtype=rows.dtype).reshape(rows.shape)
    strided = np.repeat(rows, 2, axis=0)[::2]
    return [shifted, read_only, strided, np.asfortranarray(rows), rows.astype(rows.dtype.newbyteorder(">"))]


def test_arrays_enter_kernels_in_one_layout():
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    assert as_kernel_array(rows, np.float32) is rows
    for view in _views(rows):
        array = as_kernel_array(view, np.float32)
        flags = array.flags
        assert flags.c_contiguous
        assert flags.aligned
        assert flags.writeable
        assert array.dtype == np.float32
        assert array.dtype.isnative
        np.testing.assert_array_equal(array, rows)
