"""Features of a version and columns of a stream: matched by name and kind, codes by values, the rest is said."""

import numpy as np
import pytest

from resampler import FeatureSchema
from resampler.errors import DataError
from stream.drift.counter import Counter, Plan
from stream.drift.reference import Reference
from stream.formats import Decoded

WORDS = {"name": "w", "dtype": "string", "categorical": True, "categories": ["green", "red", "blue"]}


def _schema(*features):
    return FeatureSchema.from_dict({"features": list(features), "label": {"name": "y"}})


def _count(reference, schema, X, y=None):
    X = np.asarray(X, dtype=np.float32)
    y = np.zeros(len(X), dtype=np.int64) if y is None else y
    at = np.arange(len(X))
    ids = np.arange(1, len(X) + 1, dtype=np.uint64)
    rows = Decoded(ids, np.zeros_like(ids), np.ones_like(at), X, y, at, np.zeros_like(at), [])
    (window,) = Counter(Plan(reference, schema, len(X), 1, 1)).add(rows, rows.row_ids())
    counts = window.counts.sum(axis=0)
    return {
        name: cells.of_places(counts[place]).tolist() for place, (name, cells) in enumerate(reference.cells.items())
    }


def test_codes_are_counted_by_their_values(profile_of):
    profile = profile_of({"w": ["red"] * 5 + ["green"] * 3 + ["grey"], "i": [7] * 8 + [2]}, np.zeros(9))
    schema = _schema({"name": "i", "dtype": "int16", "categorical": True}, WORDS)
    reference = Reference.matched("v", profile, schema)
    assert profile.cells["w"].values == ("red", "green", "grey")
    rows = [[7, 0], [7, 1], [2, 1], [9, 2], [-1, 0], [30_000, 0]]
    assert _count(reference, schema, rows) == {"i": [2, 1, 3, 0], "w": [2, 3, 0, 1, 0]}
    assert reference.cells["w"].of_places(reference.before[1]).tolist() == [5, 3, 1, 0, 0]


def test_booleans_and_nulls(profile_of):
    profile = profile_of({"b": [True, True, False], "x": np.array([1.0, 2.0, 3.0], dtype=np.float32)}, np.zeros(3))
    schema = _schema({"name": "b", "dtype": "bool", "categorical": True}, {"name": "x", "nulls": "inherit"})
    reference = Reference.matched("v", profile, schema)
    found = _count(reference, schema, [[0, np.nan], [1, 2.0], [1, np.nan]])
    assert found["b"] == [2, 1, 0, 0]
    assert found["x"][-1] == 2


@pytest.mark.parametrize(
    ("feature", "values", "why"),
    [
        ({"name": "x"}, ["a", "b"], "is a category in the version and a number in the stream"),
        (WORDS, np.array([1.0, 2.0], dtype=np.float32), "is a number in the version and a category in the stream"),
        (WORDS, [1, 2], "holds integer in the version and text in the stream"),
        ({"name": "x", "dtype": "int16", "categorical": True}, [-1, 2], "has categories below 0"),
        ({"name": "x", "dtype": "int32", "categorical": True}, [1, 70_000], "or above 65535"),
    ],
)
def test_what_does_not_fit_is_left_out(profile_of, feature, values, why):
    profile = profile_of({feature["name"]: values, "same": np.ones(2, dtype=np.float32), "gone": [1, 1]}, np.zeros(2))
    schema = _schema(feature, {"name": "same"}, {"name": "new"})
    reference = Reference.matched("v", profile, schema)
    assert list(reference.cells) == ["same"]
    assert reference.columns.tolist() == [1]
    said = "; ".join(reference.left_out)
    assert why in said
    assert "'gone' is no column of the stream's contract" in said
    assert "'new' is no feature of the version" in said


def test_nothing_in_common(profile_of, schema):
    profile = profile_of({"z": [1, 2]}, np.zeros(2))
    with pytest.raises(DataError, match="no column of the stream's contract can be counted against fraud version 1"):
        Reference.matched("fraud version 1", profile, schema)


def test_no_rows(profile_of, schema):
    profile = profile_of({"a": np.empty(0, dtype=np.float32)}, np.zeros(0))
    with pytest.raises(DataError, match="no real rows of training"):
        Reference.matched("fraud version 1", profile, schema)
