"""What two versions have in common and what not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from feast_plugin import create_snapshot, diff_snapshot, rebuild_snapshot
from feast_plugin.printing.difference import difference
from feast_plugin.versions.compare import hash_column
from feast_plugin.versions.descent import compare_descent
from feast_plugin.versions.files.manifest import Manifest
from resampler.errors import CorruptStateError, InvalidInputError

FEATURES = ["amount", "score", "visits", "night", "country", "emb"]


@pytest.fixture
def catalog(make, tmp_path):
    """Versions of tables in a plain directory: what changes is what a test changes."""
    table = make("plain").table.drop_columns("verdict")

    def create(rows=None, **options):
        how = {"join_keys": ["customer_id"], "timestamp": "event_timestamp", "label": "fraud", "ratio": 0.5}
        rows = table if rows is None else rows
        return create_snapshot(tmp_path / "cat", name="pay", entity_df=rows, k_neighbors=3, **(how | options))

    return table, create, lambda a, b: diff_snapshot(a, b, name="pay", root=tmp_path / "cat")


def replaced(table, name, values):
    return table.set_column(table.schema.get_field_index(name), name, values)


def test_diff_names_what_changed(project):
    project.create(feature_service="all")
    project.create(feature_service="all", seed=2, ratio=0.7)
    found = diff_snapshot(1, 2, name="pay", root=project.root)
    assert found["equal"] is False
    assert found["parameters"] == {"seed": [1, 2], "ratio": [0.5, 0.7]}
    assert found["contract"] == {}
    assert found["counts"]["train"][0]["synthetic"] < found["counts"]["train"][1]["synthetic"]
    test = found["drift"]["test"]["real"]
    assert {name: test[name]["distance"] for name in FEATURES} == dict.fromkeys(FEATURES, 0)
    made = found["drift"]["train"]["synthetic"]
    assert 0 < made["country"]["distance"] < 1
    assert (found["rows"]["changed"], found["rows"]["added"], found["rows"]["removed"]) == (0, 0, 0)
    with pytest.raises(InvalidInputError, match="no version 9"):
        diff_snapshot(1, 9, name="pay", root=project.root)


def test_a_column_that_went_null_is_loud(catalog):
    table, create, diff = catalog
    rng = np.random.default_rng(5)
    gone = rng.random(len(table)) < 0.6
    create()
    create(replaced(table, "amount", pa.array(table["amount"].to_numpy(), mask=gone)))
    found = diff(1, 2)
    assert found["rows"]["changed"] == gone.sum()
    assert found["rows"]["changed_by"] == {"amount": gone.sum()}
    train = found["drift"]["train"]["real"]
    assert train["amount"]["nulls"] == [0.0, pytest.approx(0.6, abs=0.08)]
    assert train["amount"]["stability"] > 0.25
    assert train["amount"]["word"] == "much"
    assert {train[name]["word"] for name in FEATURES if name != "amount"} == {"none"}
    lines = difference(found)
    first = lines[lines.index("drift of real rows in train") + 2]
    assert first.split()[0] == "amount"
    assert first.split()[-1] == "much"


def test_drift_of_rows_that_are_not_stored_is_not_called_none(catalog, tmp_path):
    table, create, diff = catalog
    create(retain="recipe")
    create(replaced(table, "amount", pc.multiply(table["amount"], 9.0)), retain="recipe")
    text = "\n".join(difference(diff(1, 2)))
    assert "drift of synthetic rows in train: none in 5 features" in text
    assert "  not known of amount: a version does not store its synthetic rows; rebuild it first" in text
    rebuild_snapshot(tmp_path / "cat", name="pay", version=2)
    found = diff(1, 2)
    assert found["drift"]["train"]["synthetic"]["amount"]["word"] == "much"
    assert "not known of" not in "\n".join(difference(found))


def test_equal_versions_have_equal_text(catalog):
    _, create, diff = catalog
    create()
    create(retain="recipe")
    found = diff(1, 1)
    assert found["equal"]
    assert found["synthetic"]["kept"] == found["synthetic"]["before"] == found["synthetic"]["after"] > 0
    assert found == diff(1, 1)
    assert difference(found) == difference(diff(1, 1))
    assert "drift of real rows in train: none" in difference(found)
    unstored = diff(1, 2)
    assert unstored["equal"]
    assert unstored["synthetic"] is None
    assert any("rebuild it first" in line for line in difference(unstored))
    assert unstored["drift"]["train"]["synthetic"]["amount"]["stability"] == 0, "counts outlive the rows"


def test_findings_that_come_go_and_change(catalog):
    table, create, diff = catalog
    create(missing="complete", grid="off")
    constant = replaced(table, "score", pa.array(np.zeros(len(table), dtype=np.float32)))
    create(replaced(constant, "amount", table["score"]), missing="complete", grid="off")
    found = diff(1, 2)
    came = {one["name"] for one in found["findings"]["came"]}
    assert "constant-columns" in came
    assert {one["name"] for one in diff(2, 1)["findings"]["went"]} == came
    was, now = next(pair for pair in found["findings"]["changed"] if pair[0]["name"] == "leaks")
    assert was["figure"] != now["figure"]
    lines = difference(found)
    assert any(line.startswith("  came: ") and "constant-columns" in line for line in lines)
    assert f"  stays: {now['level']} leaks of class '1': {now['figure']}; it was {was['figure']}" in lines


def test_rows_are_matched_by_their_keys(catalog):
    table, create, diff = catalog
    visits = table["visits"].to_numpy().copy()
    visits[100:103] += 1
    create(split="stratified:0.7,0.15,0.15")
    create(replaced(table, "visits", pa.array(visits)).slice(20), split="stratified:0.7,0.15,0.15", seed=3)
    rows = diff(1, 2)["rows"]
    assert (rows["before"], rows["after"], rows["removed"], rows["added"]) == (400, 380, 20, 0)
    assert (rows["changed"], rows["changed_by"]) == (3, {"visits": 3})
    assert rows["entities"] == {"removed": 2, "added": 0}
    assert rows["moved"] > 0
    back = diff(2, 1)["rows"]
    assert (back["removed"], back["added"]) == (0, 20)


def test_a_version_without_counts_is_counted_anew(catalog, tmp_path):
    _, create, diff = catalog
    create()
    create(seed=4)
    with_counts = diff(1, 2)
    directory = tmp_path / "cat" / "pay" / "v0001"
    manifest = Manifest.from_json((directory / "manifest.json").read_bytes(), "")
    (directory / "manifest.json").write_text(dataclasses.replace(manifest, profile=None).to_json())
    (directory / "profile.json").unlink()
    assert diff(1, 2)["drift"] == with_counts["drift"]
    (directory / "test" / "part-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorruptStateError, match=r"test/part-00000\.parquet cannot be read"):
        diff(1, 2)


def test_a_number_is_compared_whatever_its_type_and_what_is_of_another_kind_is_named(catalog):
    table, create, diff = catalog
    create()
    visits = np.where(np.arange(400) % 2, table["visits"].to_numpy() * 5.0 + 1, np.nan)
    rows = replaced(table, "visits", pa.array(visits, from_pandas=True))
    rows = replaced(rows, "amount", table["amount"].cast(pa.float32()))
    rows = replaced(rows, "emb", table["emb"].cast(pa.list_(pa.float64())))
    create(replaced(rows, "country", pc.index_in(table["country"], pc.unique(table["country"]))))
    found = diff(1, 2)
    assert found["rows"]["changed_by"] == {"visits": 400}
    train = found["drift"]["train"]["real"]
    assert train["visits"]["word"] == "much"
    assert max(train[name]["distance"] for name in ("amount", "emb")) < 0.01  # an edge is a value, which was rounded
    assert "country" not in train
    text = difference(found)
    assert "uncompared  country: of another kind or type of category now" in text
    assert diff(2, 1)["rows"]["changed"] == found["rows"]["changed"]


def test_columns_that_only_one_has_are_in_the_contract(catalog):
    table, create, diff = catalog
    create()
    create(replaced(table, "amount", table["amount"].cast(pa.float32())).drop_columns("emb"))
    found = diff(1, 2)
    assert set(found["contract"]) == {"amount", "emb"}
    assert set(found["drift"]["train"]["real"]) == set(FEATURES) - {"emb"}
    assert found["rows"]["changed"] == 0
    text = "\n".join(difference(found))
    assert "dtype float64" in text
    assert "-> none" in " ".join(text.split())


def test_a_feature_that_has_nulls_now_is_in_the_contract(catalog):
    table, create, diff = catalog
    create()
    amount = table["amount"].to_numpy().copy()
    amount[::3] = np.nan
    create(replaced(table, "amount", pa.array(amount, from_pandas=True)))
    (old, new) = diff(1, 2)["contract"]["amount"]
    assert (old.get("nulls"), new["nulls"]) == (None, "inherit")


def test_what_became_of_synthetic_rows():
    def lineage(*rows):
        base, neighbor, step = zip(*rows, strict=True)
        return pa.table({"base_id": base, "neighbor_id": neighbor, "step": pa.array(step, pa.float32())})

    old = lineage((1, 2, 0.5), (1, 2, 0.5), (1, 3, 0.25), (4, 1, 0.0), (5, 1, 0.0))
    new = lineage((1, 3, 0.25), (1, 2, 0.5), (4, 2, 0.0), (6, 1, 0.5))
    assert compare_descent(old, new) == {
        "before": 5, "after": 4, "kept": 2, "remade": 1, "gone": 2, "new": 1, "bases_gone": 1, "bases_new": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [
        pa.array([0.0, -0.0, 1.5, None, float("nan"), float("nan")]),
        pa.array([1, 2, 1, None, 5, 5], pa.int64()),
        pa.array(["a", "", "a", None, "b", "b"]),
        pa.array([True, False, True, None, False, False]),
        pa.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], None, [0.0, -0.0], [0.0, 0.0]]),
    ],
)
def test_hashes_tell_values_apart_and_nulls_from_values(values):
    found = hash_column(pa.chunked_array([values]))
    parts = hash_column(pa.chunked_array([values[:2], values[2:]]))
    np.testing.assert_array_equal(found, parts)
    shown = [None if v is None else str(v).replace("-0.0", "0.0") for v in values.to_pylist()]
    for i, a in enumerate(shown):
        for j, b in enumerate(shown):
            assert (found[i] == found[j]) == (a == b), (i, j)
