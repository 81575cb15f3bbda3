"""`resampler drift`, from a published version to an exit code."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from feast_plugin import alias_snapshot, create_snapshot
from feast_plugin.versions.files.manifest import Manifest
from resampler.commands.drift import drift
from resampler.errors import DataError, InvalidInputError, MissingExtraError
from resampler.ledger import Ledger
from resampler.runs.decisions import message


def rows(seed, n=3_000, move=0.0):
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.15
    return pa.table(
        {
            "id": np.arange(n) + seed * n,
            "amount": np.round(rng.lognormal(y + move, 1), 2),
            "age": pa.array(np.where(rng.random(n) < 0.05 + move / 4, None, rng.integers(18, 90, n)), pa.int64()),
            "country": rng.choice(["de", "fr", "it"], n, p=[0.1, 0.2, 0.7] if move else [0.6, 0.2, 0.2]),
            "vip": rng.random(n) < 0.02,
            "y": y,
        }
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    home = tmp_path_factory.mktemp("versions")
    create_snapshot(home, name="t", entity_df=rows(0), label="y", join_keys=["id"], ratio=0.5)
    alias_snapshot(home, name="t", alias="prod", version=1)
    return home


@pytest.fixture
def run(published, tmp_path):
    """Runs the command on the version; its ledger is the test's own."""

    def run(table, *words, suffix=".parquet", code=0, snapshot="t:prod"):
        path = table if isinstance(table, str | Path) else tmp_path / f"rows{suffix}"
        if isinstance(table, pa.Table):
            {".parquet": pq.write_table, ".csv": pyarrow.csv.write_csv}[suffix](table, path)
        asked = ["--snapshot", snapshot, "--catalog", str(published), "--ledger", str(tmp_path / "ledger")]
        result = CliRunner().invoke(
            drift, [*asked, "--against", str(path), *words], standalone_mode=False, catch_exceptions=False
        )
        assert result.return_value == code, result.output
        return result

    return run


def test_rows_of_the_same_kind_are_no_drift(run):
    result = run(rows(1))
    lines = result.stdout.splitlines()
    assert lines[1].endswith("class by class")
    assert "3,000 rows" in lines[1]
    assert lines[0].startswith("no training: 0 %")


def test_rows_that_moved_ask_for_training(run, tmp_path):
    result = run(rows(2, move=0.6), code=3)
    text = result.stdout
    assert text.splitlines()[0].startswith("train again: 75 % of the features drifted")
    assert "median" in text
    assert " -> " in text
    (kept,) = Ledger(tmp_path / "ledger").runs("drift")
    assert (kept.outcome, kept.details["retrain"]) == ("no", True)
    assert kept.details["reference"]["version"] == 1


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_json_is_one_object_whatever_the_file(run, suffix):
    found = json.loads(run(rows(2, move=0.6), "--json", suffix=suffix, code=3).stdout)
    assert found["retrain"] is True
    assert found["drifted"] == ["country", "amount", "age"] or set(found["drifted"]) == {"country", "amount", "age"}
    assert found["by_class"] is True
    assert found["delivered"] == {}
    again = json.loads(run(rows(2, move=0.6), "--json", suffix=suffix, code=3).stdout)
    assert again == found | {"again": True}


def test_without_labels_all_rows_are_compared(run):
    found = json.loads(run(rows(1).drop_columns(["y"]), "--json").stdout)
    assert found["by_class"] is False
    assert {one["label"] for one in found["features"]} == {""}
    partly = rows(1)
    unknown = pa.array([None if i % 2 else bool(v) for i, v in enumerate(partly["y"].to_pylist())], pa.bool_())
    result = run(partly.set_column(partly.column_names.index("y"), "y", unknown))
    assert "some rows have no 'y'" in result.stderr


def test_a_policy_and_what_came_before_decide(run, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text("[drift]\nenter = 0.6\nwindows = 2\ncooldown = 1\nmin-rows = 60\n")
    words = ["--policy", str(policy), "--json"]
    outcomes = []
    for seed in (2, 3, 4, 5):
        result = CliRunner().invoke(drift, [])  # no state outside the ledger
        table = rows(seed, move=0.6)
        code = 3 if seed in (3, 5) else 0
        outcomes.append(json.loads(run(table, *words, code=code).stdout)["outcome"])
        assert result.exit_code == 2
    assert outcomes == ["pass", "no", "pass", "no"]
    assert json.loads(run(rows(5, move=0.6), *words, code=3).stdout)["again"] is True
    assert json.loads(run(rows(6, move=0.6), *words, "--series", "other").stdout)["outcome"] == "pass"


def test_snapshots_that_share_a_ledger_have_decisions_of_their_own(run, published, tmp_path):
    create_snapshot(published, name="other", entity_df=rows(0), label="y", join_keys=["id"], ratio=0.5)
    policy = tmp_path / "policy.toml"
    policy.write_text("[drift]\nenter = 0.6\nwindows = 2\ncooldown = 1\nmin-rows = 60\n")
    outcomes = []
    for seed, snapshot in enumerate(("t", "other", "t", "other", "t", "other"), start=2):
        code = 3 if seed in (4, 5) else 0
        found = run(rows(seed, move=0.6), "--policy", str(policy), "--json", snapshot=snapshot, code=code)
        outcomes.append(json.loads(found.stdout)["outcome"])
    assert outcomes == ["pass", "pass", "no", "no", "pass", "pass"]


def test_a_stream_that_takes_no_decision_is_said_and_decides_nothing(run):
    result = run(rows(2, move=0.6), "--emit", "decisions", "--url", "unix:///nowhere.sock", "--json", code=3)
    assert json.loads(result.stdout)["delivered"] == {"emit": False}
    assert "did not reach the stream: " in result.stderr


def test_equal_rows_again_after_others_are_another_run(run):
    keys = [message(json.loads(run(rows(seed), "--json").stdout))["key"] for seed in (1, 1, 2, 1)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_too_few_rows_are_said(run):
    few = rows(1, n=60)
    assert run(few).stdout.startswith("not enough rows to tell: fewer than 100 on a side of class ")
    run(few.slice(1), "--strict", code=3)


def test_the_label_may_have_another_name(run):
    renamed = rows(1).rename_columns({"y": "fraud"})
    assert json.loads(run(renamed, "--json", "--label", "fraud").stdout)["by_class"] is True
    with pytest.raises(DataError, match="--label names column 'nope'"):
        run(renamed, "--label", "nope")


def test_features_may_be_left_out(run):
    table = rows(1).drop_columns(["vip"])
    with pytest.raises(DataError, match="has no column 'vip'"):
        run(table)
    found = json.loads(run(table, "--ignore", "vip", "--json").stdout)
    assert {one["feature"] for one in found["features"]} == {"amount", "age", "country"}
    with pytest.raises(InvalidInputError, match="ignore names feature 'nope'"):
        run(rows(1), "--ignore", "nope")


def test_synthetic_rows_are_no_rows_of_today(run, published):
    train = next((published / "t" / "v0001" / "train").glob("*.parquet"))
    result = run(train)
    assert "synthetic rows were left out" in result.stderr
    assert result.stdout.splitlines()[0].startswith("no training: 0")


def test_no_rows(run):
    with pytest.raises(DataError, match="what is compared with it has no rows"):
        run(rows(1).slice(0, 0))


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ([], InvalidInputError, "give one of --against, --stream, --feast"),
        (["--against", "a.csv", "--stream", "s"], InvalidInputError, "give one of"),
        (["--against", "a.csv", "--url", "redis://h"], InvalidInputError, "--url says where a stream is"),
        (["--against", "a.csv", "--windows", "2"], InvalidInputError, "--windows says how much of a stream"),
        (["--against", "a.csv", "--entity-df", "e"], InvalidInputError, "--entity-df says what --feast"),
        (["--against", "a.csv", "--webhook", "nope"], InvalidInputError, "--webhook must be a URL"),
        (["--against", "a.csv", "--policy", "p.ini"], InvalidInputError, "must end in .toml"),
        (["--against", "a.csv"], DataError, "no such file"),
        (["--stream", "s", "--label", "y"], InvalidInputError, "--label names a column of rows"),
        (["--feast", "s"], InvalidInputError, "--feast needs --feast-repo"),
        (["--against", "a.csv", "--feast-repo", "r"], InvalidInputError, "--feast-repo says what --feast"),
    ],
)
def test_wrong_usage(published, words, error, says):
    asked = ["--snapshot", "t", "--catalog", str(published), *words]
    with pytest.raises(error, match=says):
        CliRunner().invoke(drift, asked, standalone_mode=False, catch_exceptions=False)


def test_a_version_without_counts_is_counted_now(run, published):
    directory = published / "t" / "v0001"
    file = directory / "manifest.json"
    then, counts = file.read_bytes(), (directory / "profile.json").read_bytes()
    manifest = Manifest.from_json(then, str(file))
    try:
        file.write_text(dataclasses.replace(manifest, profile=None).to_json())
        (directory / "profile.json").unlink()
        result = run(rows(2, move=0.6), code=3)
        assert "kept no counts: its real training rows were counted now" in result.stderr
    finally:
        file.write_bytes(then)
        (directory / "profile.json").write_bytes(counts)
    found = [json.loads(line) for line in run(rows(2, move=0.6), "--json", "--series", "b", code=3).stdout.splitlines()]
    assert found[0]["drifted"]


def test_a_webhook_that_does_not_answer_is_said_and_decides_nothing(run, monkeypatch):
    monkeypatch.setattr("resampler.runs.webhook.WAITS_S", ())
    result = run(rows(1), "--webhook", "http://127.0.0.1:9/secret", "--json")
    assert json.loads(result.stdout)["delivered"] == {"webhook": False}
    assert "did not reach the webhook: 127.0.0.1 cannot be reached" in result.stderr
    assert "secret" not in result.stderr


def test_a_stream_needs_its_wing(published, monkeypatch):
    monkeypatch.setattr("resampler.wings.entry_points", lambda **_: ())
    with pytest.raises(MissingExtraError, match=r"pip install 'feast-resampler\[stream\]'"):
        CliRunner().invoke(
            drift,
            ["--snapshot", "t", "--catalog", str(published), "--stream", "s"],
            standalone_mode=False,
            catch_exceptions=False,
        )


def test_rows_without_labels_against_a_version_that_left_rows_out_are_noted(tmp_path):
    create_snapshot(
        tmp_path / "v", name="u", entity_df=rows(0), label="y", join_keys=["id"], undersample=0.5, ratio=0.8
    )
    pq.write_table(rows(1).drop_columns(["y"]), tmp_path / "rows.parquet")
    words = ["--snapshot", "u", "--catalog", str(tmp_path / "v"), "--against", str(tmp_path / "rows.parquet")]
    result = CliRunner().invoke(drift, words, standalone_mode=False, catch_exceptions=False)
    assert "left out real training rows of some classes" in result.stderr
    pq.write_table(rows(1), tmp_path / "rows.parquet")
    result = CliRunner().invoke(drift, words, standalone_mode=False, catch_exceptions=False)
    assert "left out real training rows" not in result.stderr
    assert result.return_value == 0
