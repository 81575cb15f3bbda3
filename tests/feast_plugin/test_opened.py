"""A version, as the core opens it."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from feast_plugin import alias_snapshot, create_snapshot, forget_entity
from resampler import PriorCorrection, calibrate
from resampler.errors import DataError, InvalidInputError
from resampler.training_set import open_version


@pytest.fixture
def catalog(tmp_path):
    rng = np.random.default_rng(0)
    rows = pa.table(
        {"id": np.arange(400), "a": rng.normal(size=400), "b": rng.normal(size=400), "y": rng.random(400) < 0.2}
    )
    for seed in (0, 1):
        create_snapshot(
            tmp_path / "c",
            name="t",
            entity_df=rows,
            label="y",
            join_keys=["id"],
            ratio=0.5,
            seed=seed,
            split="stratified:0.6,0.2,0.2",
        )
    alias_snapshot(tmp_path / "c", name="t", alias="prod", version=1)
    return str(tmp_path / "c")


def test_a_version_is_opened_by_number_alias_or_as_the_newest(catalog):
    for reference, version in (("t", 2), ("t:1", 1), ("t:v1", 1), ("t:prod", 1)):
        opened = open_version(reference, catalog=catalog)
        assert opened.version == version
        assert str(opened) == f"t version {version}"
    assert opened.aliases == ("prod",)
    train = opened.read("train")
    assert set(train.column_names) == {"id", "a", "b", "y", "is_synthetic"}
    assert sum(of["synthetic"] for of in opened.classes["train"].values()) == train["is_synthetic"].to_numpy().sum() > 0
    assert opened.read("test", ["a"]).num_rows == sum(of["real"] for of in opened.classes["test"].values())
    assert (opened.features, opened.label, opened.keys, opened.timestamp) == (("a", "b"), "y", ("id",), None)
    assert opened.profile.startswith(b"{")


def test_rows_with_a_time_have_its_column(tmp_path):
    at = np.datetime64("2024-01-01", "us") + np.arange(400) * np.timedelta64(1, "h")
    rows = pa.table({"id": np.arange(400), "at": at, "a": np.arange(400) * 0.5, "y": np.arange(400) % 9 == 0})
    create_snapshot(tmp_path, name="t", entity_df=rows, label="y", join_keys=["id"], timestamp="at")
    opened = open_version("t", catalog=str(tmp_path))
    assert (opened.keys, opened.timestamp) == (("id",), "event_timestamp")
    assert "event_timestamp" in opened.read("train").column_names


@pytest.mark.parametrize("reference", ["", ":1", "t:"])
def test_what_is_no_reference(reference, catalog):
    with pytest.raises(InvalidInputError, match="a version is named NAME, NAME:3 or NAME:prod"):
        open_version(reference, catalog=catalog)


def test_what_is_not_there(catalog):
    with pytest.raises(DataError, match="no alias 'best'; it has prod"):
        open_version("t:best", catalog=catalog)
    with pytest.raises(DataError, match="9"):
        open_version("t:9", catalog=catalog)
    with pytest.raises(InvalidInputError, match="give --repo, --catalog or --root"):
        open_version("t")
    with pytest.raises(InvalidInputError, match="give one of --repo, --catalog"):
        open_version("t", catalog=catalog, repo=catalog)


def several(n=900):
    rng = np.random.default_rng(1)
    label = np.where(rng.random(n) < 0.1, "rare", np.where(rng.random(n) < 0.25, "some", "most"))
    X = rng.normal(size=(n, 2)) + (label == "rare")[:, None]
    return pa.table({"id": np.arange(n), "a": X[:, 0], "b": X[:, 1], "y": label})


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "options", [{}, {"undersample": 0.5}, {"clean": "enn"}, {"undersample": 0.5, "clean": "tomek"}]
)
def test_the_real_shares_are_those_before_anything_was_left_out(tmp_path, options, classes):
    rows = several() if classes == 3 else several().filter(pa.array(several()["y"].to_numpy() != "some"))
    asked = {"entity_df": rows, "label": "y", "join_keys": ["id"], "ratio": 0.8, "split": "stratified:0.8,0.1,0.1"}
    plain = create_snapshot(tmp_path / "plain", name="t", **asked)
    snapshot = create_snapshot(tmp_path / "c", name="t", **asked, **options)
    opened = open_version("t", catalog=str(tmp_path / "c"))
    counts = snapshot.class_counts
    assert opened.class_counts == counts == snapshot.manifest.class_counts
    assert counts.real == {name: of["real"] for name, of in plain.manifest.splits["train"].classes.items()}
    labels, sizes = np.unique(opened.read("train")["y"].to_numpy(), return_counts=True)
    assert counts.trained == dict(zip(labels.tolist(), sizes.tolist(), strict=True))
    # Versions of releases that did not count them.
    old = dataclasses.replace(snapshot.manifest, notes={})
    if classes == 2 or not options:
        assert old.class_counts == counts
    else:
        with pytest.raises(DataError, match="did not count the rows it left out: make it again"):
            old.class_counts  # noqa: B018
        with pytest.raises(DataError, match="did not count the rows it left out: make it again"):
            dataclasses.replace(opened, training_rows=old.training_rows).class_counts  # noqa: B018


def test_what_was_left_out_is_known_after_an_entity_is_forgotten(tmp_path):
    create_snapshot(
        tmp_path / "c", name="t", entity_df=several(), label="y", join_keys=["id"], ratio=0.8, undersample=0.5
    )
    before = open_version("t", catalog=str(tmp_path / "c"))
    first = before.read("train").slice(0, 1).to_pylist()[0]
    entity, of = first["id"], str(first["y"])
    forget_entity(tmp_path / "c", name="t", entity=str(entity))
    after = open_version("t", catalog=str(tmp_path / "c"))
    assert after.version != before.version
    assert before.training_rows is not None
    assert after.training_rows == before.training_rows | {of: before.training_rows[of] - 1}


def test_a_version_corrects_the_prior_of_what_was_trained_on_it(tmp_path):
    snapshot = create_snapshot(
        tmp_path / "c", name="t", entity_df=several(), label="y", join_keys=["id"], ratio=1.0, undersample=0.3
    )
    opened = open_version("t", catalog=str(tmp_path / "c"))
    train, held = (opened.read(split, ["a", "b", "y"]) for split in ("train", "validation"))
    X, y = (np.column_stack([part["a"], part["b"]]) for part in (train, held)), train["y"].to_numpy()
    X_train, X_held = X
    model = LogisticRegression().fit(X_train, y)
    by_version = calibrate(model, X_held, held["y"].to_numpy(), counts=opened)
    assert by_version.method_ == "prior"
    assert "too few to tell" in by_version.reason_
    corrected = by_version.predict_proba(X_held)
    for source in (snapshot, snapshot.manifest):
        assert PriorCorrection(source).correct(model.predict_proba(X_held)).tolist() == corrected.tolist()
    real = [opened.class_counts.real[name] for name in model.classes_]
    np.testing.assert_allclose(corrected.mean(axis=0), np.array(real) / sum(real), atol=0.05)


def test_subgroups_are_said(tmp_path):
    rows = several(2000).append_column("site", pa.array(np.arange(2000) % 2))
    snapshot = create_snapshot(
        tmp_path / "c", name="t", entity_df=rows, label="y", join_keys=["id"], ratio=0.5, group_by="site"
    )
    opened = open_version("t", catalog=str(tmp_path / "c"))
    assert opened.class_counts.group_by == snapshot.class_counts.group_by == "site"
    with pytest.warns(UserWarning, match="balanced within each site"):
        PriorCorrection(snapshot).correct(np.eye(3))
