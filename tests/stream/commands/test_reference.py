"""`resampler stream run --reference`: versions by path and by name, and what is wrong with one, in a line."""

import json

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from feast_plugin import alias_snapshot, create_snapshot
from resampler import FeatureSchema
from resampler.commands.drift import drift
from resampler.errors import CorruptStateError, DataError, InvalidInputError
from stream.commands.reference import read_reference
from stream.redis.keys import ShardKeys

SCHEMA = FeatureSchema.numeric(["a", "b", "c"])


@pytest.fixture(scope="module")
def catalog(tmp_path_factory, make_rows):
    directory = tmp_path_factory.mktemp("catalog")
    X, y = make_rows(600, seed=2)
    rows = {"id": np.arange(600), "label": y} | dict(zip("abd", X.T, strict=True))
    create_snapshot(
        directory,
        name="fraud",
        entity_df=pa.table(rows),
        label="label",
        join_keys=["id"],
        ratio=0.5,
        split="stratified:0.6,0.2,0.2",
    )
    alias_snapshot(directory, name="fraud", alias="prod", version=1)
    return directory


def test_run_status_and_drift(client, server, name, make_rows, add_text, call, catalog):
    add_text(client, name, *make_rows(700))
    run = ("run", "--label", "label", "--features", "a,b,c", "--metrics-port", "0", "--until-idle", "0.2")
    counting = ("--reference", "fraud:prod", "--catalog", catalog, "--drift-rows", "100", "--drift-every", "1")
    _, err = call(*run, *counting, "--stream", name)
    assert "not counted: 'd' is no column of the stream's contract" in err
    assert "not counted: 'c' is no feature of the version" in err
    out, _ = call("status", "--stream", name)
    assert "counted against fraud version 1, one of 1 rows, in windows of 100: 7 kept, the newest from 601-0" in out
    out, _ = call("status", "--stream", name, "--json")
    assert json.loads(out)["shards"][0]["drift"]["windows"][-1]["rows"] == 100
    asked = f"--snapshot fraud:prod --catalog {catalog} --stream {name} --url {server.url} --windows 7 --json"
    found = CliRunner().invoke(drift, asked, standalone_mode=False, catch_exceptions=False)
    report = json.loads(found.stdout)
    assert report["rows"][1] == 700
    assert report["later"] | {"counts": ""} == {"kind": "stream", "where": name, "counts": ""}
    assert report["not_compared"] == ["d"]
    assert "700 rows counted of 700 accepted" in found.stderr
    _, err = call(*run, "--stream", f"{name}-none", "--catalog", catalog, code=2)
    assert "--reference NAME" in err
    assert not client.exists(ShardKeys(f"{name}-none").checkpoint)


def test_paths_and_names_are_the_same_counts(catalog):
    directory = catalog / "fraud" / "v0001"
    by_name = read_reference("fraud:1", SCHEMA, catalog=str(catalog))
    for path in (str(directory), f"{directory}/", f"{directory}/profile.json", directory.as_uri()):
        found = read_reference(path, SCHEMA)
        assert found.digest == by_name.digest
    assert by_name.name == "fraud version 1"
    assert list(by_name.cells) == ["a", "b"]


def test_what_is_no_version(catalog, tmp_path):
    with pytest.raises(DataError, match=r"no profile.json can be read there .* NAME:ALIAS with --catalog"):
        read_reference(str(tmp_path), SCHEMA)
    with pytest.raises(InvalidInputError, match="as a name of one it needs a place: add --catalog, --root or --repo"):
        read_reference("fraud:prod", SCHEMA)
    with pytest.raises(DataError, match="version 7"):
        read_reference("fraud:7", SCHEMA, catalog=str(catalog))
    with pytest.raises(DataError, match="canary"):
        read_reference("fraud:canary", SCHEMA, catalog=str(catalog))
    (tmp_path / "profile.json").write_text("{}")
    with pytest.raises(CorruptStateError, match="holds no counts"):
        read_reference(str(tmp_path), SCHEMA)
