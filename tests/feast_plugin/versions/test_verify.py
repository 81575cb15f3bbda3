"""What `verify` finds: files, manifest, registry, lineage."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resampler.errors import CorruptStateError
from resampler.storage import Location


@pytest.mark.parametrize("service", ["numbers", "all"])
def test_a_fresh_version_verifies(project, service):
    project.create(feature_service=service)
    assert project.check().problems == ()


@pytest.mark.parametrize("path", ["train/part-00000.parquet", "test/part-00000.parquet", "lineage.parquet"])
def test_verify_sees_a_changed_and_a_missing_file(project, path):
    file = Path(project.create().uri) / path
    file.write_bytes(file.read_bytes() + b"x")
    assert any(f"{path} has sha256" in problem for problem in project.check().problems)
    file.unlink()
    assert any(f"{path} is missing" in problem for problem in project.check().problems)


def test_a_changed_manifest_is_refused(project):
    path = Path(project.create().uri) / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"seed": 99}))
    with pytest.raises(CorruptStateError, match="was changed: it says digest"):
        project.check()
    path.write_text(json.dumps(manifest | {"counts": {}}))
    with pytest.raises(CorruptStateError, match=r"was changed: it says counts \{\}"):
        project.check()
    path.write_text("{")
    with pytest.raises(CorruptStateError, match="is not a manifest"):
        project.check()


def test_verify_sees_what_happened_to_the_registry(project):
    snapshot = project.create()
    store = project.reopened()
    dataset = store.registry.get_saved_dataset(snapshot.datasets["test"], store.project)
    dataset.tags["resampler.seed"] = "99"
    store.registry.apply_saved_dataset(dataset, store.project)
    store.registry.delete_saved_dataset(snapshot.datasets["train"], store.project)
    problems = "\n".join(project.check().problems)
    assert "pay_v0001_train is not in the registry" in problems
    assert "pay_v0001_test: tags is" in problems
    with pytest.raises(CorruptStateError, match="another dataset 'pay_v0001_test'"):
        project.create(seed=2)
    assert project.catalog().numbers() == [1]


def test_verify_sees_a_parent_outside_training(project):
    """A lineage that lies, under a manifest that was made to match it."""
    snapshot = project.create()
    path = Path(snapshot.uri) / "lineage.parquet"
    lineage = pq.read_table(path)
    n_real = snapshot.manifest.splits["train"].real
    outside = pa.array(np.full(lineage.num_rows, n_real + 1))
    pq.write_table(lineage.set_column(1, "base_row", outside), path)
    manifest = snapshot.manifest
    stored = dataclasses.replace(manifest.lineage, sha256=Location.parse(path).sha256())
    lying = dataclasses.replace(manifest, lineage=stored)
    (Path(snapshot.uri) / "manifest.json").write_text(lying.to_json())
    assert any("parent outside the training split" in problem for problem in project.check().problems)
