"""Synthetic rows keep the grids and relations of the training split; manifest, rebuild and verification know them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feast_plugin import create_snapshot, rebuild_snapshot, verify_snapshot
from feast_plugin.versions.inputs.contract import Contract
from feast_plugin.versions.making.grids import count_off_grid
from feast_plugin.versions.making.relations import count_broken
from resampler.errors import InvalidInputError
from resampler.grids import Grid


def payments(n=600, seed=0):
    """Prices, tax and total, a count kept as a double, a sensor of few values, integers by the hundred, arrays."""
    rng = np.random.default_rng(seed)
    fraud = (np.arange(n) % 6 == 0).astype(np.int64)
    price = np.round(rng.gamma(3, 10, n) + 40 * fraud, 2)
    tax = np.round(price * rng.choice([0.05, 0.2], n), 2)
    emb = np.round(rng.normal(size=(n, 2)), 1).astype(np.float32)
    return pa.table(
        {
            "customer": rng.permutation(n),
            "price": price,
            "tax": tax,
            "total": np.round(price + tax, 2),
            "visits": pa.array(rng.poisson(2 + fraud).astype(np.float64), mask=rng.random(n) < 0.1),
            "sensor": np.array([1.5, 1.75, 2.5, 9.25, 20.0], np.float32)[rng.integers(0, 5, n)],
            "limit": 100 * rng.integers(1, 50, n),
            "wide": 2**60 + rng.integers(0, 1000, n),
            "share": rng.random(n),
            "emb": pa.FixedSizeListArray.from_arrays(pa.array(emb.ravel()), 2).cast(pa.list_(pa.float32())),
            "fraud": fraud,
        }
    )


def snapshot(directory, table=None, **options):
    return create_snapshot(
        Path(directory), name="pay", entity_df=payments() if table is None else table, label="fraud",
        join_keys=["customer"], split="stratified:0.8,0.2,0", ratio=0.8, **options,
    )  # fmt: skip


def synthetic_of(version):
    train = pq.read_table(f"{version.uri}/train")
    return train.filter(train["is_synthetic"])


def test_synthetic_values_are_on_the_grids_that_the_manifest_names(tmp_path):
    version = snapshot(tmp_path)
    grids, rows = version.manifest.grids, synthetic_of(version)
    assert rows.num_rows > 100
    assert {name: grids[name].get("step") for name in ("price", "tax", "total", "visits", "limit")} == {
        "price": 0.01, "tax": 0.01, "total": 0.01, "visits": 1.0, "limit": 100.0,
    }  # fmt: skip
    assert grids["sensor"]["values"] == [1.5, 1.75, 2.5, 9.25, 20.0]
    assert [one["step"] for one in grids["emb"]] == [0.1, 0.1]
    assert "wide" not in grids
    for name in ("price", "visits", "sensor", "limit", "share"):
        assert Grid.from_dict(grids[name]).has(rows[name].to_numpy()).all()
    assert pc.max(pc.abs(rows["wide"])).as_py() > 2**60
    assert verify_snapshot(tmp_path, name="pay").ok


def test_without_grids_the_manifest_names_none(tmp_path):
    version = snapshot(tmp_path, grid="off")
    assert version.manifest.grids == {}
    price = synthetic_of(version)["price"].to_numpy()
    assert (price != np.round(price, 2)).mean() > 0.5


def test_relations_are_kept_where_asked(tmp_path):
    loose, kept = snapshot(tmp_path / "loose"), snapshot(tmp_path / "kept", relations="keep")
    found = kept.manifest.notes["relations"]
    assert found == [{"column": "total", "terms": ["price", "tax"], "factor": 1.0}]
    assert "relations" not in loose.manifest.notes
    parts = {}
    for name, version in {"loose": loose, "kept": kept}.items():
        rows = synthetic_of(version)
        price, tax, total = (rows[column].to_numpy() for column in ("price", "tax", "total"))
        parts[name] = np.count_nonzero(total != np.round(price + tax, 2))
    assert parts["kept"] == 0 < parts["loose"]
    assert verify_snapshot(tmp_path / "kept", name="pay").ok


def test_what_is_off_its_grid_or_breaks_a_relation_is_counted(tmp_path):
    version = snapshot(tmp_path, relations="keep")
    manifest, rows = version.manifest, synthetic_of(version)
    contract, related = Contract.from_dict(manifest.columns), manifest.notes["relations"]
    assert not count_off_grid(rows, manifest.grids, contract)
    assert not count_broken(rows, related, contract)
    price = rows["price"].to_numpy().copy()
    price[:3] += 0.005
    changed = rows.set_column(rows.schema.get_field_index("price"), "price", pa.array(price))
    assert count_off_grid(changed, manifest.grids, contract) == {"price": 3}
    assert count_broken(changed, related, contract) == {"total = price + tax": 3}


def test_relations_need_grids(tmp_path):
    with pytest.raises(InvalidInputError, match="relations 'keep' goes with grid 'auto'"):
        snapshot(tmp_path, relations="keep", grid="off")


@pytest.mark.parametrize("retain", ["full", "recipe"])
def test_a_version_on_grids_is_rebuilt(tmp_path, retain):
    version = snapshot(tmp_path, relations="keep", sampler="borderline-2", retain=retain)
    for file in Path(version.uri).glob("train/*.parquet"):
        file.unlink()
    made = rebuild_snapshot(tmp_path, name="pay", entity_df=payments())
    assert made.restored
    assert verify_snapshot(tmp_path, name="pay").ok
