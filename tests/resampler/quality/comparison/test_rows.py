"""Tables as comparisons take them."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from resampler.errors import DataError, InvalidInputError
from resampler.quality.comparison.rows import Roles, Rows, class_named

N = 40


def table(**more):
    rng = np.random.default_rng(0)
    columns = {
        "id": [f"c{i}" for i in range(N)],
        "number": np.arange(N)[::-1],
        "who": np.arange(N) % 7,
        "at": pa.array(np.datetime64("2024-01-01", "us") + np.arange(N).astype("timedelta64[h]")),
        "amount": pa.array([None, *rng.normal(size=N - 1)], pa.float32()),
        "country": pa.array([None, *np.resize(["FR", "CH", "DE"], N - 1)]),
        "night": np.arange(N) % 3 == 0,
        "kind": np.arange(N) % 4 + 5,
        "emb": pa.array([None, *rng.normal(size=(N - 1, 2)).tolist()], pa.list_(pa.float32())),
        "empty": pa.nulls(N, pa.float64()),
        "y": np.arange(N) % 5 == 0,
    }
    return pa.table(columns | more)


def test_columns_become_numbers_and_codes():
    rows = Rows.of(table(), Roles("y", categorical=("kind",), group="who", time="at"))
    assert rows.names == ("amount", "country", "night", "kind", "emb[0]", "emb[1]")
    assert rows.categorical.tolist() == [False, True, True, True, False, False]
    assert np.isnan(rows.X[0, [0, 1, 4, 5]]).all()
    assert not np.isnan(rows.X[1:]).any()
    assert rows.X[1:4, 1].tolist() == [2, 0, 1]  # CH, DE, FR
    assert rows.X[:4, 3].tolist() == [0, 1, 2, 3]
    assert (np.diff(rows.times) == 3_600_000_000).all()
    assert rows.groups.tolist() == (np.arange(N) % 7).tolist()
    assert rows.y.dtype == np.bool_
    assert [note.split("'")[1] for note in rows.notes] == ["id", "number", "empty"]


def test_features_that_are_named_are_all_taken():
    rows = Rows.of(table(), Roles("y", features=("number", "id")))
    assert rows.names == ("number", "id")
    assert len(np.unique(rows.X[:, 1])) == N
    assert not rows.notes
    assert "number" not in Rows.of(table(), Roles("y", drop=("number", "at"), features=("who",))).names


def test_codes_do_not_depend_on_the_order_or_the_encoding():
    one = table()
    reverse = one.take(np.arange(N)[::-1])
    coded = one.set_column(5, "country", one["country"].dictionary_encode())
    roles = Roles("y", features=("country",))
    want = Rows.of(one, roles).X
    np.testing.assert_array_equal(Rows.of(reverse, roles).X[::-1], want)
    np.testing.assert_array_equal(Rows.of(coded, roles).X, want)


@pytest.mark.parametrize(
    ("labels", "kind", "named", "meant"),
    [
        ([1.0, 0.0] * 20, np.int64, "1", 1),
        (["a", "b"] * 20, np.str_, "b", "b"),
        ([True, False] * 20, np.bool_, "true", True),
        ([True, False] * 20, np.bool_, "0", False),
        (pa.array(["a", "b"] * 20).dictionary_encode(), np.str_, "a", "a"),
    ],
)
def test_labels_of_any_type(labels, kind, named, meant):
    rows = Rows.of(table(y=labels), Roles("y", features=("amount",)))
    assert rows.y.dtype.type is kind
    assert class_named(rows.y, named) == meant
    with pytest.raises(DataError, match="--positive 'c' is no class of these rows: have"):
        class_named(rows.y, "c")


def test_dates_and_whole_numbers_are_times():
    days = [date(2024, 1, 1 + i % 28) for i in range(N)]
    rows = Rows.of(table(at=days), Roles("y", features=("amount",), time="at"))
    assert np.unique(np.diff(rows.times)).tolist() == [-27 * 86_400_000_000, 86_400_000_000]
    assert Rows.of(table(), Roles("y", features=("amount",), time="number")).times[0] == N - 1


@pytest.mark.parametrize(
    ("more", "roles", "said"),
    [
        ({}, {}, "column 'at' has type timestamp.us., which no model reads: say that it is the time"),
        ({"y": [None, *[1] * (N - 1)]}, {"drop": ("at",)}, "label 'y' is null in 1 of 40 rows"),
        ({"y": np.linspace(0, 1, N)}, {"drop": ("at",)}, "label 'y' has type double: a class is a whole number"),
        ({"amount": [np.inf] * N}, {"drop": ("at",)}, "column 'amount' must be finite, got an infinite value in row 0"),
        ({"emb": [[1.0]] + [[1.0, 2.0]] * (N - 1)}, {"drop": ("at",)}, "'emb' must have one length in every row"),
        ({"emb": [["a"]] * N}, {"drop": ("at",)}, "'emb' has type list"),
        ({}, {"drop": ("at",), "categorical": ("amount",)}, "column 'amount' is float; a categorical one"),
        ({}, {"group": "country", "drop": ("at",)}, "group 'country' is null in 1 rows"),
        ({}, {"group": "night", "time": "amount", "drop": ("at",)}, "time 'amount' is null in 1 rows"),
        ({}, {"time": "id", "drop": ("at",)}, "time 'id' has type string: cast it to a timestamp"),
        ({}, {"group": "emb", "drop": ("at",)}, "group 'emb' is null"),
        ({}, {"features": ("nothing",)}, "--features names column 'nothing'; the rows have id, number"),
        ({}, {"time": "nothing"}, "--time names column 'nothing'"),
        ({}, {"features": ("empty",), "drop": ("empty",)}, "column 'empty' cannot be a feature and"),
    ],
)
def test_what_no_comparison_takes(more, roles, said):
    with pytest.raises(InvalidInputError, match=said):
        Rows.of(table(**more), Roles(**({"label": "y"} | roles)))


def test_nothing_left():
    with pytest.raises(DataError, match="there are 0 rows"):
        Rows.of(table().slice(0, 0), Roles("y"))
    with pytest.raises(DataError, match="no feature is left beside who, y"):
        Rows.of(table().select(["who", "y"]), Roles("y", group="who"))
