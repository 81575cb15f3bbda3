"""Cleaning after augmentation, and subgroups that are never joined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from feast import FeatureService

from feast_plugin import forget_entity, rebuild_snapshot, verify_snapshot
from resampler.errors import DataError, InvalidInputError

NUMBERS = ("amount", "score")


def read(snapshot, path="train/part-00000.parquet"):
    return pq.read_table(f"{snapshot.uri}/{path}")


@pytest.fixture
def project(make):
    """Half of fraud is spread over the honest rows, so that classes meet."""
    table = make("apart").table
    hidden = np.flatnonzero(table["fraud"].to_numpy())[::2]
    for name, gap in (("amount", 500.0), ("score", 1.0)):
        values = table[name].to_numpy().copy()
        values[hidden] -= np.asarray(gap, values.dtype)
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    return make(table=table)


def naive_gone(rows, labels, may_go, cleaner):
    """The definitions, pair by pair."""
    n = len(rows)
    squared = [[float(np.sum((rows[i] - rows[j]) ** 2)) if i != j else np.inf for j in range(n)] for i in range(n)]
    order = [sorted(range(n), key=lambda j, i=i: (squared[i][j], j)) for i in range(n)]
    if cleaner == "tomek":
        linked = [labels[order[i][0]] != labels[i] and order[order[i][0]][0] == i for i in range(n)]
        return [i for i in range(n) if may_go[i] and linked[i]]
    return [i for i in range(n) if may_go[i] and any(labels[j] != labels[i] for j in order[i][:3])]


@pytest.mark.parametrize("cleaner", ["tomek", "enn"])
def test_what_is_left_out_is_what_the_definition_says(project, cleaner):
    plain, clean = project.create(name="plain"), project.create(clean=cleaner)
    before, after, dropped = read(plain), read(clean), read(clean, "left-out.parquet")
    scale = clean.manifest.schema.scale
    rows = np.column_stack([before[name].to_numpy().astype(np.float64) for name in NUMBERS]) / np.asarray(scale)
    labels, synthetic = before["fraud"].to_numpy(), before["is_synthetic"].to_numpy()
    gone = naive_gone(rows, labels, synthetic | (labels == 0), cleaner)
    assert len(gone) > 3
    stays = np.delete(np.arange(len(rows)), gone)
    expected = before.take(stays)
    values = ["event_timestamp", *NUMBERS, "fraud", "is_synthetic"]
    assert after.select(values).to_pylist() == expected.select(values).to_pylist()
    assert dropped.to_pylist() == before.take([i for i in gone if not synthetic[i]]).to_pylist()
    assert dropped.num_rows > 0
    for split in ("validation", "test"):
        assert clean.manifest.splits[split].sha256 == plain.manifest.splits[split].sha256


@pytest.mark.parametrize("cleaner", ["tomek", "enn"])
def test_a_cleaned_version_verifies_and_is_made_again_from_its_own_files(project, cleaner):
    made = project.create(clean=cleaner, feature_service="all", retain="sample")
    assert made.manifest.parameters["clean"] == cleaner
    full = project.create(clean=cleaner, feature_service="all", name="full")
    assert made.digest == full.digest
    for name in ("pay", "full"):
        (Path(made.uri).parents[1] / name / "v0001" / "lineage.parquet").unlink(missing_ok=True)
        assert rebuild_snapshot(project.reopened(), name=name, root=project.root).source == "version"
        assert verify_snapshot(project.reopened(), name=name, root=project.root).problems == ()
    assert read(made).equals(read(full))


def test_a_row_that_cleaning_left_out_can_be_forgotten(project):
    made = project.create(clean="enn")
    victim = read(made, "left-out.parquet")["customer_id"][0].as_py()
    (done,) = forget_entity(project.reopened(), name="pay", root=project.root, entity=victim)
    assert done.rows == 10
    for file in (project.root / "pay" / "v0002").rglob("*.parquet"):
        table = pq.read_table(file)
        assert "customer_id" not in table.column_names or victim not in table["customer_id"].to_pylist()
    assert verify_snapshot(project.reopened(), name="pay", root=project.root).ok


@pytest.mark.parametrize("subgroups", ["within", "proportional"])
def test_rows_of_two_subgroups_are_never_joined(project, subgroups):
    store = project.store
    store.apply(
        [FeatureService(name="where", features=[store.get_feature_view("numbers"), store.get_feature_view("mixed")])]
    )
    made = project.create(feature_service="where", group_by="country", subgroups=subgroups, k_neighbors=2, ratio=0.9)
    train, lineage = read(made), read(made, "lineage.parquet")
    base, neighbor = (train["country"].take(lineage[name]).to_pylist() for name in ("base_row", "neighbor_row"))
    assert base == neighbor == train["country"].take(lineage["row"]).to_pylist()
    real = train.filter(pc.invert(train["is_synthetic"]))
    country = np.array(real["country"].to_pylist())
    fraud = real["fraud"].to_numpy() == 1
    held = {c: np.count_nonzero(fraud & (country == c)) for c in set(country[fraud])}
    others = {c: np.count_nonzero(~fraud & (country == c)) for c in held}
    wanted = sum(held.values()) + len(base)
    due = dict(held)
    if subgroups == "within":  # what each lacks of its share
        due = {c: max(0, wanted * others[c] / sum(others.values()) - held[c]) for c in held}
    assert len(held) > 1
    for c, part in due.items():
        slack = 1 if subgroups == "within" else sum(held.values())
        assert abs(base.count(c) - part / sum(due.values()) * len(base)) <= slack
    assert verify_snapshot(project.reopened(), name="pay", root=project.root).ok
    assert rebuild_snapshot(project.reopened(), name="pay", root=project.root).source == "version"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"clean": "magic"}, InvalidInputError, "clean must be one of"),
        ({"group_by": "fraud"}, InvalidInputError, r"must be a join key or a feature \(customer_id, amount, score\)"),
        (
            {"group_by": "customer_id"},
            DataError,
            r"rows of class 1 in each subgroup .* customer_id=\d+ \(1\), .* and \d+ more",
        ),
        ({"group_by": "emb", "feature_service": "all"}, InvalidInputError, "must be a join key or a feature"),
    ],
)
def test_what_cannot_be_done_is_refused(project, options, error, message):
    with pytest.raises(error, match=message):
        project.create(**options)
    assert not list(project.root.rglob("manifest.json"))
