"""What versions add to an incident's archive: counts, figures and what changed by name, and no value of a row."""

import json
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from feast_plugin import create_snapshot
from resampler.commands.incident import incident


def _table(path, word, seed):
    rng = np.random.default_rng(seed)
    y = (np.arange(400) % 10 == 0).astype(np.int64)
    place = np.where(np.arange(400) % 3 == 0, word, "common").astype(object)
    values = rng.normal(size=400) + y
    values[5] = 4711.25
    table = pa.table({"id": np.arange(400) + 987_654_000, "x": values, "place": place, "fraud": y})
    pq.write_table(table, path)
    return str(path)


@pytest.fixture
def catalog(tmp_path):
    for i, word in enumerate(("Zanzibar", "Timbuktu")):
        rows = _table(tmp_path / f"rows{i}.parquet", word, i)
        options = {"name": "t", "label": "fraud", "join_keys": ["id"], "sampler": "smotenc", "ratio": 0.5 + i / 10}
        create_snapshot(str(tmp_path / "catalog"), entity_df=rows, seed=1, **options)
    return str(tmp_path / "catalog")


def test_versions_are_compared(catalog, tmp_path):
    arguments = ["collect", "--out", str(tmp_path / "a.zip"), "--snapshot", "t", "--catalog", catalog, "--json"]
    result = CliRunner().invoke(incident, arguments)
    assert result.exception is None, result.output
    assert json.loads(result.stdout)["errors"] == {}
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    found = json.loads(files["diff-1-2.json"])
    assert found["equal"] is False
    assert "ratio" in found["parameters changed"]
    assert found["drift"]["train"]["real"]["place"]
    known = json.loads(files["versions-of-snapshot.json"])
    assert [one["parameters"]["ratio"] for one in known.values()] == [0.5, 0.6]
    assert "resampler_snapshot_version" in files["metrics-ledger.txt"].decode()
    for value in (b"Zanzibar", b"Timbuktu", b"4711.25", b"987654"):
        assert value not in b"\n".join(files.values()), value
