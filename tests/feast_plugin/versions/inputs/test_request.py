"""Which rows a version holds: what excludes each other, and what belongs to one kind of source."""

from __future__ import annotations

import pyarrow as pa
import pytest

from feast_plugin.versions.inputs.request import Request
from resampler.errors import DataError, InvalidInputError

TABLE = pa.table({"id": [1]})
VIEWS = {"label": "y", "feature_service": "s", "entity_df": TABLE}
PLAIN = {"label": "y", "join_keys": "id", "entity_df": TABLE}


def test_a_request_of_either_kind_passes_its_own_check_alone():
    views, table = Request(**VIEWS), Request(**PLAIN)
    views.check_views()
    table.check_table()
    with pytest.raises(InvalidInputError, match="feature_service is for a Feast repository"):
        views.check_table()
    with pytest.raises(InvalidInputError, match="join_keys is for a plain catalogue"):
        table.check_views()


def test_names_are_a_list_or_text_with_commas():
    assert Request(**PLAIN | {"join_keys": "id, shop"}).join_keys == ("id", "shop")
    assert Request(**PLAIN | {"join_keys": ["id", "shop"]}).join_keys == ("id", "shop")


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"label": None}, InvalidInputError, "label must be the name"),
        ({"start_date": "2024-01-01"}, InvalidInputError, "not both"),
        ({"entity_df": None, "start_date": "yesterday"}, InvalidInputError, "must be a time in ISO 8601"),
        ({"entity_df": "frame.txt"}, InvalidInputError, r"must be a .parquet, .csv or .sql file"),
        ({"entity_df": "absent.parquet"}, DataError, "there is no such file"),
        ({"features": []}, InvalidInputError, "features must be one name or more"),
        ({"features": "a,a"}, InvalidInputError, "features must name each column once"),
        ({"full_feature_names": 1}, InvalidInputError, "must be True or False"),
    ],
)
def test_what_breaks_its_rule_is_refused_when_the_request_is_made(changes, kind, message):
    with pytest.raises(kind, match=message):
        Request(**VIEWS | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": ["view:x"]}, "either feature_service or features"),
        ({"feature_service": None}, "either feature_service or features"),
        ({"feature_service": None, "features": ["x"]}, "must be written view:feature"),
        ({"entity_df": None}, "give an entity frame"),
        ({"entity_df": None, "start_date": "2024-02-01", "end_date": "2024-01-01"}, "must not be after"),
    ],
)
def test_what_a_feature_store_needs(changes, message):
    with pytest.raises(InvalidInputError, match=message):
        Request(**VIEWS | changes).check_views()
