"""A version under a secret key: what the key changes, who needs it, and where it never stands."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feast_plugin import create_snapshot, diff_snapshot, forget_entity, rebuild_snapshot, report_snapshot
from feast_plugin.job import augment
from feast_plugin.versions.files.sensitivity import SENSITIVE
from resampler.errors import InvalidInputError
from resampler.secret import SecretKey

SECRET = "the secret of these tests"
OTHER = "the secret of other tests"


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("PAY_KEY", SECRET)
    monkeypatch.setenv("OTHER_KEY", OTHER)
    return SecretKey.read("env:PAY_KEY")


def train(snapshot):
    file = snapshot.manifest.splits["train"].file
    return pq.read_table(f"{snapshot.uri}/{file.path}")


def made(snapshot):
    rows = train(snapshot)
    return rows.filter(rows["is_synthetic"])


def test_a_key_changes_the_synthetic_rows_alone(project, key):
    plain, keyed = project.create(), project.create(secret_key="env:PAY_KEY")
    assert keyed.version == 2
    assert keyed.manifest.parameters["secret_key"] == key.fingerprint
    for split in ("validation", "test"):
        assert plain.manifest.splits[split].sha256 == keyed.manifest.splits[split].sha256
    assert train(plain).slice(0, 200) == train(keyed).slice(0, 200)
    assert plain.manifest.counts == keyed.manifest.counts
    assert set(made(plain)["amount"].to_pylist()).isdisjoint(made(keyed)["amount"].to_pylist())
    (dataset,) = [d for d in project.store.list_saved_datasets() if d.name == keyed.datasets["train"]]
    assert dataset.tags["resampler.secret_key"] == key.fingerprint
    assert diff_snapshot(1, 2, name="pay", root=project.root)["parameters"] == {"secret_key": [None, key.fingerprint]}


def test_a_version_is_used_again_under_its_own_key_alone(project, key):
    first = project.create(secret_key=key)
    assert project.create(secret_key="env:PAY_KEY").reused
    assert first.version == 1
    assert project.create(secret_key="env:OTHER_KEY").version == 2
    assert project.create().version == 3


@pytest.mark.parametrize("retain", ["full", "recipe"])
def test_rebuilding_takes_the_key(project, key, retain):
    snapshot = project.create(secret_key=key, retain=retain, seed=9)
    file = project.root / "pay" / "v0001" / snapshot.manifest.splits["train"].file.path
    if retain == "full":
        before = file.read_bytes()
        file.unlink()
        assert project.check().problems
        known = {"entity_df": project.frame()}
    else:
        before, known = None, {}
        assert project.check().ok  # which needs no key
    again = {"name": "pay", "root": project.root, **known}
    with pytest.raises(InvalidInputError, match=f"made with the secret key {key.fingerprint}: give it .--secret-key"):
        rebuild_snapshot(project.reopened(), **again)
    other = SecretKey(OTHER.encode())
    with pytest.raises(InvalidInputError, match=f"{key.fingerprint}, got {other.fingerprint}: give that one"):
        rebuild_snapshot(project.reopened(), **again, secret_key=other)
    assert not file.exists()
    assert rebuild_snapshot(project.reopened(), **again, secret_key=key).restored
    assert project.check().ok
    assert before is None or file.read_bytes() == before


def test_a_page_takes_the_key_where_rows_are_made_again_for_it(project, key):
    stored = project.create(secret_key=key)
    project.create(secret_key=key, retain="recipe")
    page = report_snapshot(name="pay", root=project.root, version=1)
    assert page == (project.root / "pay" / "v0001" / "report.html").read_bytes()
    assert SENSITIVE in page.decode()
    assert "that is drawn among those of the real training rows" in page.decode()
    assert stored.manifest.notes["privacy"][0] == SENSITIVE
    with pytest.raises(InvalidInputError, match="give it"):
        report_snapshot(name="pay", root=project.root, version=2)
    again = report_snapshot(name="pay", root=project.root, version=2, secret_key="env:PAY_KEY")
    assert again == (project.root / "pay" / "v0002" / "report.html").read_bytes()


def test_forgetting_takes_every_key_and_changes_nothing_without(project, key):
    project.create()
    project.create(secret_key=key)
    project.create(secret_key="env:OTHER_KEY")
    forgotten = {"name": "pay", "root": project.root, "entity": 7}
    for keys in ({}, {"secret_key": key}, {"secret_key": ["env:OTHER_KEY"]}):
        with pytest.raises(InvalidInputError, match="prune the version; nothing was changed"):
            forget_entity(project.reopened(), **forgotten, **keys)
    assert project.catalog().numbers() == [1, 2, 3]
    assert 7 in project.customers(1)
    done = forget_entity(project.reopened(), **forgotten, secret_key=["env:PAY_KEY", "env:OTHER_KEY"])
    assert [one.replaced_by for one in done] == [4, 5, 6]
    prints = [project.catalog().load(number).parameters.get("secret_key") for number in (4, 5, 6)]
    assert prints == [None, key.fingerprint, SecretKey(OTHER.encode()).fingerprint]
    for number in (4, 5, 6):
        assert 7 not in project.customers(number)
        assert project.check(number).ok


def test_feasts_own_call_takes_a_key(project, key):
    store = project.reopened()

    def rows(**more):
        job = store.get_historical_features(project.frame().to_pandas(), store.get_feature_service("numbers"))
        found = augment(job, store, label="fraud", ratio=0.5, k_neighbors=3, **more).to_arrow()
        return found.filter(found["is_synthetic"])

    assert rows(secret_key="env:PAY_KEY") == rows(secret_key=key)
    assert set(rows()["amount"].to_pylist()).isdisjoint(rows(secret_key=key)["amount"].to_pylist())


def test_the_secret_stands_nowhere(project, key, capsys):
    project.create(secret_key=key, retain="recipe", audit_sample=5)
    rebuild_snapshot(project.reopened(), name="pay", root=project.root, secret_key=key)
    files = [path for path in project.path.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        data = path.read_bytes()
        for hidden in (SECRET.encode(), key._root, str(key.mix(1)).encode(), key.mix(1).to_bytes(8, "little")):
            assert hidden not in data, path
    assert SECRET not in "".join(capsys.readouterr())


def test_a_version_with_no_synthetic_row_says_nothing_of_them(project):
    snapshot = project.create(ratio=0.02, if_reached="publish")
    assert "privacy" not in snapshot.manifest.notes
    assert json.loads(snapshot.manifest.to_json())["parameters"]["algorithm"] == 4


def test_times_are_instants_of_the_class_within_the_training_period(tmp_path):
    rng = np.random.default_rng(0)
    n = 3_000
    label = np.where(rng.random(n) < 0.06, "bad", np.where(rng.random(n) < 0.1, "odd", "good"))
    table = pa.table(
        {
            "id": np.arange(n),
            "at": pa.array(np.datetime64("2024-01-01", "us") + rng.permutation(n) * np.timedelta64(3_600, "s")),
            "a": rng.normal(size=n),
            "b": rng.normal(size=n),
            "group": rng.integers(0, 3, n),
            "label": label,
        }
    )
    snapshot = create_snapshot(
        tmp_path,
        name="t",
        entity_df=table,
        label="label",
        join_keys=["id"],
        timestamp="at",
        ratio=1.0,
        group_by="group",
    )
    rows, lineage = train(snapshot), pq.read_table(f"{snapshot.uri}/lineage.parquet")
    real, times = ~rows["is_synthetic"].to_numpy(), rows["event_timestamp"].cast("int64").to_numpy()
    labels = np.array(rows["label"].to_pylist())
    test = pq.read_table(f"{snapshot.uri}/{snapshot.manifest.splits['test'].file.path}")["event_timestamp"]
    assert times.max() < test.cast("int64").to_numpy().min()
    row, base = lineage["row"].to_numpy(), lineage["base_row"].to_numpy()
    for name in ("bad", "odd"):
        own, drawn = times[real & (labels == name)], times[~real & (labels == name)]
        assert set(drawn.tolist()) <= set(own.tolist())
        assert len(np.unique(drawn)) == len(own)  # some fourteen rows to an instant
        counts = np.unique(drawn, return_counts=True)[1]
        expected = len(drawn) / len(own)
        assert ((counts - expected) ** 2 / expected).sum() < 1.5 * len(own)  # each as often as another
        mine = labels[row] == name
        same = np.count_nonzero(times[row[mine]] == times[base[mine]])
        assert same < 3 * mine.sum() / len(own)
