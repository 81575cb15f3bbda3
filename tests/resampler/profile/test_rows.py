"""Later rows are counted as the reference was, and what cannot be is refused in a line."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from profiles import reference_of

from resampler.errors import DataError
from resampler.profile.cells import Cells
from resampler.profile.profile import Profile
from resampler.profile.profiler import Profiler
from resampler.profile.rows import SPLIT, RowCounter

N = 300


@pytest.fixture
def columns():
    rng = np.random.default_rng(0)
    return {
        "amount": pa.array(rng.normal(size=N)),
        "visits": pa.array(rng.integers(0, 9, N)),
        "night": pa.array(rng.random(N) < 0.5),
        "country": pa.array(rng.choice(["a", "b"], N)),
    }


def counted(reference, columns, **options):
    counter = RowCounter(reference, "file 'x'", **options)
    counter.add(pa.table(columns))
    return counter


def total(profile, name):
    return profile.counts(name, SPLIT, synthetic=False)


def test_counts_are_those_of_the_reference_in_any_order_and_type(columns):
    reference = reference_of(columns)
    others = {
        "country": columns["country"].dictionary_encode(),
        "extra": pa.nulls(N),
        "night": columns["night"].cast(pa.int8()),
        "visits": columns["visits"].cast(pa.decimal128(24, 2)),
        "amount": columns["amount"],
    }
    for rows in (columns, others, others | {"country": columns["country"].cast(pa.large_string())}):
        profile = counted(reference, rows).profile()
        for name in columns:
            assert total(profile, name).tolist() == reference.counts(name, "train", synthetic=False).tolist()


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("amount", pa.array(["1"] * N), "'amount' is a number in the reference, got string"),
        ("amount", pa.array([[1.0]] * N), "'amount' is a number in the reference, got list"),
        ("amount", pa.array([0] * N, pa.timestamp("us")), "'amount' is a number in the reference, got timestamp"),
        ("amount", pa.array([{"a": 1}] * N), "'amount' is a number in the reference, got struct"),
        ("country", pa.array([1] * N), "'country' has categories such as 'a', 'b' in the reference, got int64"),
        ("country", None, "has no column 'country', which the reference has"),
    ],
)
def test_what_cannot_be_compared_is_named(columns, name, values, words):
    reference = reference_of(columns)
    rows = {key: value for key, value in columns.items() if key != name}
    with pytest.raises(DataError, match=f"^file 'x'.*{words}") as refused:
        counted(reference, rows if values is None else rows | {name: values})
    assert "--ignore" in str(refused.value)
    counted(reference, rows, ignore=[name])


@pytest.mark.parametrize(
    "values",
    [
        pa.nulls(N),
        pa.array([2**63] * N, pa.uint64()),
        pa.array([np.inf, -np.inf, np.nan] * (N // 3)),
        pa.array([7.0] * N),
        pa.array([None] * N, pa.float32()),
    ],
)
def test_whatever_a_number_may_be_is_counted(columns, values):
    reference = reference_of(columns)
    profile = counted(reference, columns | {"amount": values}).profile()
    assert total(profile, "amount").sum() == N
    assert total(profile, "amount")[-1] == np.count_nonzero(
        np.isnan(values.cast(pa.float64(), safe=False).to_numpy(False))
    )


def test_new_categories_are_others_and_nulls_are_nulls(columns):
    reference = reference_of(columns)
    for values, wanted in (
        (pa.array(["z"] * N), [0, 0, N, 0]),
        (pa.nulls(N), [0, 0, 0, N]),
        (pa.array([""] * N), [0, 0, N, 0]),
    ):
        assert total(counted(reference, columns | {"country": values}).profile(), "country").tolist() == wanted


def test_integer_categories_may_come_as_doubles_with_nulls():
    codes = pa.array([3, 5] * 50)
    cells = reference_of({"x": np.arange(100.0)}).cells
    reference = Profile(cells | {"code": Cells.fitted(pa.chunked_array([codes]), categorical=True)}, ())
    rows = {"x": np.arange(4.0), "code": pa.array([3.0, None, 5.0, 4.0])}
    assert total(counted(reference, rows).profile(), "code").tolist() == [1, 1, 1, 1]
    with pytest.raises(DataError, match="categories such as 3, 5"):
        counted(reference, rows | {"code": pa.array([3.5] * 4)})


def test_arrays_are_counted_by_their_length():
    vectors = pa.array([[3.0, 4.0], [6.0, 8.0], [0.0, 0.0]] * 40)
    table = pa.table({"v": vectors, "y": pa.array([0] * 120), "s": pa.array([False] * 120)})
    profiler = Profiler({"v": Cells.fitted(table["v"], categorical=False)}, "y", "s")
    profiler.add("train", table)
    reference = profiler.profile()
    for kind in (pa.list_(pa.float32(), 2), pa.large_list(pa.float64()), pa.list_(pa.int64())):
        found = total(counted(reference, {"v": vectors.cast(kind)}, arrays={"v"}).profile(), "v")
        assert found.tolist() == reference.counts("v", "train", synthetic=False).tolist()
    for values, words in (
        (pa.array([[1.0], [1.0, 2.0]]), "must be of one length"),
        (pa.array([1.0]), "'v' is an array of numbers in the reference, got double"),
        (pa.array([["a"]]), "'v' is a number in the reference, got list"),
    ):
        with pytest.raises(DataError, match=words):
            counted(reference, {"v": values}, arrays={"v"})


def test_synthetic_rows_are_left_out(columns):
    reference = reference_of(columns)
    marks = pa.array([True, False, None] * (N // 3))
    counter = counted(reference, columns | {"is_synthetic": marks}, synthetic="is_synthetic")
    assert counter.left_out == N // 3
    assert total(counter.profile(), "amount").sum() == N - N // 3
    with pytest.raises(DataError, match="'is_synthetic' must say of each row"):
        counted(reference, columns | {"is_synthetic": pa.array(["perhaps"] * N)}, synthetic="is_synthetic")


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (pa.array([0, 1] * (N // 2)), {"0", "1"}),
        (pa.array([False, True] * (N // 2)), {"0", "1"}),
        (pa.array([0.0, None, 1.0] * (N // 3)), {"0", "", "1"}),
        (pa.array(["x", None] * (N // 2)).dictionary_encode(), {"x", ""}),
        (pa.nulls(N), {""}),
    ],
)
def test_classes_are_named_as_in_a_manifest(columns, values, classes):
    profile = counted(reference_of(columns), columns | {"y": values}, label="y").profile()
    assert {part.label for part in profile.parts} == classes


def test_a_label_that_is_no_class(columns):
    with pytest.raises(DataError, match="label 'y' must be a class, got numbers that are no integers"):
        counted(reference_of(columns), columns | {"y": pa.array([0.5] * N)}, label="y")
    with pytest.raises(DataError, match="label 'y' must be a class, got list"):
        counted(reference_of(columns), columns | {"y": pa.array([[1]] * N)}, label="y")


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.list_(pa.float32(), 3), pa.large_list(pa.float64())])
def test_arrays_that_are_all_null(kind):
    arrays = pa.array([[1.0, 2.0, 2.0], None, [0.0, 3.0, 4.0]] * 20, pa.list_(pa.float64()))
    profile = counted(reference_of({"v": arrays}), {"v": pa.nulls(60, kind)}, arrays={"v"}).profile()
    assert total(profile, "v").tolist()[-1] == 60


def test_an_identity_is_no_class(columns):
    reference = reference_of(columns)
    counter = counted(reference, columns | {"y": pa.array(np.arange(N) % 90 + 2)}, label="y")
    assert len(counter.profile().parts) == 90
    with pytest.raises(DataError, match="label 'y' must be a class, and has more than 100 values that the reference"):
        counter.add(pa.table(columns | {"y": pa.array(np.arange(N) % 90 + 200)}))


def test_no_row_is_no_part(columns):
    counter = counted(reference_of(columns), {name: values[:0] for name, values in columns.items()})
    assert counter.profile().parts == ()
