"""`resampler explain` and `rollback` of versions, and what a killed publisher leaves of its lineage."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from feast_plugin import alias_snapshot, create_snapshot, forget_entity, prune_snapshot
from resampler.cli import resampler
from resampler.errors import DataError, InvalidInputError
from resampler.ledger import Ledger, Run, key_of, now
from resampler.lineage.outbox import Outbox
from resampler.monitoring.catalog import LEDGER
from resampler.secret import SecretKey
from resampler.storage import Location
from resampler.training_set import open_version

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def plain(project, tmp_path):
    """A catalogue of three versions, whose alias has been at each."""
    pq.write_table(
        project.table.select(["customer_id", "event_timestamp", "amount", "fraud"]), tmp_path / "rows.parquet"
    )
    for seed in (1, 2, 3):
        create_snapshot(
            tmp_path / "plain",
            name="pay",
            entity_df=tmp_path / "rows.parquet",
            join_keys=["customer_id"],
            timestamp="event_timestamp",
            label="fraud",
            ratio=0.5,
            seed=seed,
            secret_key=SecretKey(KEY.encode()) if seed == 3 else None,
        )
        alias_snapshot(tmp_path / "plain", name="pay", alias="prod", version=seed)
    return tmp_path / "plain"


def run(*words, error=None):
    result = CliRunner().invoke(resampler, list(map(str, words)))
    if error is None:
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout
    assert isinstance(result.exception, error), result.exception
    return str(result.exception)


def test_a_version_says_where_its_rows_came_from(plain, tmp_path):
    opened = open_version("pay:prod", catalog=str(plain))
    details = {"snapshot": {"digest": opened.digest}, "predictions": {"file": "p.parquet"}}
    Ledger(plain / "pay" / "ledger").append(Run("gate", "pass", key_of(a=1), str(opened), now(), 0.1, details))
    said = json.loads(run("explain", "snapshot:pay:prod", "--catalog", plain, "--json"))
    assert (said["version"], said["digest"], said["seed"], said["ratio"]) == (3, opened.digest, 3, 0.5)
    assert said["secret_key"] == SecretKey(KEY.encode()).fingerprint
    assert KEY not in json.dumps(said)
    assert said["inputs"] == [{"kind": "file", "name": str(tmp_path / "rows.parquet")}]
    assert said["parents"]["real"] == said["counts"]["train"]["real"]
    assert (said["aliases"], said["uses"]) == (["prod"], [])
    assert said["runs"]["gate"].startswith("yes, of p.parquet")
    assert said["ledger"]["gate"] == {"pass": 1}
    assert set(said["watched"]["metrics"]) <= set(LEDGER)
    words = run("explain", "snapshot:pay:v1", "--root", plain)
    assert "pay version 1: digest" in words
    assert "not asked: --uses opens the feature store to see" in words
    assert "ResamplerGateFailed" in words
    (cost,) = [line for line in words.splitlines() if line.strip().startswith("cost:")]
    assert "s of processor time" in cost
    assert "has not run on it: resampler audit privacy" in words
    assert "snapshot 3 pass" in words


def test_where_nothing_waits_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    for command in ("show", "send"):
        said = run("lineage", command, "--catalog", tmp_path)
        assert said == f"no snapshot in {tmp_path} has ever had an event to send\n"


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["explain", "pay:1"], InvalidInputError, "ask for snapshot:NAME"),
        (["explain", "snapshot:pay:"], InvalidInputError, "a version is named NAME, NAME:3"),
        (["explain", "snapshot:pay:9"], DataError, "9"),
        (["explain", "snapshot:pay:best"], DataError, "no alias 'best'; it has prod"),
        (["explain", "snapshot:pay@0000"], DataError, "has a digest that begins with 0000"),
        (["rollback", "pay:prod"], InvalidInputError, "snapshot:NAME:ALIAS"),
        (["rollback", "snapshot:pay:prod", "--to", "first"], InvalidInputError, "number of a version, or previous"),
        (["rollback", "snapshot:pay:prod", "--to", "9"], DataError, "9"),
        (["rollback", "snapshot:pay:prod", "--model-alias", "a"], InvalidInputError, "give --model"),
        (["rollback", "snapshot:pay:best"], DataError, "no alias 'best'"),
    ],
)
def test_what_is_asked_for_wrongly(words, error, said, plain):
    assert said in run(*words, "--catalog", plain, error=error)


def test_an_alias_goes_back_is_kept_and_goes_no_further_than_is_sound(plain):
    words = ["rollback", "snapshot:pay:prod", "--catalog", plain]
    assert "would point to version 2, before to version 3" in run(*words, "--dry-run")
    assert open_version("pay:prod", catalog=str(plain)).version == 3
    assert json.loads(run(*words, "--json"))["after"] == 2
    assert "points to version 1, before to version 2" in run(*words, "--to", "previous")
    assert "points to version 3, before to version 1" in run(*words, "--to", "3")
    assert "points to version 3 already" in run(*words, "--to", "3")
    kept = list(Ledger(plain / "pay" / "ledger").runs("alias"))
    assert [(one.outcome, one.details["before"], one.details["version"]) for one in kept] == [
        ("pass", 3, 2),
        ("pass", 2, 1),
        ("pass", 1, 3),
        ("pass", 3, 3),
    ]
    part = next((plain / "pay" / "v0002" / "train").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    assert "pay version 2 does not verify, and prod stays where it is" in run(*words, "--to", "2", error=DataError)
    prune_snapshot(plain, name="pay", version=2)
    assert "2" in run(*words, "--to", "2", error=DataError)
    assert open_version("pay:prod", catalog=str(plain)).version == 3


def test_a_version_that_was_forgotten_is_none_to_go_back_to(plain):
    customer = pq.read_table(plain / "pay" / "v0001" / "train")["customer_id"][0].as_py()
    forget_entity(plain, name="pay", entity=customer, secret_key=SecretKey(KEY.encode()))
    error = run("rollback", "snapshot:pay:prod", "--to", "1", "--catalog", plain, error=DataError)
    assert "1" in error
    assert json.loads(run("rollback", "snapshot:pay:prod", "--catalog", plain, "--json"))["after"] == 5, (
        "what replaces 2"
    )


def test_feast_is_opened_only_to_see_what_uses_a_version(project):
    project.create()
    words = ["explain", "snapshot:pay", "--repo", project.path, "--json"]
    said = json.loads(run(*words))
    assert said["uses"] is None
    assert {(one["kind"], one["name"]) for one in said["inputs"]} == {
        ("feature service", "numbers"),
        ("feature view", "numbers"),
    }
    assert said["project"] == "shop"
    assert json.loads(run(*words, "--uses"))["uses"] == []


KILLED = """
import os, sys, warnings
warnings.simplefilter("ignore")
from feast_plugin import create_snapshot
from resampler.lineage.outbox import Outbox
setattr(Outbox, sys.argv[3], lambda *_: os._exit(9))
create_snapshot(sys.argv[1], name="pay", entity_df=sys.argv[2], join_keys=["customer_id"], timestamp="event_timestamp",
    label="fraud", ratio=0.5, seed=4)
"""


@pytest.mark.parametrize(("killed_in", "versions", "told"), [("confirm", 4, 1), ("stage", 3, 0)])
def test_a_publisher_that_is_killed_loses_no_event_and_tells_of_nothing_that_is_not(
    killed_in, versions, told, plain, tmp_path, monkeypatch
):
    sink = tmp_path / "events.jsonl"
    transport = {"OPENLINEAGE__TRANSPORT__TYPE": "file", "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH": str(sink)}
    transport["OPENLINEAGE__TRANSPORT__APPEND"] = "true"
    words = [sys.executable, "-c", KILLED, str(plain), str(tmp_path / "rows.parquet"), killed_in]
    assert subprocess.run(words, env=os.environ | transport, check=False).returncode == 9
    assert len([one for one in (plain / "pay").glob("v*") if (one / "manifest.json").exists()]) == versions
    for name, value in transport.items():
        monkeypatch.setenv(name, value)
    run("lineage", "send", "--catalog", plain)
    assert Outbox(Location.parse(plain / "pay")).waiting.events == 0
    events = [json.loads(line) for line in sink.read_text().splitlines()] if sink.exists() else []
    assert [one["outputs"][0]["facets"]["version"]["datasetVersion"] for one in events] == ["4"] * told
    assert not any(name.endswith(".staged") for name in (Location.parse(plain / "pay") / "outbox").files())
