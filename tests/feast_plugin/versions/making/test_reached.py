"""A ratio that is reached already, and ratios that are decimal numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from feast_plugin import create_snapshot, diff_snapshot, forget_entity, rebuild_snapshot, verify_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.versions.making.recipe import SENSE, Recipe
from resampler.errors import GateError

REACHED = {"ratio": 0.02, "if_reached": "publish"}


@pytest.fixture(params=["feast", "directory"])
def place(request, project, tmp_path):
    """A way to make versions, and what verbs take for the store."""
    if request.param == "feast":
        return project.create, project.reopened(), project.root
    options = {"name": "pay", "label": "fraud", "join_keys": ["customer_id"], "timestamp": "event_timestamp"}
    table = project.table.drop_columns(["verdict"])

    def create(**more):
        return create_snapshot(tmp_path / "plain", entity_df=table, **(options | {"k_neighbors": 3} | more))

    return create, tmp_path / "plain", tmp_path / "plain"


@pytest.mark.parametrize("more", [{}, {"clean": "enn"}, {"retain": "recipe"}])
def test_rows_that_have_the_ratio_are_published_as_they_are(place, more):
    create, store, root = place
    with pytest.raises(GateError, match="already reached"):
        create(ratio=0.02)
    words = "published as they are, not cleaned, with" if "clean" in more else "published as they are, with"
    with pytest.warns(SnapshotWarning, match=rf"ratio=0.02 is already reached.*{words} no synthetic row"):
        made = create(**REACHED, **more)
    assert made.manifest.parameters["if_reached"] == "publish"
    train = made.manifest.splits["train"]
    assert (train.synthetic, train.real) == (0, 280)
    assert made.manifest.left_out is None
    assert pq.read_table(f"{made.uri}/lineage.parquet").num_rows == 0 if not more.get("retain") else True
    rebuilt = rebuild_snapshot(store, name="pay", root=root)
    assert rebuilt.digest == made.digest
    assert verify_snapshot(store, name="pay", root=root).problems == ()
    assert "<h1>" in (Path(made.uri) / "report.html").read_text()
    with pytest.warns(SnapshotWarning, match="published as they are"):
        assert create(**REACHED, **more).reused
    with pytest.raises(GateError):  # an equal version that was let pass is no answer to who refuses
        create(ratio=0.02, **more)
    other = create(ratio=0.5, if_reached="publish", **more)
    assert "if_reached" not in other.manifest.parameters
    assert other.manifest.splits["train"].synthetic > 0
    assert diff_snapshot(1, 2, name="pay", root=root)["parameters"]["ratio"] == [0.02, 0.5]


def test_without_an_entity_it_is_as_it_is_again(place):
    create, store, root = place
    with pytest.warns(SnapshotWarning, match="published as they are"):
        create(**REACHED)
    (done,) = forget_entity(store, name="pay", root=root, entity="customer_id=3")
    assert done.replaced_by == 2
    assert verify_snapshot(store, name="pay", root=root).problems == ()


def test_29_of_100_is_29(project):
    """Of 100 rows of the majority in training, where the binary fraction is a little less."""
    label = (np.arange(400) % 40 == 0).astype(np.int64)
    side = np.array(["test"] * 400, dtype=object)
    side[np.flatnonzero(label)], side[np.flatnonzero(label == 0)[:100]] = "train", "train"
    frame = project.frame().set_column(2, "fraud", [label]).append_column("side", [side])
    train = project.create(entity_df=frame, split="column:side", ratio=0.29).manifest.splits["train"].classes
    assert train["0"]["real"] == 100
    assert sum(train["1"].values()) == 29


def test_earlier_algorithms_take_the_binary_fraction():
    plain = {"sampler": "smote", "ratio": 0.29}
    assert 100 * Recipe(**plain).exactly(0.29) == 29
    assert 100 * Recipe(**plain, algorithm=SENSE).exactly(0.29) == 29
    assert 100 * Recipe(**plain, algorithm=SENSE, missing="complete", grid="off").exactly(0.29) < 29
