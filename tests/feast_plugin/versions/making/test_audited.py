"""The audit sample of a version: what it shows is so, who may read it, and what becomes of it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feast_plugin import create_snapshot, forget_entity, prune_snapshot, rebuild_snapshot, verify_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.versions.making.audited import AuditSample
from resampler.errors import InvalidInputError
from resampler.training_set import open_version


def rows(n=240, seed=3):
    rng = np.random.default_rng(seed)
    fraud = (np.arange(n) % 6 == 0).astype(np.int64)
    return pa.table(
        {
            "customer_id": np.arange(n) // 4 + 1,
            "amount": rng.gamma(2.0, 30.0, n) + 50 * fraud,
            "score": rng.random(n).astype(np.float32),
            "country": rng.choice(["CH", "DE", "FR"], n),
            "emb": pa.FixedSizeListArray.from_arrays(pa.array(rng.random(2 * n, dtype=np.float32)), 2),
            "fraud": fraud,
        }
    )


@pytest.fixture
def create(tmp_path):
    table = rows().append_column("id", pa.array(np.arange(240)))

    def made(**options):
        common = {"name": "pay", "entity_df": table, "label": "fraud", "join_keys": ["customer_id", "id"], "ratio": 0.5}
        return create_snapshot(tmp_path / "cat", **common | {"split": "group:customer_id:0.6,0.2,0.2"} | options)

    return made


def sample_of(tmp_path, reference="pay"):
    return open_version(reference, catalog=str(tmp_path / "cat")).sample


def test_a_sample_shows_rows_beside_their_parents(create, tmp_path):
    made = create(audit_sample=7)
    sample = sample_of(tmp_path)
    shown = sample.rows()
    train = pq.read_table(Path(made.uri) / "train" / "part-00000.parquet").to_pylist()
    parents = {one["row"]: one for one in pq.read_table(Path(made.uri) / "lineage.parquet").to_pylist()}
    assert len(shown) == 7
    for one in shown:
        row = one["synthetic"]["row"]
        of = parents[row]
        assert (one["base"]["row"], one["neighbor"]["row"]) == (of["base_row"], of["neighbor_row"])
        assert one["step"] == pytest.approx(of["step"])
        for side, number in (("synthetic", row), ("base", of["base_row"]), ("neighbor", of["neighbor_row"])):
            assert one[side]["values"] == {name: train[number][name] for name in ("amount", "score", "country", "emb")}
        assert one["base"]["keys"] == {name: train[of["base_row"]][name] for name in ("customer_id", "id")}
        assert one["distance"]["nearest_real"] <= min(one["distance"]["base"], one["distance"]["neighbor"])
        both = one["distance"]["base"], one["distance"]["neighbor"]
        if (
            train[of["base_row"]]["country"]
            == train[of["neighbor_row"]]["country"]
            == one["synthetic"]["values"]["country"]
        ):
            assert both[0] * (1 - one["step"]) == pytest.approx(both[1] * one["step"], abs=0.05)


def test_a_sample_is_the_same_again_and_decides_no_byte_of_a_version(create, tmp_path):
    first = create(audit_sample=5)
    data = (tmp_path / "cat" / "pay" / "audit" / "v0001.jsonl").read_bytes()
    other = create(name="other", audit_sample=5)
    assert (tmp_path / "cat" / "other" / "audit" / "v0001.jsonl").read_bytes() == data
    assert create(name="none").digest == first.digest == other.digest
    assert sample_of(tmp_path, "none") is None
    with pytest.warns(SnapshotWarning, match="is reused and has no audit sample, and gets none"):
        create(name="none", audit_sample=5)
    with pytest.warns(SnapshotWarning, match="is reused and keeps its audit sample"):
        create(audit_sample=9)


@pytest.mark.parametrize("retain", ["full", "recipe"])
def test_a_version_with_a_sample_is_verified_and_rebuilt(create, tmp_path, retain):
    made = create(audit_sample=5, retain=retain)
    assert len(sample_of(tmp_path).rows()) == 5
    assert verify_snapshot(tmp_path / "cat", name="pay").ok
    rebuild_snapshot(tmp_path / "cat", name="pay")
    assert made.manifest.notes["audit_sample"]["rows"] == 5


def test_a_sample_has_an_access_of_its_own(create, tmp_path):
    create(audit_sample=2)
    folder = tmp_path / "cat" / "pay" / "audit"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "v0001.jsonl").stat().st_mode & 0o777 == 0o600
    create(seed=1, audit_sample=2, audit_root=tmp_path / "apart")
    assert not (folder / "v0002.jsonl").exists()
    assert sample_of(tmp_path).file.path == str(tmp_path / "apart" / "pay" / "v0002.jsonl")
    assert len(sample_of(tmp_path).rows()) == 2
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match=r"audit_root: .* cannot be written"):
        create(seed=2, audit_sample=2, audit_root=tmp_path / "file" / "there")
    assert not (tmp_path / "cat" / "pay" / "v0003").exists()


def test_redacted_columns_stand_nowhere_and_enter_no_distance(create, tmp_path):
    create(audit_sample=4)
    whole = sample_of(tmp_path).rows()
    create(name="less", audit_sample=4, audit_redact=["amount, country", "customer_id"])
    text = (tmp_path / "cat" / "less" / "audit" / "v0001.jsonl").read_text()
    assert not any(word in text for word in ("amount", "country", "customer_id"))
    for full, less in zip(whole, map(json.loads, text.splitlines()), strict=True):
        assert [*less["base"]["values"]] == ["score", "emb"]
        assert [*less["base"]["keys"]] == ["id"]
        assert "row" not in less["base"]
        assert less["distance"]["base"] != full["distance"]["base"]
    with pytest.raises(InvalidInputError, match="audit_redact must name columns of customer_id, id, amount"):
        create(seed=1, audit_sample=4, audit_redact="amounts")
    for wrong in ({"audit_redact": "amount"}, {"audit_root": "x"}):
        with pytest.raises(InvalidInputError, match="give audit_sample"):
            AuditSample(**wrong)


@pytest.mark.parametrize("apart", [False, True])
def test_prune_and_forget_remove_it(create, tmp_path, apart):
    root = tmp_path / "apart" if apart else None
    folder = root / "pay" if apart else tmp_path / "cat" / "pay" / "audit"
    create(audit_sample=3, audit_root=root, audit_redact="score")
    key = sample_of(tmp_path).rows()[0]["base"]["keys"]["customer_id"]
    done = forget_entity(tmp_path / "cat", name="pay", entity=f"customer_id={key}")
    assert [one.replaced_by for one in done] == [2]
    assert [path.name for path in folder.iterdir()] == ["v0002.jsonl"]
    again = sample_of(tmp_path)
    assert again.redacted == ("score",)
    shown = again.rows()
    assert len(shown) == 3
    assert not any(one[side]["keys"]["customer_id"] == key for one in shown for side in ("base", "neighbor"))
    prune_snapshot(tmp_path / "cat", name="pay", version=2)
    assert not [*folder.iterdir()]
